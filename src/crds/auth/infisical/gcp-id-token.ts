// Login to Infisical by the operator's own identity on Google Cloud.
import * as z from 'zod/mini';
import { about } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const gcpIdToken = about(
  'GCP ID Token Auth: an identity token from the metadata server of the machine.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
  }),
);
