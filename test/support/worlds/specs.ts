// The objects that worlds are made of. Names are few, so that events meet each other often.
import type { ModelObject } from '../model/kinds.ts';

/** Where ExternalSecrets and their stores live; who shares Environments; who comes and goes. */
export const home = 'n';
export const library = 'lib';
export const guest = 'guest';

export const names = ['a', 'b', 'c'] as const;
export const keys = ['k', 'l'] as const;
export const scopes = ['east', 'west'] as const;
/** SecretStores that read a scope of the model's upstream. */
export const scopeStores = ['s', 't'] as const;
/** Every store that an ExternalSecret may name. */
export const storeRefs = [
  { kind: 'SecretStore', name: 's' },
  { kind: 'SecretStore', name: 't' },
  { kind: 'SecretStore', name: 's' },
  { kind: 'SecretStore', name: 'p' },
  { kind: 'SecretStore', name: 'v' },
  { kind: 'ClusterSecretStore', name: 'c' },
] as const;
/** The Secret that several ExternalSecrets merge into. */
export const shared = 'shared';
/** The key of somebody else in it. */
export const foreignKey = 'foreign';

export const intervalMs = 20_000;
export const interval = '20s';

export const creations = ['Owner', 'Owner', 'Owner', 'Orphan', 'Merge', 'CreateOrMerge', 'None'] as const;
export const deletions = ['Retain', 'Retain', 'Delete', 'Merge'] as const;
export const refreshes = ['Periodic', 'Periodic', 'Periodic', 'OnChange', 'CreatedOnce'] as const;

type Creation = (typeof creations)[number];
type Deletion = (typeof deletions)[number];
type Refresh = (typeof refreshes)[number];

export interface StoreRef {
  readonly kind: string;
  readonly name: string;
}

interface SyncWindows {
  readonly kind: 'allow' | 'deny';
  readonly windows: readonly { readonly schedule: string; readonly duration: string }[];
}

export const neverFires = '0 0 30 2 *';
const everyMinute = '* * * * *';
/** Times of refreshes; most have none set. */
export const syncWindows: readonly (SyncWindows | undefined)[] = [
  ...Array<undefined>(7).fill(undefined),
  { kind: 'allow', windows: [{ schedule: neverFires, duration: '1h' }] },
  { kind: 'allow', windows: [{ schedule: everyMinute, duration: '25s' }] },
  { kind: 'deny', windows: [{ schedule: everyMinute, duration: '30s' }] },
];

interface DataEntry {
  readonly secretKey: string;
  readonly remoteRef: { readonly key: string };
  readonly sourceRef?: { readonly storeRef: StoreRef };
}

/** What an ExternalSecret asks for, as the worlds write it. */
export interface EsSpec {
  readonly refreshInterval: string;
  readonly refreshPolicy: Refresh;
  readonly secretStoreRef?: StoreRef;
  readonly syncWindows?: SyncWindows;
  readonly target: {
    readonly name: string;
    readonly creationPolicy: Creation;
    readonly deletionPolicy: Deletion;
    readonly immutable?: boolean;
    readonly template?: object;
  };
  readonly data?: readonly DataEntry[];
  readonly dataFrom?: readonly object[];
}

export interface EsChoice {
  readonly store: StoreRef;
  /** Where the key `l` comes from, when not from the same store. */
  readonly second?: StoreRef | undefined;
  readonly target: string;
  readonly keys: readonly string[];
  readonly creation: Creation;
  readonly deletion: Deletion;
  readonly refresh: Refresh;
  readonly windows?: SyncWindows | undefined;
}

export function isMerging({ target }: EsSpec): boolean {
  return target.creationPolicy === 'Merge' || target.creationPolicy === 'CreateOrMerge';
}

export function specOf(object: ModelObject): EsSpec {
  return object.spec as unknown as EsSpec; // every ExternalSecret of a world is made here
}

/** Each that merges writes keys of its own, which tell by their ends what they copy. */
export function externalSecret(name: string, choice: EsChoice): ModelObject {
  const { store, target, creation, deletion, refresh } = choice;
  const isMerged = creation === 'Merge' || creation === 'CreateOrMerge';
  const spec: EsSpec = {
    refreshInterval: interval,
    refreshPolicy: refresh,
    secretStoreRef: store,
    ...(choice.windows === undefined ? {} : { syncWindows: choice.windows }),
    target: { name: isMerged ? shared : target, creationPolicy: creation, deletionPolicy: deletion },
    data: choice.keys.map((key) => ({
      secretKey: isMerged ? `${name}-${key}` : key,
      remoteRef: { key },
      ...(choice.second === undefined || key !== 'l' ? {} : { sourceRef: { storeRef: choice.second } }),
    })),
  };
  // Two who merge and want different labels would write by turns, in ESO too.
  const metadata = { namespace: home, name, ...(isMerged ? { labels: {} } : {}) };
  return { kind: 'ExternalSecret', metadata, spec: { ...spec } };
}

/** Conditions of a cluster store that only some namespaces meet. */
export const goldOnly = [{ namespaceSelector: { matchLabels: { tier: 'gold' } } }] as const;

export function scopeStore(
  name: string,
  scope: string,
  kind: 'SecretStore' | 'ClusterSecretStore' = 'SecretStore',
): ModelObject {
  const metadata = kind === 'SecretStore' ? { namespace: home, name } : { name };
  return { kind, metadata, spec: { provider: { fake: { data: [{ key: 'scope', value: scope }] } } } };
}

/** The scope that a store names; undefined for stores of other providers. */
export function scopeIn(store: ModelObject): string | undefined {
  const { provider } = store.spec as { provider: { fake?: { data: readonly { key: string; value: string }[] } } }; // as above
  return provider.fake?.data.find(({ key }) => key === 'scope')?.value;
}

/** What is not a target: credentials, and what Environments read. */
export const asideLabels = { aside: 'yes' };

export function asideSecret(name: string, data: Readonly<Record<string, string>>): ModelObject {
  const texts = Object.entries(data).map(([key, text]) => [key, encoded(text)]);
  return { kind: 'Secret', metadata: { namespace: home, name, labels: asideLabels }, data: Object.fromEntries(texts) };
}

export function pulumiStore(): ModelObject {
  const auth = { accessToken: { secretRef: { name: 'pulumi', key: 'token' } } };
  const provider = { pulumi: { organization: 'acme', project: 'shop', environment: 'prod', auth } };
  return { kind: 'SecretStore', metadata: { namespace: home, name: 'p' }, spec: { provider } };
}

export function environmentStore(): ModelObject {
  const provider = { esc: { environment: 'settings' } };
  return { kind: 'SecretStore', metadata: { namespace: home, name: 'v' }, spec: { provider } };
}

/** What an upstream's key is called at the end of a key of a Secret. */
export function sourceKey(secretKey: string): string {
  return secretKey.slice(secretKey.lastIndexOf('-') + 1);
}

export function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function decoded(text = ''): string {
  return Buffer.from(text, 'base64').toString();
}
