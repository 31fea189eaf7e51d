import { describe, expect, it } from 'vitest';
import { SecretValue } from '../secret-value.ts';
import { toBase32 } from './base32.ts';
import { generateMfa } from './mfa.ts';

const secret = { name: 's', key: 'seed' };
const ascii = '1234567890';
const seedOf = (bytes: number) => new SecretValue(Buffer.from(toBase32(Buffer.from(ascii.repeat(7).slice(0, bytes)))));
const texts = (values: ReadonlyMap<string, SecretValue>) =>
  Object.fromEntries([...values].map(([key, value]) => [key, value.reveal().toString()]));

describe('generateMfa', () => {
  // RFC 6238, appendix B.
  it.each([
    ['sha1', 20, 59, '94287082'],
    ['sha256', 32, 59, '46119246'],
    ['sha512', 64, 59, '90693936'],
    ['SHA1', 20, 1_111_111_109, '07081804'],
    ['sha256', 32, 20_000_000_000, '77737706'],
  ])('gives the token of the RFC for %s', (algorithm, bytes, seconds, token) => {
    const spec = { secret, algorithm, length: 8 };
    expect(texts(generateMfa(spec, seedOf(bytes), seconds * 1000))).toMatchObject({ token });
  });

  it('has 6 digits for 30 seconds by default, and says how long the token holds', () => {
    expect(texts(generateMfa({ secret }, seedOf(20), 59_900))).toEqual({ token: '287082', timeLeft: '1' });
  });

  it('takes 0 for the default', () => {
    const zeros = { secret, length: 0, timePeriod: 0 };
    expect(texts(generateMfa(zeros, seedOf(20), 59_000))).toEqual({ token: '287082', timeLeft: '1' });
  });

  it('takes the instant of the spec instead of now', () => {
    const at = { secret, when: '1970-01-01T00:00:59Z' };
    expect(texts(generateMfa(at, seedOf(20), 9e12))).toEqual({ token: '287082', timeLeft: '1' });
  });

  it('reads seeds as people write them', () => {
    const grouped = seedOf(20)
      .reveal()
      .toString()
      .toLowerCase()
      .replace(/(.{4})/g, '$1 ');
    expect(texts(generateMfa({ secret }, new SecretValue(Buffer.from(grouped)), 59_000))).toMatchObject({
      token: '287082',
    });
  });

  it('does not show a seed that is no base32', () => {
    const call = () => generateMfa({ secret }, new SecretValue(Buffer.from('hunter2!')), 0);
    expect(call).toThrow(expect.objectContaining({ reason: 'InvalidValue' }));
    expect(call).not.toThrow(/hunter2/);
  });

  it.each([{ length: 11 }, { algorithm: 'md5' }, { when: 'soon' }])('refuses %j', (bad) => {
    expect(() => generateMfa({ secret, ...bad }, seedOf(20), 0)).toThrow(
      expect.objectContaining({ reason: 'InvalidSpec' }),
    );
  });
});
