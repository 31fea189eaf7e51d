// Login to Infisical by a ready access token.
import * as z from 'zod/mini';
import { about } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const token = about(
  'Token Auth: an access token that Infisical issued, used as it is.',
  z.object({
    accessToken: secretKeyRef('The access token.'),
  }),
);
