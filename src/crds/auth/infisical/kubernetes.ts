// Login to Infisical by a ServiceAccount token: one minted for the store, or the operator's own from a file.
import * as z from 'zod/mini';
import { about, optional } from '../../kit.ts';
import { secretKeyRef, serviceAccountRef } from '../../selectors.ts';

export const kubernetes = about(
  'Kubernetes Auth: a ServiceAccount token that Infisical has reviewed by the cluster.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
    serviceAccountTokenPath: optional(
      secretKeyRef(
        'Path of a token file inside the pod of the operator; absent means its own ServiceAccount token. Not together with `serviceAccountRef`.',
      ),
    ),
    serviceAccountRef: optional(
      serviceAccountRef(
        'ServiceAccount whose token is minted for this login, in place of the identity of the operator. Recommended.',
      ),
    ),
  }),
);
