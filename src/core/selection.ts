// From a spec to what is read, and from what was read to the data of the Secret. `planReads` lists the reads in the order
// in which ESO applies them (dataFrom, then data); `combine` decodes, rewrites, converts and lays the entries over each other.

import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import type { DataFrom, ExternalSecretSpec, GeneratorRef, RemoteRef } from '../crds/external-secret.ts';
import { Budget, entryBytes } from './budget.ts';
import { checkNullBytes, decodeValue } from './decoding.ts';
import { convertKeys, validateKeys } from './key-conversion.ts';
import { rewriting, templates } from './parts.ts';
import type { Collision, RewriteOptions, RewriteStep, Rewritten, TransformKey, Values } from './rewrite.ts';
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

/** One entry of the spec: where it stands, what it reads, and what becomes of the answer. */
export type PlannedRead = StoreRead | GeneratorRead;

/** An entry that asks a store. */
export interface StoreRead extends EntryRead {
  readonly store: StoreRef;
  readonly ask: Ask;
}

/** An entry that takes what a generator gives. */
export interface GeneratorRead extends EntryRead {
  readonly generator: GeneratorRef;
}

interface EntryRead {
  /** `spec.data[0] (key: API_KEY)`. */
  readonly at: string;
  /** Equal for reads that make the same of the same answer; '' for one that is cheap to finish. */
  readonly finishKey: string;
  readonly finish: (values: ReadonlyMap<string, SecretValue>, budget: Budget) => Finished;
}

/** What an entry adds to the Secret. */
interface Finished {
  readonly values: ReadonlyMap<string, SecretValue>;
  readonly collisions: readonly Collision[];
  /** Keys in the answer of the first keys, where a rewrite or conversion gave them others. */
  readonly renamed?: ReadonlyMap<string, string>;
}

/** The data of the Secret, and what was lost on the way to it. */
export interface Combined {
  readonly data: ReadonlyMap<string, SecretValue>;
  /** `folder/KEY` of values that another folder's value of the same key hides. */
  readonly shadowed: readonly string[];
  /** Values that a rewrite gave the key of another one, by the place in the spec. */
  readonly collisions: readonly (Collision & { readonly at: string })[];
  /** True when the sources had values, and none of them was left in the end. */
  readonly isEmptied: boolean;
}

/** Collisions and shadows that are kept: a message names five, and counts the rest. */
const mostLosses = 1_000;

export type ReadAnswer =
  | {
      readonly values: ReadonlyMap<string, SecretValue>;
      readonly shadowed?: readonly string[];
      readonly origins?: ReadonlyMap<string, Origin>;
    }
  | { readonly error: OperatorError };

/** Where a provider has a value from, as far as it tells. */
export interface Origin {
  readonly folder?: string;
  readonly version?: string;
  /** When this version was made, in epoch ms. */
  readonly sinceMs?: number;
}

/** Where a key of the Secret comes from. */
export interface KeySource extends Origin {
  readonly key: string;
  /** Kind and name of the store or generator: `SecretStore/main`. */
  readonly source: string;
}

/** Keys whose source is told: a status is read by people, and written for ten thousand objects. */
export const mostKeySources = 32;

/** All reads of a spec, in the order in which their results are laid over each other. Throws InvalidSpec. */
export function planReads(spec: ExternalSecretSpec): readonly PlannedRead[] {
  const defaultStore = spec.secretStoreRef;
  const fromAll = (spec.dataFrom ?? []).map((entry, i) => planDataFrom(entry, `spec.dataFrom[${i}]`, defaultStore));
  const single = (spec.data ?? []).map((entry, i) => {
    const own = entry.sourceRef?.storeRef;
    const at = `spec.data[${i}] (key: ${entry.remoteRef.key}${own?.name ? `, store: ${own.name}` : ''})`;
    const store = storeOf(own ?? defaultStore, at);
    return {
      at,
      store,
      ask: askFor('value', entry.remoteRef),
      finishKey: '',
      finish: finishValue(entry.secretKey, entry.remoteRef),
    };
  });
  return [...fromAll.filter((read) => read !== undefined), ...single];
}

export interface Combined {
  readonly data: ReadonlyMap<string, SecretValue>;
  readonly shadowed: readonly string[];
  /** Places whose secret does not exist, where that is tolerated. */
  readonly missing: readonly string[];
  /** Values that a rewrite gave the key of another one, with their place in the spec. */
  readonly collisions: readonly (Collision & { readonly at: string })[];
  /** There were values, and none is left after rewriting. */
  readonly isEmptied: boolean;
  /** Where the first keys come from, `mostKeySources` at most. */
  readonly sources: readonly KeySource[];
}

interface CombineOptions {
  /** Whether an entry whose secret does not exist gives nothing instead of failing the whole. */
  readonly toleratesMissing?: boolean;
  readonly budget?: Budget;
}

/**
 * The data of the Secret: later reads win over earlier ones. The first failed entry fails the whole, named by its place;
 * nothing is ever written from a part. Where it is tolerated, an entry whose secret does not exist gives nothing; a scope
 * or a property that does not exist is an error all the same.
 */
export function combine(
  reads: readonly PlannedRead[],
  answers: readonly ReadAnswer[],
  { toleratesMissing = false, budget = new Budget() }: CombineOptions = {},
): Combined {
  const data = new Map<string, SecretValue>();
  const shadowed: string[] = [];
  const missing: string[] = [];
  const collisions: (Collision & { readonly at: string })[] = [];
  const sources = new Map<string, KeySource>();
  const done = new Map<ReadAnswer, Map<string, Finished>>();
  let hadValues = false;
  for (const [i, read] of reads.entries()) {
    const answer = answers[i];
    if (answer === undefined) throw new OperatorError('Internal', `${read.at}: no answer`);
    if ('error' in answer && toleratesMissing && answer.error.reason === 'SecretNotFound') {
      missing.push(read.at);
      continue;
    }
    if ('error' in answer) throw withAlike(answer.error.within(read.at), i, reads, answers);
    hadValues ||= answer.values.size > 0;
    const repeated = read.finishKey === '' ? undefined : done.get(answer)?.get(read.finishKey);
    const result = repeated ?? finished(read, answer.values, budget);
    if (repeated === undefined) {
      if (read.finishKey !== '')
        done.set(answer, (done.get(answer) ?? new Map<string, Finished>()).set(read.finishKey, result));
      if (answer.shadowed !== undefined) keepSome(shadowed, answer.shadowed);
      for (const each of result.collisions) keepSome(collisions, [{ ...each, at: read.at }]);
    }
    charge(read, result.values.size, budget);
    refuseForeignKeys(read, result.values.keys());
    for (const [key, value] of result.values) {
      data.set(key, value);
      if (sources.size < mostKeySources || sources.has(key)) {
        const origin = answer.origins?.get(result.renamed?.get(key) ?? key) ?? answer.origins?.get('');
        sources.set(key, { key, source: sourceOf(read), ...origin });
      }
    }
  }
  return {
    data,
    shadowed,
    missing,
    collisions,
    isEmptied: hadValues && data.size === 0,
    sources: [...sources.values()],
  };
}

function sourceOf(read: PlannedRead): string {
  const { kind, name } = 'store' in read ? read.store : read.generator;
  return `${kind}/${name}`;
}

/** How many places or keys a message names. */
const namedPlaces = 5;

/** The failure of one entry, naming those after it that fail alike: whoever mends one mends all at once. */
function withAlike(
  error: OperatorError,
  at: number,
  reads: readonly PlannedRead[],
  answers: readonly ReadAnswer[],
): OperatorError {
  if (error.reason !== 'SecretNotFound' && error.reason !== 'PropertyNotFound') return error;
  const alike = reads.filter((_, i) => {
    const answer = answers[i];
    return i > at && answer !== undefined && 'error' in answer && answer.error.reason === error.reason;
  });
  if (alike.length === 0) return error;
  const rest = alike.length > namedPlaces ? ` and ${alike.length - namedPlaces} more` : '';
  const places = alike.slice(0, namedPlaces).map((read) => read.at);
  return new OperatorError(error.reason, `${error.message}; the same for ${places.join(', ')}${rest}`, {
    cause: error,
  });
}

/** What the API server accepts as a key: https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data */
const validKey = /^(?!\.{1,2}$)(?!\.\.)[-._a-zA-Z0-9]{1,253}$/;

/** Throws InvalidKey for keys that the API server would refuse, naming the entry that they come from. */
function refuseForeignKeys(read: PlannedRead, keys: Iterable<string>): void {
  const refused: string[] = [];
  for (const key of keys) if (!validKey.test(key)) refused.push(key);
  if (refused.length === 0) return;
  refused.sort();
  const rest = refused.length > namedPlaces ? ` and ${refused.length - namedPlaces} more` : '';
  const named = refused.slice(0, namedPlaces).map((key) => JSON.stringify(key.slice(0, 60)));
  throw new OperatorError(
    'InvalidKey',
    `${read.at}: Kubernetes accepts no key ${named.join(', ')}${rest}: a key has letters and digits of ASCII, "-", "_" and ".", 253 at most, and does not begin with ".."`,
  );
}

function keepSome<T>(list: T[], more: readonly T[]): void {
  for (const each of more.slice(0, Math.max(0, mostLosses - list.length))) list.push(each);
}

/** Laying entries over the ones that are there. */
function charge(read: PlannedRead, entries: number, budget: Budget): void {
  try {
    budget.spend(entries * unitsPerEntry);
  } catch (thrown) {
    throw asOperatorError(thrown).within(read.at);
  }
}

const unitsPerEntry = 20;

function finished(read: PlannedRead, values: ReadonlyMap<string, SecretValue>, budget: Budget): Finished {
  try {
    return read.finish(values, budget);
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
    return { at: `${at}.find`, store: storeOf(storeRef, at), ask, ...finishMany(entry, find) };
  }
  const generator = entry.sourceRef?.generatorRef;
  if (extract === undefined) return generator === undefined ? undefined : planGenerator(entry, generator, at);
  const place = `${at}.extract (key: ${extract.key})`;
  return { at: place, store: storeOf(storeRef, at), ask: askFor('map', extract), ...finishMany(entry, extract) };
}

/** Rewrite and validate; keys are not converted, and values not decoded, as in ESO. */
function planGenerator(entry: DataFrom, generator: GeneratorRef, at: string): GeneratorRead {
  const rewrites = entry.rewrite ?? [];
  return {
    at: `${at}.sourceRef.generatorRef`,
    generator,
    finishKey: '',
    finish(values, budget) {
      budget.hold(values.size * entryBytes);
      budget.spend(values.size * unitsPerKey);
      const { values: keyed, collisions } = rewritten(values, rewrites, { budget });
      return { values: new Map(validateKeys(keyed)), collisions };
    },
  };
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
  return (values, budget) => {
    const [value] = values.values();
    // An absent value is an error of its own in the answer: an empty map here would drop the key from the Secret.
    if (value === undefined || values.size > 1)
      throw new OperatorError('Internal', `${values.size} values for one key`);
    return { values: new Map([[secretKey, decodedValue(secretKey, value, ref, budget)]]), collisions: [] };
  };
}

/** Rewrite, else convert the keys; validate them; decode; check. Without a rewrite keys are always converted. */
function finishMany(entry: DataFrom, strategies: Strategies): Pick<PlannedRead, 'finish' | 'finishKey'> {
  const rewrites = entry.rewrite ?? [];
  const { conversionStrategy, decodingStrategy, nullBytePolicy } = strategies;
  return {
    finishKey: JSON.stringify([rewrites, conversionStrategy, decodingStrategy, nullBytePolicy]),
    finish(values, budget) {
      budget.hold(values.size * entryBytes);
      budget.spend(values.size * unitsPerKey);
      const { values: keyed, collisions } =
        rewrites.length > 0
          ? rewritten(values, rewrites, { budget, transformKey: transformKeyWith(budget) })
          : { values: convertKeys(values, conversionStrategy), collisions: [] };
      const valid = [...validateKeys(keyed)];
      const decoded = valid.map(([key, value]) => [key, decodedValue(key, value, strategies, budget)] as const);
      return { values: new Map(decoded), collisions, renamed: renamedAmong(valid, values) };
    },
  };
}

/** Without steps nothing of the rewriting is needed. */
function rewritten(values: Values, steps: readonly RewriteStep[], options: RewriteOptions): Rewritten {
  return steps.length === 0
    ? { values: new Map(values), collisions: [] }
    : rewriting.loaded.rewriteReporting(values, steps, options);
}

/** By the template language, which only a transform needs. */
function transformKeyWith(budget: Budget): TransformKey {
  return (template, key) => templates.loaded.transformKeyWith(budget)(template, key);
}

/** The earlier keys of the first ones, told by their values: what a merge made of several has none. */
function renamedAmong(
  keyed: readonly (readonly [string, SecretValue])[],
  values: ReadonlyMap<string, SecretValue>,
): ReadonlyMap<string, string> {
  const changed = keyed.slice(0, mostKeySources).filter(([key, value]) => values.get(key) !== value);
  if (changed.length === 0) return none;
  const before = new Map([...values].map(([key, value]) => [value, key]));
  return new Map(changed.map(([key, value]) => [key, before.get(value) ?? '']));
}

const none: ReadonlyMap<string, string> = new Map();

/** Converting and checking a key. */
const unitsPerKey = 50;

/** The value after its decodingStrategy, checked by its nullBytePolicy. */
function decodedValue(key: string, value: SecretValue, strategies: Strategies, budget: Budget): SecretValue {
  budget.spend(value.length);
  budget.produce(value.length);
  const bytes = decodeValue(value.reveal(), strategies.decodingStrategy);
  checkNullBytes(key, bytes, strategies.nullBytePolicy);
  return new SecretValue(bytes);
}
