// From a spec to what is read, and from what was read to the data of the Secret. `planReads` lists the reads in the order
// in which ESO applies them (dataFrom, then data); `combine` decodes, rewrites, converts and lays the entries over each other.
import type { DataFrom, ExternalSecretSpec, RemoteRef } from '../crds/external-secret.ts';
import { checkNullBytes, decodeValue } from './decoding.ts';
import { convertKeys, validateKeys } from './key-conversion.ts';
import { asOperatorError, OperatorError } from './operator-error.ts';
import { rewriteKeys } from './rewrite.ts';
import { SecretValue } from './secret-value.ts';

/** A store by kind and name, as a spec refers to it. */
export interface StoreRef {
  readonly kind: 'SecretStore' | 'ClusterSecretStore';
  readonly name: string;
}

/** What one read asks a provider for; the same shape as the providers' ReadRequest, which core may not import. */
export type Ask =
  | { readonly kind: 'value' | 'map'; readonly key: string; readonly property?: string; readonly version?: string }
  | {
      readonly kind: 'find';
      readonly path?: string;
      readonly nameRegexp?: string;
      readonly tags?: Readonly<Record<string, string>>;
      readonly conversionStrategy?: string;
    };

/** One entry of the spec: where it stands, which store it reads, and what becomes of the answer. */
export interface PlannedRead {
  /** `spec.data[0] (key: API_KEY)`. */
  readonly at: string;
  readonly store: StoreRef;
  readonly ask: Ask;
  readonly finish: (values: ReadonlyMap<string, SecretValue>) => ReadonlyMap<string, SecretValue>;
}

export type ReadAnswer =
  | { readonly values: ReadonlyMap<string, SecretValue>; readonly shadowed?: readonly string[] }
  | { readonly error: OperatorError };

/** All reads of a spec, in the order in which their results are laid over each other. Throws InvalidSpec. */
export function planReads(spec: ExternalSecretSpec): readonly PlannedRead[] {
  const defaultStore = spec.secretStoreRef;
  const fromAll = (spec.dataFrom ?? []).map((entry, i) => planDataFrom(entry, `spec.dataFrom[${i}]`, defaultStore));
  const single = (spec.data ?? []).map((entry, i) => {
    const at = `spec.data[${i}] (key: ${entry.remoteRef.key})`;
    const store = storeOf(entry.sourceRef?.storeRef ?? defaultStore, at);
    return { at, store, ask: askFor('value', entry.remoteRef), finish: finishValue(entry.secretKey, entry.remoteRef) };
  });
  return [...fromAll.filter((read) => read !== undefined), ...single];
}

/**
 * The data of the Secret: later reads win over earlier ones. The first failed entry fails the whole, named by its place;
 * nothing is ever written from a part.
 */
export function combine(
  reads: readonly PlannedRead[],
  answers: readonly ReadAnswer[],
): { readonly data: ReadonlyMap<string, SecretValue>; readonly shadowed: readonly string[] } {
  const data = new Map<string, SecretValue>();
  const shadowed: string[] = [];
  for (const [i, read] of reads.entries()) {
    const answer = answers[i];
    if (answer === undefined) throw new OperatorError('Internal', `${read.at}: no answer`);
    if ('error' in answer) throw answer.error.within(read.at);
    shadowed.push(...(answer.shadowed ?? []));
    for (const [key, value] of finished(read, answer.values)) data.set(key, value);
  }
  return { data, shadowed };
}

function finished(read: PlannedRead, values: ReadonlyMap<string, SecretValue>): ReadonlyMap<string, SecretValue> {
  try {
    return read.finish(values);
  } catch (thrown) {
    throw asOperatorError(thrown).within(read.at);
  }
}

function planDataFrom(entry: DataFrom, at: string, defaultStore: unknown): PlannedRead | undefined {
  const { extract, find } = entry;
  const storeRef = entry.sourceRef?.storeRef ?? defaultStore;
  // Both at once: find wins, and an entry with neither reads nothing, as in ESO's controller without its webhook.
  if (find !== undefined) {
    const ask: Ask = {
      kind: 'find',
      ...(find.path === undefined ? {} : { path: find.path }),
      ...(find.name?.regexp === undefined ? {} : { nameRegexp: find.name.regexp }),
      ...(find.tags === undefined ? {} : { tags: find.tags }),
      ...(find.conversionStrategy === undefined ? {} : { conversionStrategy: find.conversionStrategy }),
    };
    return { at: `${at}.find`, store: storeOf(storeRef, at), ask, finish: finishMany(entry, find) };
  }
  if (extract === undefined) return undefined;
  const place = `${at}.extract (key: ${extract.key})`;
  return { at: place, store: storeOf(storeRef, at), ask: askFor('map', extract), finish: finishMany(entry, extract) };
}

function askFor(kind: 'value' | 'map', ref: RemoteRef): Ask {
  return {
    kind,
    key: ref.key,
    ...(ref.property === undefined || ref.property === '' ? {} : { property: ref.property }),
    ...(ref.version === undefined || ref.version === '' ? {} : { version: ref.version }),
  };
}

function storeOf(ref: unknown, at: string): StoreRef {
  const { name, kind } = (ref ?? {}) as { name?: string; kind?: string }; // checked on the next lines
  if (name === undefined || name === '') {
    throw new OperatorError(
      'InvalidSpec',
      `${at}: no store is named; set spec.secretStoreRef.name or sourceRef.storeRef.name`,
    );
  }
  return { name, kind: kind === 'ClusterSecretStore' ? 'ClusterSecretStore' : 'SecretStore' };
}

type Strategies = Pick<RemoteRef, 'conversionStrategy' | 'decodingStrategy' | 'nullBytePolicy'>;

function finishValue(secretKey: string, ref: Strategies): PlannedRead['finish'] {
  return (values) => {
    const [value] = values.values();
    // An absent value is an error of its own in the answer: an empty map here would drop the key from the Secret.
    if (value === undefined || values.size > 1)
      throw new OperatorError('Internal', `${values.size} values for one key`);
    return new Map([[secretKey, decodedValue(secretKey, value, ref)]]);
  };
}

/** Rewrite, else convert the keys; validate them; decode; check. Without a rewrite keys are always converted. */
function finishMany(entry: DataFrom, strategies: Strategies): PlannedRead['finish'] {
  return (values) => {
    const rewrites = entry.rewrite ?? [];
    const keyed =
      rewrites.length > 0 ? rewriteKeys(values, rewrites) : convertKeys(values, strategies.conversionStrategy);
    return new Map([...validateKeys(keyed)].map(([key, value]) => [key, decodedValue(key, value, strategies)]));
  };
}

/** The value after its decodingStrategy, checked by its nullBytePolicy. */
function decodedValue(key: string, value: SecretValue, strategies: Strategies): SecretValue {
  const bytes = decodeValue(value.reveal(), strategies.decodingStrategy);
  checkNullBytes(key, bytes, strategies.nullBytePolicy);
  return new SecretValue(bytes);
}
