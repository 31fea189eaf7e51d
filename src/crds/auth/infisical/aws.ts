// Login to Infisical by the operator's own identity on AWS.
import * as z from 'zod/mini';
import { about } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const aws = about(
  'AWS Auth: a signed identity request with the cloud identity that the operator runs as.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
  }),
);
