import { describe, expect, it } from 'vitest';
import { hashData } from '../core/object-hash.ts';
import type { Secret } from '../kube/types.ts';
import { targetRecord } from './records.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const annotation = 'reconcile.external-secrets.io/data-hash';

function secret(data: Record<string, string>, hash = 'as it was sent'): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'ns', annotations: { [annotation]: hash } },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, base64(text)])),
  };
}

describe('targetRecord', () => {
  it('takes the hash over from what was sent when the data came back as it was sent', () => {
    const sent = secret({ a: '1', b: '2' });
    expect(targetRecord(secret({ b: '2', a: '1' }), sent).dataHash).toBe('as it was sent');
  });

  it.each<[why: string, answer: Record<string, string>]>([
    ['changed a value', { a: '1', b: 'other' }],
    ['added a key', { a: '1', b: '2', c: '3' }],
    ['took a key away', { a: '1' }],
    ['renamed a key', { a: '1', c: '2' }],
  ])('hashes the data of an answer that %s', (_, answer) => {
    const expected = hashData(new Map(Object.entries(answer).map(([key, text]) => [key, Buffer.from(text)])));
    expect(targetRecord(secret(answer), secret({ a: '1', b: '2' })).dataHash).toBe(expected);
  });

  it('keeps no value', () => {
    const value = 'canary-of-records';
    const record = JSON.stringify(targetRecord(secret({ a: value })));
    expect(record).not.toContain(value);
    expect(record).not.toContain(base64(value));
  });
});
