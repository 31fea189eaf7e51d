// Login to Infisical by a client id and secret, both in Secrets.
import * as z from 'zod/mini';
import { about } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const universal = about(
  'Universal Auth: a client id and a client secret.',
  z.object({
    clientId: secretKeyRef('Client id of the machine identity.'),
    clientSecret: secretKeyRef('Client secret of the machine identity.'),
  }),
);
