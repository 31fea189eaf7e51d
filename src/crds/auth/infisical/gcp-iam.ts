// Login to Infisical by a service account key of Google Cloud in a file of the pod.
import * as z from 'zod/mini';
import { about } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const gcpIam = about(
  'GCP IAM Auth: a token signed with a service account key.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
    serviceAccountKeyFilePath: secretKeyRef(
      'Path of the key file inside the pod of the operator; it must lie in a directory that the administrator listed.',
    ),
  }),
);
