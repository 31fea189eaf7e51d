// Generator MFA: a time-based one-time password, RFC 6238 on top of RFC 4226.
import { createHmac } from 'node:crypto';
import { OperatorError } from '../../base/operator-error.ts';
import type { MfaSpec } from '../../crds/generators/mfa.ts';
import { SecretValue } from '../secret-value.ts';
import { fromBase32 } from './base32.ts';

const algorithms = new Set(['sha1', 'sha256', 'sha512']);
/** A code has 31 bits: more digits would be zeros. */
const mostDigits = 10;

/** The token of the present, and the seconds for which it holds. `seed` is base32. Throws InvalidSpec, InvalidValue. */
export function generateMfa(spec: MfaSpec, seed: SecretValue, nowMs: number): Map<string, SecretValue> {
  const length = filled(spec.length, 6);
  const timePeriod = filled(spec.timePeriod, 30);
  const algorithm = (spec.algorithm ?? 'sha1').toLowerCase();
  if (length > mostDigits) throw new OperatorError('InvalidSpec', `spec.length: must be at most ${mostDigits}`);
  if (!algorithms.has(algorithm))
    throw new OperatorError('InvalidSpec', `spec.algorithm: expected one of ${[...algorithms].join(', ')}`);
  const key = fromBase32(seed.reveal().toString('latin1'));
  if (key === undefined || key.length === 0)
    throw new OperatorError('InvalidValue', `key "${spec.secret.key}" of Secret "${spec.secret.name}" is not base32`);
  const seconds = Math.floor(instantOf(spec, nowMs) / 1000);
  const token = codeOf(key, Math.floor(seconds / timePeriod), algorithm, length);
  const texts = { token, timeLeft: String(timePeriod - (seconds % timePeriod)) };
  return new Map(Object.entries(texts).map(([name, text]) => [name, new SecretValue(Buffer.from(text))]));
}

/** ESO takes anything below 1 as if it were absent. */
function filled(value: number | undefined, absent: number): number {
  return value === undefined || value < 1 ? absent : value;
}

function instantOf({ when }: MfaSpec, nowMs: number): number {
  if (when === undefined) return nowMs;
  const ms = Date.parse(when);
  if (Number.isNaN(ms) || ms < 0)
    throw new OperatorError('InvalidSpec', 'spec.when: expected an instant such as 2026-01-31T12:00:00Z');
  return ms;
}

function codeOf(key: Buffer, counter: number, algorithm: string, length: number): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac(algorithm, key).update(message).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const code = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(code % 10 ** length).padStart(length, '0');
}
