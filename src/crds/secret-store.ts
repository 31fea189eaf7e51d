// Kinds SecretStore and ClusterSecretStore: one upstream, the login to it, and who may use it. A block of a provider that
// is not served here belongs to another controller: it passes through unread and unchanged.
// Field reference of the compatible API: https://external-secrets.io/latest/api/secretstore/
import * as z from 'zod/mini';
import { isRecord } from '../base/json.ts';
import { conditions, observedGeneration } from './condition.ts';
import { escSpec } from './esc.ts';
import { fakeSpec } from './fake.ts';
import { infisicalSpec } from './infisical.ts';
import { about, int32, intOrString, namespaceName, optional, text, textList, withFacts } from './kit.ts';
import { externalSecretsGroup, type KindResource, type ObjectMeta } from './object.ts';
import { type Parsed, parseObject, readStatus, recordAt } from './parse.ts';
import { pulumiSpec } from './pulumi.ts';
import { labelSelector } from './selectors.ts';

const providerSpecs = { infisical: infisicalSpec, pulumi: pulumiSpec, esc: escSpec, fake: fakeSpec };

/** A provider that this operator serves: the name of its block under `spec.provider`. */
export type ServedProvider = keyof typeof providerSpecs;

/** What the block of each provider holds. */
export type ProviderSpecs = { readonly [P in ServedProvider]: z.infer<(typeof providerSpecs)[P]> };

/** The names under which providers are served here. */
export const servedProviders: readonly string[] = Object.keys(providerSpecs);

export function isServedProvider(name: string): name is ServedProvider {
  return Object.hasOwn(providerSpecs, name);
}

// A block of ours must stand alone; what stands beside blocks of others is not ours to judge.
function standsAlone(provider: object): boolean {
  const names = Object.keys(provider);
  return names.length === 1 || (names.length > 1 && !names.some(isServedProvider));
}

const provider = withFacts(
  z
    .looseObject({
      infisical: optional(infisicalSpec),
      pulumi: optional(pulumiSpec),
      esc: optional(escSpec),
      fake: optional(fakeSpec),
    } satisfies { [P in ServedProvider]: unknown })
    .check(z.refine(standsAlone, 'set exactly one provider')),
  {
    description:
      'The upstream: exactly one block. Blocks of providers that are not listed here are kept as they are and left to other controllers.',
    minProperties: 1,
    maxProperties: 1,
  },
);

const namespaceCondition = z.object({
  namespaceSelector: optional(labelSelector),
  namespaces: optional(about('Namespaces by name.', z.array(namespaceName('Name of a namespace.')))),
  namespaceRegexes: optional(textList('RE2 expressions that the name of a namespace may match.')),
});

export const secretStoreSpec = about(
  'What is connected, and how.',
  z.object({
    controller: optional(text('Class of the controller that serves this store; absent or empty means any.')),
    provider,
    retrySettings: optional(
      about(
        'Without effect: retries follow the kind of failure.',
        z.object({
          maxRetries: optional(int32('Without effect.')),
          retryInterval: optional(text('Without effect.')),
        }),
      ),
    ),
    refreshInterval: optional(
      intOrString(
        'Time between two validations of the store: seconds, or a Go duration. Absent or 0 means what the operator was started with.',
      ),
    ),
    conditions: optional(
      about(
        'Namespaces that may use a ClusterSecretStore: those that meet any of the conditions. Absent or empty means all.',
        z.array(namespaceCondition),
      ),
    ),
  }),
);

export const secretStoreStatus = about(
  'What the operator found.',
  z.object({
    observedGeneration: optional(observedGeneration),
    conditions: optional(conditions),
    capabilities: optional(text('ReadOnly, WriteOnly or ReadWrite.')),
  }),
);

export type SecretStoreSpec = z.infer<typeof secretStoreSpec>;
export type SecretStoreStatus = z.infer<typeof secretStoreStatus>;

/** A store of either kind. */
export interface SecretStore {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: SecretStoreSpec;
  readonly status?: SecretStoreStatus;
}

export const secretStoreResource = {
  group: externalSecretsGroup,
  version: 'v1',
  plural: 'secretstores',
  kind: 'SecretStore',
  namespaced: true,
} as const satisfies KindResource;

export const clusterSecretStoreResource = {
  group: externalSecretsGroup,
  version: 'v1',
  plural: 'clustersecretstores',
  kind: 'ClusterSecretStore',
  namespaced: false,
} as const satisfies KindResource;

/**
 * Reads a store of either kind, applying every default; unknown fields are left out, blocks of providers that are not
 * served here are kept unread. Issues are one line each, `path: what is expected`.
 */
export function parseStore(raw: unknown): Parsed<SecretStore> {
  const parsed = parseObject(raw, secretStoreSpec);
  if (parsed.ok === undefined) return parsed;
  const status = readStatus(raw, secretStoreStatus);
  return { ok: status === undefined ? parsed.ok : { ...parsed.ok, status } };
}

/** Names of the provider blocks of a store, sorted; works on stores that do not parse. */
export function providerNames(store: unknown): string[] {
  return Object.entries(recordAt(recordAt(store, 'spec'), 'provider'))
    .filter(([, block]) => isRecord(block))
    .map(([name]) => name)
    .sort();
}

/** Controller class of a store, '' when it has none; works on stores that do not parse. */
export function controllerClass(store: unknown): string {
  const name = recordAt(store, 'spec')['controller'];
  return typeof name === 'string' ? name : '';
}
