// Login to Infisical by an API key of Oracle Cloud.
import * as z from 'zod/mini';
import { about, optional } from '../../kit.ts';
import { secretKeyRef } from '../../selectors.ts';

export const oci = about(
  'OCI Auth: a request signed with the API key of an Oracle Cloud user.',
  z.object({
    identityId: secretKeyRef('Id of the machine identity.'),
    privateKey: secretKeyRef('Private key in PEM.'),
    privateKeyPassphrase: optional(secretKeyRef('Passphrase of the private key; absent means that it has none.')),
    fingerprint: secretKeyRef('Fingerprint of the key.'),
    userId: secretKeyRef('OCID of the user.'),
    tenancyId: secretKeyRef('OCID of the tenancy.'),
    region: secretKeyRef('Region whose endpoint signs, such as `eu-frankfurt-1`.'),
  }),
);
