// Generator UUID: a random identifier, version 4 of RFC 9562.
import { SecretValue } from '../secret-value.ts';
import type { RandomBytes } from './random.ts';

export function generateUuid(random: RandomBytes): Map<string, SecretValue> {
  const bytes = Buffer.from(random(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  const text = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return new Map([['uuid', new SecretValue(Buffer.from(text))]]);
}
