import { describe, expect, it } from 'vitest';
import { SecretValue } from '../core/secret-value.ts';
import type { Credentials } from './contract.ts';
import { describeKey, principalKey, readText, readTrimmed } from './material.ts';

const { signal } = new AbortController();
const selector = { name: 'login', key: 'id' };

function holding(bytes: Buffer | string): Credentials {
  const unused = () => {
    throw new Error('not asked for');
  };
  return { secretKey: async () => new SecretValue(bytes), serviceAccount: unused, ambient: unused };
}

describe('readTrimmed', () => {
  it.each([
    ['id', 'id'],
    [' id\r\n', 'id'],
    ['\ufeffid\n', 'id'],
    ['two words', 'two words'],
  ])('reads %j as %j', async (text, expected) => {
    expect((await readTrimmed(holding(text), selector, 'auth.x', signal)).text()).toBe(expected);
  });

  it.each([
    ['nothing but white space', ' \n'],
    ['bytes that are no text', Buffer.from([0x61, 0xff])],
  ])('refuses %s', async (_, bytes) => {
    await expect(readTrimmed(holding(bytes), selector, 'auth.x', signal)).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.stringContaining('auth.x: key "id" of Secret "login"'),
    });
  });
});

describe('readText', () => {
  it.each([' \n', ' pass word\n', 'pässwörd'])('reads %j as it stands', async (text) => {
    expect((await readText(holding(text), selector, 'auth.x', signal)).text()).toBe(text);
  });
});

describe('principalKey', () => {
  const keyOf = (...texts: string[]) =>
    principalKey(
      'm',
      texts.map((text) => new SecretValue(text)),
    );

  it('is equal for equal material only', () => {
    expect(keyOf('ab', 'c')).toBe(keyOf('ab', 'c'));
    const keys = [keyOf('ab', 'c'), keyOf('a', 'bc'), keyOf('abc'), keyOf('abc', ''), keyOf('c', 'ab')];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('describeKey', () => {
  it.each([
    [{ name: 's', key: 'k' }, 'key "k" of Secret "s"'],
    [{ name: 's', key: 'k', namespace: 'n' }, 'key "k" of Secret "n/s"'],
  ])('writes %j', (one, expected) => {
    expect(describeKey(one)).toBe(expected);
  });
});
