// Login to Infisical by the operator's own managed identity in Azure.
import * as z from 'zod/mini';
import { about, optional } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const azure = about(
  'Azure Auth: a token of the managed identity that the operator runs as.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
    resource: optional(
      secretKeyRef('Resource that the Azure token is asked for; absent means the Azure management API.'),
    ),
  }),
);
