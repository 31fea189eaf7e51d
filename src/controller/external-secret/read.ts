// Reads what the spec names: connects each store once, asks each once for everything, and lays the answers over each other.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import type { Desk } from '../../core/jobs.ts';
import {
  type Ask,
  type Combined,
  type GeneratorRead,
  type PlannedRead,
  planReads,
  type ReadAnswer,
  type StoreRead,
  type StoreRef,
} from '../../core/selection.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import type { Freshness, StoreReader } from '../../providers/contract.ts';
import type { Generation } from '../generators/generators.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { EsMemory, Rooms } from './context.ts';

export interface Sources extends Combined {
  /** What the sources themselves warn of, sorted. */
  readonly warnings: readonly string[];
  /** What was searched, when the spec searches; for the message when nothing was found. */
  readonly searches: readonly string[];
}

/** Throws what connecting and reading throw, named by the place in the spec. */
export async function readSources(
  es: ExternalSecretRecord,
  spec: ExternalSecretSpec,
  memory: EsMemory,
  freshness: Freshness & { readonly desk: Desk },
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Sources> {
  const reads = planReads(spec);
  const storeReads = reads.filter((read) => 'store' in read);
  const byStore = Map.groupBy(storeReads, ({ store }) => `${store.kind}/${store.name}`);
  const answers = new Map<PlannedRead, ReadAnswer>();
  const scopes = new Set<string>();
  memory.scopes = scopes;
  const noteScope = (scope: string) => void scopes.add(scope);
  memory.renewAtMs = undefined;
  let endsAtMs: number | undefined;
  const noteRenewal = (atMs: number, endAtMs: number) => {
    memory.renewAtMs = Math.min(memory.renewAtMs ?? atMs, atMs);
    endsAtMs = Math.min(endsAtMs ?? endAtMs, endAtMs);
  };
  const warnings = new Set<string>();
  const noteWarning = (warning: string) => void warnings.add(warning);
  const readers = await connectAll(es, [...byStore.values()], rooms, signal);
  notePhase(memory, readers);
  const isCheap = readers.every((reader) => reader.isCheap === true) && storeReads.length === reads.length;
  memory.probedOrigin = isCheap ? readers[0]?.origin : undefined;
  // Which upstream an error speaks of: with several stores, only that one's recovery mends it.
  const origins = new Map<unknown, string>();
  try {
    await Promise.all(
      [...byStore.values()].map(async (group, i) => {
        const reader = readers[i];
        if (reader === undefined) throw new OperatorError('Internal', 'a store was not connected');
        const results = await readGroup(
          group,
          reader,
          { ...freshness, noteScope, noteRenewal, noteWarning },
          origins,
          signal,
        );
        group.forEach((read, at) => {
          const result = results[at];
          if (result === undefined) return;
          if ('error' in result) origins.set(result.error, reader.origin);
          answers.set(read, result);
        });
      }),
    );
    for (const read of reads)
      if ('generator' in read) answers.set(read, await generated(read, es, rooms, { desk: freshness.desk, signal }));
    const inOrder = reads.map((read) => answers.get(read) ?? unanswered());
    const combined = await freshness.desk.run('combine', { spec, reads, answers: inOrder });
    memory.endsAtMs = endsAtMs; // until then the target holds what was read before
    return {
      ...combined,
      warnings: [...warnings].sort(),
      searches: storeReads.filter(({ ask }) => ask.kind === 'find').map(searchText),
    };
  } catch (thrown) {
    memory.failedOrigin = originOf(thrown, origins);
    throw thrown;
  }
}

async function generated(
  read: GeneratorRead,
  es: ExternalSecretRecord,
  { generators }: Rooms,
  generation: Generation,
): Promise<ReadAnswer> {
  try {
    return { values: await generators.generateOnce(read, es, generation) };
  } catch (thrown) {
    generation.signal.throwIfAborted();
    return { error: asOperatorError(thrown) };
  }
}

async function readGroup(
  group: readonly StoreRead[],
  reader: StoreReader,
  freshness: Freshness,
  origins: Map<unknown, string>,
  signal: AbortSignal,
): Promise<readonly ReadAnswer[]> {
  try {
    // What is asked for a thousand times is read once, and its answer held once.
    const asks: Ask[] = [];
    const places = new Map<string, number>();
    const asked = group.map(({ ask }) => {
      const key = JSON.stringify(ask);
      const place = places.get(key) ?? asks.push(ask) - 1;
      places.set(key, place);
      return place;
    });
    const results = await reader.read(asks, freshness, signal);
    return asked.map((place) => results[place] ?? unanswered());
  } catch (thrown) {
    origins.set(thrown, reader.origin);
    throw thrown;
  }
}

function unanswered(): ReadAnswer {
  return { error: new OperatorError('Internal', 'a read was not answered') };
}

/** Of the error, or of the one that it puts into its context. */
function originOf(thrown: unknown, origins: ReadonlyMap<unknown, string>): string {
  for (let error = thrown; error !== undefined; error = error instanceof Error ? error.cause : undefined) {
    const origin = origins.get(error);
    if (origin !== undefined) return origin;
  }
  return '';
}

/** Connects without reading: tells the phase of an object that has nothing due. */
export async function connectFirst(
  es: ExternalSecretRecord,
  memory: EsMemory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  const ref = es.stores[0];
  if (ref === undefined) return;
  notePhase(memory, [await rooms.connections.connect(ref, es.namespace, signal)]);
}

function connectAll(
  es: ExternalSecretRecord,
  groups: readonly (readonly StoreRead[])[],
  rooms: Rooms,
  signal: AbortSignal,
): Promise<StoreReader[]> {
  return Promise.all(
    groups.map(async ([first]) => {
      const ref: StoreRef = first?.store ?? { kind: 'SecretStore', name: '' };
      try {
        return await rooms.connections.connect(ref, es.namespace, signal);
      } catch (thrown) {
        if (first === undefined || groups.length === 1 || !(thrown instanceof OperatorError)) throw thrown;
        throw thrown.within(first.at); // with one store there is nothing to tell apart
      }
    }),
  );
}

function notePhase(memory: EsMemory, readers: readonly StoreReader[]): void {
  const [first] = readers;
  if (first !== undefined) memory.phaseKey = first.phaseKey;
}

function searchText({ at, ask, store }: StoreRead): string {
  if (ask.kind !== 'find') return at;
  const name = ask.nameRegexp === undefined ? '' : ` name matching "${ask.nameRegexp}"`;
  const path = ask.path === undefined ? '' : ` path "${ask.path}"`;
  return `${at} in ${store.kind} "${store.name}"${path}${name}${tagsText(ask.tags ?? {})}`;
}

/** How many tags a message names. */
const namedTags = 5;

function tagsText(tags: Readonly<Record<string, string>>): string {
  const named = Object.entries(tags).map(([name, text]) => JSON.stringify(text === '' ? name : `${name}=${text}`));
  if (named.length === 0) return '';
  const rest = named.length > namedTags ? ` and ${named.length - namedTags} more` : '';
  return ` tags ${named.slice(0, namedTags).join(', ')}${rest}`;
}
