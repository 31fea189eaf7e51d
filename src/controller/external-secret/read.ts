// Reads what the spec names: connects each store once, asks each once for everything, and lays the answers over each other.
import { OperatorError } from '../../core/operator-error.ts';
import {
  type Ask,
  type Combined,
  type PlannedRead,
  planReads,
  type ReadAnswer,
  type StoreRef,
} from '../../core/selection.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import type { StoreReader } from '../../providers/contract.ts';
import { createDesk } from '../desk.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { Memory, Rooms } from './context.ts';

export interface Sources extends Combined {
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
  const desk = createDesk(es.namespace, rooms.desk, signal);
  const answers = new Map<PlannedRead, ReadAnswer>();
  const readers = await connectAll(es, [...byStore.values()], rooms, signal);
  noteUpstream(memory, readers);
  await Promise.all(
    [...byStore.values()].map(async (group, i) => {
      const reader = readers[i];
      if (reader === undefined) throw new OperatorError('Internal', 'a store was not connected');
      // What is asked for a thousand times is read once, and its answer held once.
      const asks = new Map<string, Ask>(group.map(({ ask }) => [JSON.stringify(ask), ask]));
      const results = await reader.read([...asks.values()], { notBeforeMs, desk }, signal);
      const byAsk = new Map([...asks.keys()].map((key, at) => [key, results[at]]));
      for (const read of group) {
        const result = byAsk.get(JSON.stringify(read.ask));
        if (result !== undefined) answers.set(read, result);
      }
    }),
  );
  const inOrder = reads.map(
    (read) => answers.get(read) ?? { error: new OperatorError('Internal', 'a read was not answered') },
  );
  const combined = await desk.run('combine', { spec, reads, answers: inOrder });
  return { ...combined, searches: reads.filter(({ ask }) => ask.kind === 'find').map(searchText) };
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
