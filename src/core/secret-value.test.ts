import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretValue } from './secret-value.ts';

const canary = 'canary-5be1';
const secret = new SecretValue(canary);

describe('SecretValue', () => {
  it.each<[way: string, text: string]>([
    ['text', String(secret)],
    ['a join', [secret, secret].join()],
    ['JSON', JSON.stringify({ secret })],
    ['JSON of a map of them', JSON.stringify([...new Map([['k', secret]])])],
    ['inspect', inspect(secret)],
    ['inspect of all depths and hidden fields', inspect({ a: [{ secret }] }, { depth: null, showHidden: true })],
    ['inspect without custom functions', inspect(secret, { customInspect: false, showHidden: true })],
    ['format of objects', format('%o %O %j %s', secret, secret, secret, secret)],
    ['its enumerable parts', JSON.stringify(Object.entries(secret))],
    ['an error message', String(new Error(String(secret)))],
  ])('does not show by way of %s', (_, text) => {
    expect(text).not.toContain(canary);
    expect(text).not.toContain(Buffer.from(canary).toString('base64'));
  });

  it('reads as [redacted] where a person looks at it', () => {
    expect([String(secret), JSON.stringify(secret), inspect(secret)]).toEqual([
      '[redacted]',
      '"[redacted]"',
      '[redacted]',
    ]);
  });

  it('gives its bytes and its text back', () => {
    const bytes = Buffer.from([0xff, 0x00, 0x41]);
    expect(new SecretValue(bytes).reveal()).toEqual(bytes);
    expect(new SecretValue(bytes).text()).toBe('\uFFFD\0A');
    expect(new SecretValue('é').length).toBe(2);
  });

  it('compares by bytes', () => {
    expect(new SecretValue('é').equals(new SecretValue(Buffer.from('é')))).toBe(true);
    expect(new SecretValue('a').equals(new SecretValue('b'))).toBe(false);
  });
});
