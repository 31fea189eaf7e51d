import { describe, expect, expectTypeOf, it } from 'vitest';
import { withoutFields } from '../base/left-out.ts';
import type { KubeObject, Resource } from '../kube/types.ts';
import {
  type ExternalSecret,
  externalSecretResource,
  parseExternalSecret,
  storeReferences,
} from './external-secret.ts';
import { infisicalLogins } from './infisical.ts';
import { externalSecretSamples, type Sample, storeSamples } from './samples.ts';
import { controllerClass, isServedProvider, parseStore, providerNames, type SecretStore } from './secret-store.ts';

const metadata = { name: 'web', namespace: 'team-a', resourceVersion: '7' };

function judged(parse: typeof parseExternalSecret | typeof parseStore, samples: readonly Sample[]): void {
  for (const { why, spec, wrong, reads } of samples) {
    it(`${wrong === undefined ? 'takes' : 'refuses'} ${why}`, () => {
      const parsed = parse({ metadata, spec });
      const paths = (parsed.issues ?? []).map((issue) => issue.slice(0, issue.indexOf(':')));
      expect(new Set(paths)).toEqual(new Set(wrong === undefined ? [] : [wrong]));
      if (reads !== undefined) expect(parsed.ok?.spec).toEqual(reads);
    });
  }
}

describe('parseExternalSecret', () => {
  judged(parseExternalSecret, externalSecretSamples);

  it('reads a missing spec as an empty one', () => {
    expect(parseExternalSecret({ metadata }).ok?.spec).toEqual(parseExternalSecret({ metadata, spec: {} }).ok?.spec);
  });

  it('applies the defaults of list items, which the API server does not', () => {
    const rewrite = [{ merge: {} }];
    const templateFrom = [{ configMap: { name: 'c', items: [{ key: 'k' }] } }];
    const sourceRef = { generatorRef: { kind: 'UUID', name: 'u' } };
    const spec = { target: { template: { templateFrom } }, dataFrom: [{ rewrite, sourceRef }] };
    expect(parseExternalSecret({ metadata, spec }).ok?.spec).toMatchObject({
      target: { template: { templateFrom: [{ target: 'Data', configMap: { items: [{ templateAs: 'Values' }] } }] } },
      dataFrom: [
        {
          rewrite: [{ merge: { into: '', priorityPolicy: 'Strict', conflictPolicy: 'Error', strategy: 'Extract' } }],
          sourceRef: { generatorRef: { apiVersion: 'generators.external-secrets.io/v1alpha1' } },
        },
      ],
    });
  });

  it('refuses a spec of too many parts before it looks at any', () => {
    const data = Array.from({ length: 30_000 }, () => ({}));
    expect(parseExternalSecret({ metadata, spec: { data } }).issues).toEqual([
      'spec: has more than 25000 fields and list entries: split it into several objects',
    ]);
    const rewrite = Array.from({ length: 8_000 }, () => ({ regexp: { source: 'a', target: 'b' } }));
    const deep = { dataFrom: [{ extract: { key: 'a' }, rewrite }] };
    expect(parseExternalSecret({ metadata, spec: deep }).issues).toHaveLength(1);
  });

  it('refuses a map of too many entries, and names it', () => {
    const labels = Object.fromEntries(Array.from({ length: 6_000 }, (_, at) => [`k${at}`, '']));
    const spec = { target: { template: { metadata: { labels } } } };
    expect(parseExternalSecret({ metadata, spec }).issues).toEqual([
      'spec.target.template.metadata.labels: has more than 5000 fields and list entries: split it into several objects',
    ]);
  });

  it('refuses an object of which something was left out, unless it can do without', () => {
    const without = (...fields: readonly string[]) =>
      parseExternalSecret(withoutFields({ metadata, spec: {} }, fields));
    expect(without('metadata.labels', 'status').issues).toEqual([
      'metadata.labels: has more than 5000 fields and list entries: split it into several objects',
    ]);
    expect(without('spec').issues).toHaveLength(1);
    expect(without('status', 'metadata.managedFields').ok?.metadata).toBe(metadata);
  });

  it('hands out defaults that are not shared between objects', () => {
    const [first, second] = [parseExternalSecret({ metadata }), parseExternalSecret({ metadata })];
    expect(first.ok?.spec.target).not.toBe(second.ok?.spec.target);
  });

  it('leaves absent what is absent', () => {
    const spec = parseExternalSecret({ metadata, spec: { data: [{ secretKey: 'a', remoteRef: { key: 'A' } }] } }).ok
      ?.spec;
    expect(Object.keys(spec?.data?.[0]?.remoteRef ?? {})).toEqual(['key']);
    expect(Object.keys(spec ?? {}).sort()).toEqual(['data', 'refreshInterval', 'target']);
  });

  it('keeps metadata, and the status where it can be read', () => {
    const status = { observedGeneration: 3, refreshTime: null, conditions: [{ type: 'Ready', status: 'True' }] };
    const parsed = parseExternalSecret({ metadata, spec: {}, status });
    expect(parsed.ok?.metadata).toBe(metadata);
    expect(parsed.ok?.status).toEqual(status);
  });

  it('counts a status that nobody understands as absent', () => {
    const parsed = parseExternalSecret({ metadata, spec: {}, status: { conditions: 'green' } });
    expect(parsed.ok).toBeDefined();
    expect(parsed.ok?.status).toBeUndefined();
  });

  it.each([undefined, null, 'text', [], {}, { metadata: {} }, { metadata: { name: '' } }])(
    'refuses %j, which is no object',
    (raw) => {
      expect(parseExternalSecret(raw).issues).toHaveLength(1);
    },
  );

  it('names at most ten issues, and says that there are more', () => {
    const data = Array.from({ length: 25 }, () => ({ secretKey: 'a' }));
    const issues = parseExternalSecret({ metadata, spec: { data } }).issues ?? [];
    expect(issues).toHaveLength(11);
    expect(issues[10]).toContain('15');
  });

  it('quotes no value in an issue', () => {
    const canary = 'Canary+Value';
    const spec = {
      target: { name: canary, template: { data: { a: [canary] } } },
      refreshPolicy: canary,
      data: [{ secretKey: `${canary} ` }],
    };
    const issues = parseExternalSecret({ metadata, spec }).issues ?? [];
    expect(issues.length).toBeGreaterThan(3);
    expect(issues.join('\n')).not.toContain(canary);
    for (const issue of issues) expect(issue).not.toMatch(/[\r\n]/);
  });

  it('gives what the room of the API server can take', () => {
    expectTypeOf<ExternalSecret>().toExtend<KubeObject>();
    expectTypeOf<SecretStore>().toExtend<KubeObject>();
    expectTypeOf<KubeObject['metadata']>().toExtend<ExternalSecret['metadata']>();
    expectTypeOf(externalSecretResource).toExtend<Resource>();
  });
});

describe('storeReferences', () => {
  it('finds every store once, whether or not the object parses', () => {
    const spec = {
      secretStoreRef: { name: 'a' },
      data: [
        { sourceRef: { storeRef: { name: 'b', kind: 'ClusterSecretStore' } } },
        { sourceRef: { storeRef: { name: 'a', kind: 'SecretStore' } } },
      ],
      dataFrom: [
        null,
        { sourceRef: { storeRef: { name: 'a', kind: 'ClusterSecretStore' } } },
        { sourceRef: { generatorRef: {} } },
      ],
    };
    expect(parseExternalSecret({ metadata, spec }).ok).toBeUndefined();
    expect(storeReferences({ metadata, spec })).toEqual([
      { kind: 'SecretStore', name: 'a' },
      { kind: 'ClusterSecretStore', name: 'b' },
      { kind: 'ClusterSecretStore', name: 'a' },
    ]);
  });

  it.each([undefined, { spec: 4 }, { spec: { data: 'x', secretStoreRef: [] } }])('finds none in %j', (raw) => {
    expect(storeReferences(raw)).toEqual([]);
  });
});

describe('parseStore', () => {
  judged(parseStore, storeSamples);

  it('asks for the provider when there is no spec', () => {
    expect(parseStore({ metadata }).issues).toEqual(['spec.provider: is required']);
  });

  it('takes two providers of others: neither is ours to judge', () => {
    expect(parseStore({ metadata, spec: { provider: { aws: {}, vault: {} } } }).ok).toBeDefined();
  });
});

describe('looking at stores that do not parse', () => {
  const broken = {
    metadata,
    spec: { controller: 'blue', provider: { vault: { a: 1 }, infisical: {}, nothing: null } },
  };

  it('names their providers and class', () => {
    expect(parseStore(broken).ok).toBeUndefined();
    expect(providerNames(broken)).toEqual(['infisical', 'vault']);
    expect(controllerClass(broken)).toBe('blue');
  });

  it.each([undefined, {}, { spec: { provider: [] } }])('finds nothing in %j', (raw) => {
    expect(providerNames(raw)).toEqual([]);
    expect(controllerClass(raw)).toBe('');
  });

  it.each([
    ['infisical', true],
    ['pulumi', true],
    ['esc', true],
    ['fake', true],
    ['vault', false],
    ['toString', false],
  ])('knows of %s whether it is served: %s', (name, served) => {
    expect(isServedProvider(name)).toBe(served);
  });
});

describe('infisicalLogins', () => {
  it('lists the blocks that are set, in the order of the table', () => {
    const login = { name: 's', key: 'k' };
    const auth = { tokenAuthCredentials: { accessToken: login }, awsAuthCredentials: { identityId: login } };
    expect(infisicalLogins(auth)).toEqual([
      { method: 'aws', spec: { identityId: login } },
      { method: 'token', spec: { accessToken: login } },
    ]);
  });
});
