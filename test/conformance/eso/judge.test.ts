import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import type { OutcomeLine, TargetOutcome } from './lines.ts';

const name = 'diff-a/t';
const finalizer = 'externalsecrets.external-secrets.io/externalsecret-cleanup';
const target: TargetOutcome = {
  exists: true,
  type: 'Opaque',
  immutable: false,
  data: { k: 'v' },
  labels: { l: '1' },
  managers: ['externalsecrets.external-secrets.io/e', 'holdout'],
};
const good = { ready: 'True', reason: 'SecretSynced', message: 'secret synced', binding: 't' };

function outcome(id: string, es: OutcomeLine['es'][string], at: TargetOutcome = target): OutcomeLine {
  return { id, accepted: true, es: { 'diff-a/e': es }, targets: { [name]: at } };
}

const verdict = (id: string, ours: OutcomeLine, recorded = outcome(id, good)) => judge(recorded, ours).kind;

describe('a case that is served', () => {
  it('agrees when all is as recorded, levelled for the finalizer and the name of the harness', () => {
    const ours = outcome('data-0004', good, {
      ...target,
      managers: ['differential', 'externalsecrets.external-secrets.io/e'],
    });
    expect(verdict('data-0004', ours, outcome('data-0004', { ...good, finalizers: [finalizer] }))).toBe('agrees');
  });

  it.each<[string, OutcomeLine['es'][string], TargetOutcome]>([
    ['Ready', { ...good, ready: 'False' }, target],
    ['the reason', { ...good, reason: 'Other' }, target],
    ['the message of success', { ...good, message: 'done' }, target],
    ['the binding', { ...good, binding: 'u' }, target],
    ['a finalizer of another name', { ...good, finalizers: ['x'] }, target],
    ['a value', good, { ...target, data: { k: 'w' } }],
    ['the type', good, { ...target, type: 'other' }],
    ['a label', good, { ...target, labels: {} }],
    ['a field manager', good, { ...target, managers: ['escapement', 'holdout'] }],
    ['the whole Secret', good, { exists: false }],
  ])('is wrong when %s differs', (_, es, at) => {
    expect(verdict('data-0004', outcome('data-0004', es, at))).toBe('wrong');
  });

  it('does not compare the message of a failure, because ours names the cause', () => {
    const failed = { ready: 'False', reason: 'SecretSyncedError' };
    const ours = outcome('data-0004', { ...failed, message: 'the store has no key "a"' });
    expect(verdict('data-0004', ours, outcome('data-0004', { ...failed, message: 'static' }))).toBe('agrees');
  });

  it('may differ on purpose in the aspects that the table names, and must', () => {
    const relabelled = outcome('upd-0056', good, { ...target, labels: {} });
    expect(verdict('upd-0056', relabelled)).toBe('on purpose');
    expect(verdict('upd-0056', outcome('upd-0056', good))).toBe('wrong');
    expect(verdict('upd-0056', outcome('upd-0056', good, { ...target, labels: {}, data: {} }))).toBe('wrong');
  });

  it('is wrong when it could not run, because the CRD of a kind is not there', () => {
    expect(judge(outcome('data-0004', good), undefined).kind).toBe('wrong');
  });

  it('compares a ClusterExternalSecret without finalizers, reason and message, and by what is provisioned', () => {
    const told = { ready: 'True', provisioned: ['a'], externalSecretName: 'c' };
    const finalizers = ['externalsecrets.external-secrets.io/clusterexternalsecret-cleanup'];
    const of = (ces: object) => ({ ...outcome('ces-0014', good), ces: { c: ces } });
    const verdictOf = (ours: object) => judge(of({ ...told, finalizers }), of(ours)).kind;
    expect(verdictOf({ ...told, reason: 'Provisioned', message: 'm' })).toBe('agrees');
    expect(verdictOf({ ...told, provisioned: ['a', 'b'] })).toBe('wrong');
    expect(verdictOf({ ...told, finalizers: ['x'] })).toBe('wrong');
  });
});
