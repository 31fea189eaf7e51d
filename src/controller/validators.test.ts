// What ESO's admission webhooks refuse, case by case as its own test tables have them, and what becomes of it where there is
// no webhook: refused by the schema at the API server, by the controller with a condition, or served with a warning.
import { beforeAll, describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { loadParts } from '../core/parts.ts';
import { checkConditions } from '../core/store-access.ts';
import { doubtsAbout, refuseInvalid } from '../core/unsupported.ts';
import { parseExternalSecret } from '../crds/external-secret.ts';
import { parseStore, type SecretStoreSpec } from '../crds/secret-store.ts';
import { storeInterval } from './secret-store/reconcile.ts';

beforeAll(loadParts);

const data = [{ secretKey: 'K', remoteRef: { key: 'r' } }];
const generatorRef = { kind: 'Password', name: 'p' };
const typed = (type: string, more: object = {}) => ({ data, target: { template: { type, ...more } } });
const from = (target: string, more: object = {}) => ({
  data,
  target: { ...more, template: { templateFrom: [{ literal: 'a: b', target }] } },
});
const accountToken = 'kubernetes.io/service-account-token';
const nameAnnotation = { metadata: { annotations: { 'kubernetes.io/service-account.name': 'a' } } };

type Verdict = 'accepted' | 'refused by the schema' | 'refused by the controller' | 'accepted with a warning';

function judged(spec: unknown): Verdict {
  const parsed = parseExternalSecret({ metadata: { name: 'web', namespace: 'shop' }, spec });
  if (parsed.ok === undefined) return 'refused by the schema';
  try {
    refuseInvalid(parsed.ok.spec);
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.reason === 'InvalidSpec') return 'refused by the controller';
    throw thrown;
  }
  return doubtsAbout(parsed.ok.spec).length > 0 ? 'accepted with a warning' : 'accepted';
}

describe('an ExternalSecret', () => {
  it.each<[why: string, spec: unknown, verdict: Verdict]>([
    ['nothing at all', undefined, 'refused by the controller'],
    [
      'deletionPolicy Delete with Merge',
      { data, target: { creationPolicy: 'Merge', deletionPolicy: 'Delete' } },
      'accepted with a warning',
    ],
    [
      'deletionPolicy Delete with CreateOrMerge',
      { data, target: { creationPolicy: 'CreateOrMerge', deletionPolicy: 'Delete' } },
      'accepted with a warning',
    ],
    [
      'deletionPolicy Delete with None',
      { data, target: { creationPolicy: 'None', deletionPolicy: 'Delete' } },
      'accepted with a warning',
    ],
    [
      'deletionPolicy Delete with Orphan',
      { data, target: { creationPolicy: 'Orphan', deletionPolicy: 'Delete' } },
      'accepted',
    ],
    [
      'deletionPolicy Merge with None',
      { data, target: { creationPolicy: 'None', deletionPolicy: 'Merge' } },
      'accepted with a warning',
    ],
    ['neither data nor dataFrom', {}, 'refused by the controller'],
    ['find and extract', { dataFrom: [{ find: {}, extract: { key: 'r' } }] }, 'refused by the controller'],
    ['generator and find', { dataFrom: [{ find: {}, sourceRef: { generatorRef } }] }, 'refused by the controller'],
    [
      'generator and extract',
      { dataFrom: [{ extract: { key: 'r' }, sourceRef: { generatorRef } }] },
      'refused by the controller',
    ],
    ['an empty entry of dataFrom', { dataFrom: [{}] }, 'refused by the controller'],
    ['an empty sourceRef', { dataFrom: [{ sourceRef: {} }] }, 'refused by the schema'],
    ['several errors', { dataFrom: [{}], data: [...data, ...data] }, 'refused by the controller'],
    ['a valid one', { dataFrom: [{ extract: { key: 'r' } }] }, 'accepted'],
    ['one duplicate key', { data: [...data, ...data] }, 'refused by the controller'],
    ['several duplicate keys', { data: [...data, ...data, ...data] }, 'refused by the controller'],
    [
      'a duplicate key that a deletionPolicy allows',
      { data: [...data, ...data], target: { deletionPolicy: 'Delete' } },
      'accepted',
    ],
    ['a token of a named ServiceAccount', typed(accountToken, nameAnnotation), 'refused by the controller'],
    // ESO accepts this one: a Secret of that type is filled with a token of whichever account it is annotated with later.
    ['a token of no ServiceAccount', typed(accountToken), 'refused by the controller'],
    [
      'a token and an Annotations target',
      typed(accountToken, { templateFrom: [{ literal: 'a: b', target: 'Annotations' }] }),
      'refused by the controller',
    ],
    [
      'a token and an annotations target',
      typed(accountToken, { templateFrom: [{ literal: 'a: b', target: 'annotations' }] }),
      'refused by the controller',
    ],
    ['a bootstrap token', typed('bootstrap.kubernetes.io/token'), 'refused by the controller'],
    ['another type', typed('kubernetes.io/tls'), 'accepted'],
    ['a target type', from('type'), 'refused by the controller'],
    ['a target in metadata', from('metadata.annotations'), 'refused by the controller'],
    ['a target in metadata, other letters', from('Metadata.Annotations.x'), 'refused by the controller'],
    ['a target immutable', from('immutable'), 'refused by the controller'],
    [
      'a target in a manifest',
      from('spec.template.spec', { manifest: { apiVersion: 'apps/v1', kind: 'Deployment' } }),
      'accepted',
    ],
    [
      'a target in a manifest of a Secret',
      from('spec.x', { manifest: { apiVersion: 'v1', kind: 'Secret' } }),
      'refused by the controller',
    ],
    [
      'well-known targets in any case',
      {
        data,
        target: {
          template: {
            templateFrom: ['data', 'LABELS', 'Annotations', ''].map((target) => ({ literal: 'a: b', target })),
          },
        },
      },
      'accepted',
    ],
  ])('of %s', (_, spec, verdict) => {
    expect(judged(spec)).toBe(verdict);
  });

  it('names all errors at once', () => {
    const spec = { dataFrom: [{}], data: [...data, ...data, ...data] };
    const parsed = parseExternalSecret({ metadata: { name: 'web' }, spec });
    expect(() => refuseInvalid(parsed.ok?.spec ?? never())).toThrowError(
      expect.objectContaining({
        message:
          'spec.dataFrom[0]: either extract, find, or sourceRef must be set to dataFrom; duplicate secretKey found: K; duplicate secretKey found: K',
      }),
    );
  });
});

function never(): never {
  throw new Error('it did not parse');
}

describe('a store', () => {
  const provider = { fake: { data: [] } };

  function judgedStore(spec: object): string {
    const parsed = parseStore({ kind: 'ClusterSecretStore', metadata: { name: 's' }, spec: { provider, ...spec } });
    if (parsed.ok === undefined) return 'refused by the schema';
    try {
      storeInterval(parsed.ok.spec as SecretStoreSpec);
      checkConditions(parsed.ok.spec.conditions);
      return 'accepted';
    } catch (thrown) {
      return thrown instanceof OperatorError ? `${thrown.reason} by the controller` : 'broken';
    }
  }

  it.each<[why: string, spec: object, verdict: string]>([
    ['a valid regex', { conditions: [{ namespaceRegexes: ['^shop-.*$'] }] }, 'accepted'],
    ['an invalid regex', { conditions: [{ namespaceRegexes: ['[a-z', 'ok'] }] }, 'InvalidSpec by the controller'],
    ['a duration', { refreshInterval: '1h' }, 'accepted'],
    ['another duration', { refreshInterval: '90s' }, 'accepted'],
    ['seconds, as in old manifests', { refreshInterval: 300 }, 'accepted'],
    ['zero', { refreshInterval: 0 }, 'accepted'],
    ['no duration', { refreshInterval: 'soon' }, 'InvalidSpec by the controller'],
    ['a number as text', { refreshInterval: '300' }, 'InvalidSpec by the controller'],
    ['a negative number', { refreshInterval: -1 }, 'InvalidSpec by the controller'],
    ['a negative duration', { refreshInterval: '-1s' }, 'InvalidSpec by the controller'],
    [
      'several errors',
      { refreshInterval: 'soon', conditions: [{ namespaceRegexes: ['['] }] },
      'InvalidSpec by the controller',
    ],
    ['more than one backend', { provider: { ...provider, kubernetes: {} } }, 'refused by the schema'],
    // ESO refuses it: the provider may be that of another controller.
    ['an unknown backend', { provider: { strange: {} } }, 'accepted'],
  ])('with %s', (_, spec, verdict) => {
    expect(judgedStore(spec)).toBe(verdict);
  });

  it.each([
    [undefined, undefined],
    [0, undefined],
    [300, 300_000],
    ['1h', 3_600_000],
    ['90s', 90_000],
  ])('reads the interval %s', (refreshInterval, ms) => {
    expect(
      storeInterval({ provider, ...(refreshInterval === undefined ? {} : { refreshInterval }) } as SecretStoreSpec),
    ).toBe(ms);
  });
});
