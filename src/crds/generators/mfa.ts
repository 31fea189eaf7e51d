// Kind MFA: a time-based one-time password (RFC 6238). Field reference of the compatible API: https://external-secrets.io/latest/api/generator/mfa/
import * as z from 'zod/mini';
import { about, instant, integer, objectName, optional, text } from '../kit.ts';

export const mfaSpec = z.object({
  secret: about(
    'The Secret with the seed in base32, in the namespace of the ExternalSecret.',
    z.object({
      name: objectName('Name of the Secret.'),
      key: text('Key of the seed.'),
      namespace: optional(text('Without effect: the namespace is always that of the ExternalSecret.')),
    }),
  ),
  length: optional(integer('Number of digits, 1 to 10; absent means 6.')),
  timePeriod: optional(integer('How long a token lives, in seconds; absent means 30.')),
  algorithm: optional(text('Hash function: sha1, sha256 or sha512; absent means sha1.')),
  when: optional(instant('Instant for which the token is made; absent means now.')),
});

export type MfaSpec = z.infer<typeof mfaSpec>;
