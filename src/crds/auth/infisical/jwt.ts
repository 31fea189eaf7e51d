// Login to Infisical by a JSON Web Token in a Secret.
import * as z from 'zod/mini';
import { about } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const jwt = about(
  'JWT Auth: a token from another issuer, kept in a Secret.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
    jwt: secretKeyRef('The token.'),
  }),
);
