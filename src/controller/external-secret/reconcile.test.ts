import { describe, expect, it } from 'vitest';
import { dataHashAnnotation, managedLabel, managedLabelValue } from '../../core/contract-names.ts';
import { hashData } from '../../core/object-hash.ts';
import type { ObservedTarget } from '../../core/target-plan.ts';
import { externalSecretRecord } from '../records.ts';
import { judgeTarget } from './present.ts';

const hash = hashData({ k: Buffer.from('v') });

function targetWith(dataHash: string): ObservedTarget {
  return {
    namespace: 'n',
    name: 'e',
    uid: 't1',
    resourceVersion: '1',
    type: 'Opaque',
    immutable: false,
    deleting: false,
    labels: { [managedLabel]: managedLabelValue },
    annotations: { [dataHashAnnotation]: hash },
    owners: [],
    finalizers: [],
    dataHash,
    keys: ['k'],
    managed: [],
  };
}

function judged(creationPolicy: string, target: ObservedTarget | undefined): boolean {
  const es = externalSecretRecord({
    metadata: { name: 'e', namespace: 'n', uid: 'u1' },
    spec: { target: { creationPolicy }, data: [{ secretKey: 'k', remoteRef: { key: 'r' } }] },
  } as Parameters<typeof externalSecretRecord>[0]);
  if (!('ok' in es.spec)) throw new Error('the spec does not parse');
  return judgeTarget(es, es.spec.ok, target).isTargetValid;
}

describe('judgeTarget', () => {
  it.each<[why: string, creationPolicy: string, target: ObservedTarget | undefined, isValid: boolean]>([
    ['nothing there, under Owner', 'Owner', undefined, false],
    ['nothing there, under CreateOrMerge', 'CreateOrMerge', undefined, false],
    ['nothing there, under Orphan, which makes it again in its time', 'Orphan', undefined, true],
    ['nothing there, under None', 'None', undefined, true],
    ['data that was edited, under CreateOrMerge', 'CreateOrMerge', targetWith('edited'), false],
    ['data that was edited, under Orphan', 'Orphan', targetWith('edited'), true],
    ['data as it was written, under CreateOrMerge', 'CreateOrMerge', targetWith(hash), true],
    ['data as it was written, under Merge', 'Merge', targetWith(hash), true],
    ['no owner, under Owner, which wants to be one', 'Owner', targetWith(hash), false],
  ])('finds: %s', (_, creationPolicy, target, isValid) => {
    expect(judged(creationPolicy, target)).toBe(isValid);
  });
});
