// Kind SSHKey: a key pair for SSH. Field reference of the compatible API: https://external-secrets.io/latest/api/generator/sshkey/
import * as z from 'zod/mini';
import { about, defaulted, oneOf, optional, text } from '../kit.ts';

export const sshKeySpec = z.object({
  keyType: defaulted(oneOf(['rsa', 'ecdsa', 'ed25519'], 'Kind of key. Default rsa.'), 'rsa'),
  keySize: optional(
    about(
      'Size in bits: for rsa 2048 to 8192, absent means 2048; for ecdsa 256, 384 or 521, absent means 256. ed25519 has one size.',
      z.int().check(z.minimum(256), z.maximum(8192)),
    ),
  ),
  comment: optional(text('Comment of the public key; absent means none.')),
});

export type SshKeySpec = z.infer<typeof sshKeySpec>;
