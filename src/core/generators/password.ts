// Generator Password: letters, digits and symbols in the numbers that the spec asks for, in random order.

import { OperatorError } from '../../base/operator-error.ts';
import { longestPassword, type PasswordSpec } from '../../crds/generators/password.ts';
import { SecretValue } from '../secret-value.ts';
import { toBase32 } from './base32.ts';
import { below, type RandomBytes, shuffled } from './random.ts';

const lower = 'abcdefghijklmnopqrstuvwxyz';
const digitCharacters = '0123456789';
const keyboardSymbols = '~!@#$%^&*()_+`-={}|[]\\:"<>?,./';
const defaultShare = 0.25;
/** A Secret has no room for more. */
const mostKeys = 64;

/** A password for each key. Throws InvalidSpec when no password can be what the spec asks for. */
export function generatePasswords(spec: PasswordSpec, random: RandomBytes): Map<string, SecretValue> {
  const keys = spec.secretKeys ?? ['password'];
  if (keys.includes('')) throw new OperatorError('InvalidSpec', 'spec.secretKeys: a key must not be empty');
  if (new Set(keys).size < keys.length) throw new OperatorError('InvalidSpec', 'spec.secretKeys: keys must differ');
  if (keys.length === 0 || keys.length > mostKeys)
    throw new OperatorError('InvalidSpec', `spec.secretKeys: name 1 to ${mostKeys} keys`);
  const parts = partsOf(spec);
  return new Map(keys.map((key) => [key, new SecretValue(encode(onePassword(parts, spec, random), spec.encoding))]));
}

interface Part {
  readonly what: string;
  readonly count: number;
  readonly characters: readonly string[];
}

function partsOf(spec: PasswordSpec): readonly Part[] {
  const { length, noUpper, symbolCharacters = keyboardSymbols } = spec;
  const digits = spec.digits ?? Math.floor(length * defaultShare);
  const symbols = spec.symbols ?? Math.floor(length * defaultShare);
  if (length < 1 || length > longestPassword)
    throw new OperatorError('InvalidSpec', `spec.length: must be 1 to ${longestPassword}`);
  if (digits < 0 || symbols < 0)
    throw new OperatorError('InvalidSpec', 'spec: digits and symbols must not be negative');
  if (digits + symbols > length)
    throw new OperatorError('InvalidSpec', 'spec: digits and symbols together must not exceed length');
  const letters = noUpper ? lower : lower + lower.toUpperCase();
  const parts = [
    { what: 'letters', count: length - digits - symbols, characters: Array.from(letters) },
    { what: 'digits', count: digits, characters: Array.from(digitCharacters) },
    { what: 'symbols', count: symbols, characters: Array.from(symbolCharacters) },
  ];
  for (const { what, count, characters } of parts) refuseShort(what, count, characters, spec.allowRepeat);
  return parts;
}

function refuseShort(what: string, count: number, characters: readonly string[], allowRepeat: boolean): void {
  const available = allowRepeat ? (characters.length === 0 ? 0 : count) : new Set(characters).size;
  if (count <= available) return;
  throw new OperatorError(
    'InvalidSpec',
    `spec: ${count} ${what} are asked for, and there are ${available} without repeating one; ask for fewer, or set allowRepeat`,
  );
}

function onePassword(parts: readonly Part[], { allowRepeat }: PasswordSpec, random: RandomBytes): string {
  const chosen = parts.flatMap(({ count, characters }) =>
    allowRepeat
      ? Array.from({ length: count }, () => characters[below(characters.length, random)] ?? '')
      : shuffled([...new Set(characters)], random).slice(0, count),
  );
  return shuffled(chosen, random).join('');
}

function encode(password: string, encoding: PasswordSpec['encoding']): Buffer {
  const bytes = Buffer.from(password);
  const encodings: Record<PasswordSpec['encoding'], () => string> = {
    raw: () => password,
    base64: () => bytes.toString('base64'),
    base64url: () => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_'), // padded, as Go's URLEncoding
    base32: () => toBase32(bytes),
    hex: () => bytes.toString('hex'),
  };
  return Buffer.from(encodings[encoding]());
}
