import { describe, expect, it } from 'vitest';
import { withoutFields } from '../base/left-out.ts';
import { hashData } from '../core/object-hash.ts';
import { isOwnedBy, isTargetValid, type ObservedTarget, ownerKeyOf } from '../core/target-plan.ts';
import type { Secret } from '../kube/types.ts';
import { configMapTargetRecord, externalSecretRecord, keptTargetRecord, targetRecord } from './records.ts';

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

  it.each<[what: string, record: (object: Secret) => ObservedTarget]>([
    ['Secret', targetRecord],
    ['ConfigMap', configMapTargetRecord],
  ])('of a %s with more keys than are read tells that it is none of ours as it stands', (_, record) => {
    const keys = Object.fromEntries(Array.from({ length: 10_001 }, (_one, at) => [`k${at}`, '']));
    const labels = { 'reconcile.external-secrets.io/managed': 'true' };
    const wide = { metadata: { name: 's', labels, annotations: { [annotation]: '' } }, data: keys };
    const { k0: _k0, ...fewer } = keys;
    for (const object of [wide, withoutFields({ ...wide, data: {} }, ['data'])])
      expect(record(object)).toMatchObject({ isCut: true, dataHash: '', keys: [] });
    expect(isTargetValid(record(wide))).toBe(false);
    expect(record({ ...wide, data: fewer })).toMatchObject({ dataHash: expect.stringMatching(/^[0-9a-f]{56}$/) });
  });

  it('keeps no value', () => {
    const value = 'canary-of-records';
    const record = JSON.stringify(targetRecord(secret({ a: value })));
    expect(record).not.toContain(value);
    expect(record).not.toContain(base64(value));
  });
});

describe('externalSecretRecord', () => {
  const object = { metadata: { name: 'e', uid: 'u', generation: 3 }, spec: { refreshInterval: '1m' } };

  it('takes a spec of the same generation over', () => {
    const before = externalSecretRecord(object);
    expect(externalSecretRecord({ ...object }, before).spec).toBe(before.spec);
  });

  it('reads an object anew that lost a field, and that has it again, which no generation counts', () => {
    const before = externalSecretRecord(object);
    const lost = externalSecretRecord(withoutFields({ ...object }, ['metadata.labels']), before);
    expect(lost.spec).toEqual({ issues: [expect.stringContaining('metadata.labels')] });
    expect(externalSecretRecord(object, lost).spec).toEqual(before.spec);
  });
});

describe('what a cache keeps of a Secret with our label', () => {
  const owner = {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    name: 'e',
    uid: 'u-1',
    controller: true,
  };
  const long = 'x'.repeat(200_000);
  const labels = { 'reconcile.external-secrets.io/managed': 'true' };
  const hash = hashData(new Map([['a', Buffer.from('1')]]));

  function large(metadata: object, more: Partial<Secret> = {}): Secret {
    const marks = { labels, annotations: { [annotation]: hash }, ownerReferences: [owner] };
    return { ...secret({ a: '1' }), ...more, metadata: { name: 's', namespace: 'ns', ...marks, ...metadata } };
  }

  const many = (count: number) => Array.from({ length: count }, (_, at) => `${at}-${'n'.repeat(100)}`);

  it.each<[what: string, object: Secret]>([
    ['annotations', large({ annotations: { [annotation]: hash, long } })],
    ['a forged hash', large({ annotations: { [annotation]: long } })],
    ['labels', large({ labels: { ...labels, ...Object.fromEntries(many(3_000).map((name) => [name, '1'])) } })],
    ['keys', large({}, { data: Object.fromEntries(many(3_000).map((name) => [name, ''])) })],
    [
      'owners',
      large({ ownerReferences: [owner, ...many(3_000).map((name) => ({ ...owner, controller: false, name }))] }),
    ],
    ['the name of an owner', large({ ownerReferences: [{ ...owner, name: long }] })],
    ['finalizers', large({ finalizers: many(3_000) })],
    ['a type', large({}, { type: long })],
    [
      'managed fields',
      large({
        managedFields: many(3_000).map((name) => ({
          manager: `externalsecrets.external-secrets.io/${name}`,
          operation: 'Update',
          fieldsType: 'FieldsV1',
          fieldsV1: {},
        })),
      }),
    ],
  ])('is small, however large are %s', (_what, object) => {
    const kept = keptTargetRecord(object);
    expect(JSON.stringify(kept).length).toBeLessThan(4_096);
    expect(kept.isCut).toBe(true);
  });

  it('still tells whose it is, and whether its data is as it was written', () => {
    const kept = keptTargetRecord(large({ annotations: { [annotation]: hash, long } }));
    expect([isTargetValid(kept), isOwnedBy({ uid: 'u-1' }, kept), ownerKeyOf(kept)]).toEqual([true, true, 'ns/e']);
    const drifted = large({ annotations: { [annotation]: hash, long } }, { data: { a: base64('2') } });
    expect(isTargetValid(keptTargetRecord(drifted))).toBe(false);
  });

  it('is all of an ordinary one', () => {
    const object = large({ annotations: { [annotation]: hash, note: 'mine' }, finalizers: ['f'] });
    expect(keptTargetRecord(object)).toEqual(targetRecord(object));
  });
});
