import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { passwordSpec } from '../../crds/generators/password.ts';
import { fromBase32 } from './base32.ts';
import { generatePasswords } from './password.ts';
import { seededBytes } from './random.fixture.ts';

const made = (spec: object, seed = 's') => generatePasswords(z.parse(passwordSpec, spec), seededBytes(seed));
const one = (spec: object, seed = 's') => made(spec, seed).get('password')?.reveal().toString() ?? '';
const counts = (text: string) => ({
  letters: text.replace(/[^a-zA-Z]/g, '').length,
  digits: text.replace(/\D/g, '').length,
  all: text.length,
});

describe('generatePasswords', () => {
  it('gives 24 characters, a quarter digits and a quarter symbols, when the spec says nothing', () => {
    expect(counts(one({}))).toEqual({ letters: 12, digits: 6, all: 24 });
    expect([...made({}).keys()]).toEqual(['password']);
  });

  it('has the numbers of the spec and no character twice, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(10), fc.nat(5), fc.nat(20), (seed, digits, symbols, letters) => {
        fc.pre(digits + symbols + letters > 0);
        const spec = { length: digits + symbols + letters, digits, symbols, symbolCharacters: '-_$@!', noUpper: true };
        const text = one(spec, seed);
        expect(counts(text)).toEqual({ letters, digits, all: spec.length });
        expect(text).toMatch(/^[a-z0-9\-_$@!]*$/);
        expect(new Set(text).size).toBe(text.length);
      }),
    );
  });

  it('gives each key a password of its own', () => {
    const values = [...made({ secretKeys: ['a', 'b'] })].map(([key, value]) => [key, value.reveal().toString()]);
    expect(values.map(([key]) => key)).toEqual(['a', 'b']);
    expect(values[0]?.[1]).not.toBe(values[1]?.[1]);
  });

  it('writes the same password in every encoding', () => {
    const raw = one({});
    const read = (encoding: string, decode: (text: string) => string | undefined) =>
      expect(decode(one({ encoding }))).toBe(raw);
    read('base64', (text) => Buffer.from(text, 'base64').toString());
    read('base64url', (text) => Buffer.from(text, 'base64url').toString());
    read('hex', (text) => Buffer.from(text, 'hex').toString());
    read('base32', (text) => fromBase32(text)?.toString());
    expect(one({ length: 25, encoding: 'base64url' })).toMatch(/=$/);
  });

  it('chooses every character, none of them much more often than others', () => {
    const text = one({ length: 16_384, digits: 16_384, symbols: 0, allowRepeat: true });
    const seen = Object.values(Object.groupBy(text, (digit) => digit)).map((each) => each?.length ?? 0);
    expect(seen).toHaveLength(10);
    for (const count of seen) expect(Math.abs(count - 1_638)).toBeLessThan(200);
  });

  it.each([
    ['more digits than there are', { length: 12, digits: 11, symbols: 0 }],
    ['more letters than there are', { length: 60, digits: 0, symbols: 0 }],
    ['symbols of an empty set', { symbols: 1, symbolCharacters: '', allowRepeat: true }],
    ['more parts than length', { length: 5, digits: 3, symbols: 3 }],
    ['negative parts', { digits: -1 }],
    ['an empty key', { secretKeys: [''] }],
    ['a key twice', { secretKeys: ['a', 'a'] }],
    ['no key', { secretKeys: [] }],
  ])('refuses %s', (_, spec) => {
    expect(() => made(spec)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });
});
