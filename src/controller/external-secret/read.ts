// Reads what the spec names: connects each store once, asks each once for everything, and lays the answers over each other.
import { OperatorError } from '../../core/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import { combine, type PlannedRead, planReads, type ReadAnswer, type StoreRef } from '../../core/selection.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import type { StoreReader } from '../../providers/contract.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { Memory, Rooms } from './context.ts';

export interface Sources {
  readonly data: ReadonlyMap<string, SecretValue>;
  /** `folder/KEY` of values that another folder's value of the same key hides. */
  readonly shadowed: readonly string[];
  /** What was searched, when the spec searches; for the message when nothing was found. */
  readonly searches: readonly string[];
}

/** Throws what connecting and reading throw, named by the place in the spec. */
export async function readSources(
  es: ExternalSecretRecord,
  spec: ExternalSecretSpec,
  memory: Memory,
  notBeforeMs: number,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Sources> {
  const reads = planReads(spec);
  const byStore = Map.groupBy(reads, ({ store }) => `${store.kind}/${store.name}`);
  const answers = new Map<PlannedRead, ReadAnswer>();
  const readers = await connectAll(es, [...byStore.values()], rooms, signal);
  noteUpstream(memory, readers);
  await Promise.all(
    [...byStore.values()].map(async (group, i) => {
      const reader = readers[i];
      if (reader === undefined) throw new OperatorError('Internal', 'a store was not connected');
      const results = await reader.read(
        group.map(({ ask }) => ask),
        { notBeforeMs },
        signal,
      );
      group.forEach((read, at) => {
        const result = results[at];
        if (result !== undefined) answers.set(read, result);
      });
    }),
  );
  const inOrder = reads.map(
    (read) => answers.get(read) ?? { error: new OperatorError('Internal', 'a read was not answered') },
  );
  return { ...combine(reads, inOrder), searches: reads.filter(({ ask }) => ask.kind === 'find').map(searchText) };
}

/** Connects without reading: tells the phase of an object that has nothing due. */
export async function connectFirst(
  es: ExternalSecretRecord,
  memory: Memory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  const ref = es.stores[0];
  if (ref === undefined) return;
  noteUpstream(memory, [await rooms.connections.connect(ref, es.namespace, signal)]);
}

function connectAll(
  es: ExternalSecretRecord,
  groups: readonly (readonly PlannedRead[])[],
  rooms: Rooms,
  signal: AbortSignal,
): Promise<StoreReader[]> {
  return Promise.all(
    groups.map(async ([first]) => {
      const ref: StoreRef = first?.store ?? { kind: 'SecretStore', name: '' };
      return await rooms.connections.connect(ref, es.namespace, signal);
    }),
  );
}

function noteUpstream(memory: Memory, readers: readonly StoreReader[]): void {
  const [first] = readers;
  if (first === undefined) return;
  memory.phaseKey = first.phaseKey;
  memory.origin = first.origin;
}

function searchText({ at, ask, store }: PlannedRead): string {
  if (ask.kind !== 'find') return at;
  const name = ask.nameRegexp === undefined ? '' : ` name matching "${ask.nameRegexp}"`;
  const path = ask.path === undefined ? '' : ` path "${ask.path}"`;
  return `${at} in ${store.kind} "${store.name}"${path}${name}`;
}
