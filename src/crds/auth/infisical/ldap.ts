// Login to Infisical by a directory user.
import * as z from 'zod/mini';
import { about } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const ldap = about(
  'LDAP Auth: a user of the directory that Infisical asks.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
    ldapPassword: secretKeyRef('Password of the user.'),
    ldapUsername: secretKeyRef('Name of the user.'),
  }),
);
