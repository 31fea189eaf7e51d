import { describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { type ExternalSecretSpec, parseExternalSecret } from '../crds/external-secret.ts';
import { refuseInvalid, refuseUnsupported } from './unsupported.ts';

function specOf(spec: object): ExternalSecretSpec {
  const parsed = parseExternalSecret({ metadata: { name: 'web', namespace: 'shop' }, spec });
  if (parsed.ok === undefined) throw new Error(parsed.issues.join());
  return parsed.ok.spec;
}

const single = { data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] };
const generator = { generatorRef: { kind: 'Password', name: 'p' } };

function refusal(check: (spec: ExternalSecretSpec) => void, spec: object): OperatorError | undefined {
  try {
    check(specOf(spec));
    return undefined;
  } catch (thrown) {
    if (thrown instanceof OperatorError) return thrown;
    throw thrown;
  }
}

describe('refuseUnsupported', () => {
  it.each<[field: string, spec: object]>([
    [
      'spec.data[1].sourceRef.generatorRef',
      { data: [...single.data, { ...single.data[0], secretKey: 'L', sourceRef: generator }] },
    ],
  ])('names %s', (field, spec) => {
    const error = refusal(refuseUnsupported, spec);
    expect([error?.reason, error?.message.includes(field)]).toEqual(['Unsupported', true]);
  });

  it.each<[why: string, spec: object]>([
    ['the defaults', single],
    [
      'the defaults written out',
      {
        ...single,
        target: { creationPolicy: 'Owner', deletionPolicy: 'Retain', immutable: false },
        refreshPolicy: 'Periodic',
      },
    ],
    [
      'rewrites by regexp and merge',
      { dataFrom: [{ find: {}, rewrite: [{ regexp: { source: 'a', target: 'b' } }, { merge: {} }] }] },
    ],
    ['a store per entry', { data: [{ ...single.data[0], sourceRef: { storeRef: { name: 's' } } }] }],
  ])('accepts %s', (_, spec) => {
    expect(refusal(refuseUnsupported, spec)).toBeUndefined();
  });
});

describe('refuseInvalid', () => {
  it.each<[why: string, spec: object]>([
    ['neither data nor dataFrom', {}],
    ['empty lists', { data: [], dataFrom: [] }],
    ['an entry with extract and find', { dataFrom: [{ extract: { key: 'r' }, find: {} }] }],
    ['an entry with nothing', { dataFrom: [{}] }],
    ['an entry with rewrites alone', { dataFrom: [{ rewrite: [{ merge: {} }] }] }],
    ['a key that is set twice', { data: [...single.data, ...single.data] }],
  ])('refuses %s', (_, spec) => {
    expect(refusal(refuseInvalid, spec)?.reason).toBe('InvalidSpec');
  });

  it('names every broken rule at once', () => {
    const message = refusal(refuseInvalid, {
      data: [...single.data, ...single.data],
      dataFrom: [{ find: {} }, {}],
    })?.message;
    expect(message).toContain('spec.dataFrom[1]');
    expect(message).toContain('duplicate secretKey found: K');
  });

  it.each<[why: string, spec: object]>([
    ['data alone', single],
    ['dataFrom alone', { dataFrom: [{ find: {} }] }],
    ['an entry with a source alone', { dataFrom: [{ sourceRef: { storeRef: { name: 's' } } }] }],
    ['a key that is in data and found by dataFrom', { ...single, dataFrom: [{ extract: { key: 'K' } }] }],
  ])('accepts %s', (_, spec) => {
    expect(refusal(refuseInvalid, spec)).toBeUndefined();
  });
});
