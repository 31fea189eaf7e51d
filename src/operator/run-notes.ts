// Which objects are worked on at length, in a file that outlives the process, and so which of them must wait: the rules are
// core's. Only what leaves its small share of the event loop is noted, for as long as a thread works on it; what took long there
// the last time, or ran at a death, from its first work on to its end: nearly every run ends without a word, and none is blamed for
// the time in which it waits for others. That one ended is written a moment later.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { NotedRun, RunNotes } from '../controller/desk.ts';
import {
  afterDeath,
  deathsOf,
  emptyRecord,
  type RunningObject,
  type RunRecord,
  readRecord,
  type Wait,
  waitingIn,
  waitOf,
  writeRecord,
} from '../core/quarantine.ts';
import { rfc3339 } from '../core/sync-status.ts';

interface ClosableNotes extends RunNotes {
  /** The process ends in good order: nothing was running at a death. */
  close(): void;
}

interface NotesOptions {
  readonly clock: Clock;
  /**
   * Told at the start, by key, what was running when the last process died, and which objects have to wait; not told where it
   * ended in good order and nobody waits.
   */
  readonly onDeath: (what: { readonly running: readonly string[]; readonly waiting: readonly string[] }) => void;
  /** Told when a note could not be written. */
  readonly onTrouble: (thrown: unknown) => void;
}

const unnoted: NotedRun = { works: () => {}, heavy: () => () => {}, end: () => {} };

/** Where nothing is noted, nobody waits. */
export const noRunNotes: ClosableNotes = { begin: () => unnoted, close: () => {} };

const settleMs = 100;
/** Time in a thread after which the next run of the object is noted as a whole. */
const longMs = 1_000;
/** Objects that are remembered to take long; of more, the oldest is forgotten. */
const mostLong = 1_000;

/**
 * Notes in a file of the directory, which is made when it is missing. Throws what the file system does when it cannot be
 * written.
 */
export function openRunNotes(directory: string, { clock, onDeath, onTrouble }: NotesOptions): ClosableNotes {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'running.json');
  const existing = readExisting(path);
  let record: RunRecord = afterDeath(existing, clock.nowMs());
  const waiting = waitingIn(record, clock.nowMs());
  if (existing.running.length + waiting.length > 0)
    onDeath({ running: existing.running.map(({ key }) => key), waiting });
  const running = new Map<string, { readonly object: RunningObject; reasons: number }>();
  const long = new Set<string>();
  let isSettling = false;
  const write = () => {
    record = { ...record, running: [...running.values()].map(({ object }) => object) };
    // A death in the middle of a write leaves the former file.
    writeFileSync(`${path}.new`, writeRecord(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  const note = () => {
    try {
      write();
    } catch (thrown) {
      onTrouble(thrown); // work goes on without notes: a full disk stops nobody
    }
  };
  const settle = () => {
    if (isSettling) return;
    isSettling = true;
    clock.after(settleMs, () => {
      isSettling = false;
      note();
    });
  };
  /** The object is among those that run until what is returned was called once. */
  const hold = (object: RunningObject): (() => void) => {
    const held = running.get(object.key) ?? { object, reasons: 0 };
    held.reasons++;
    if (held.reasons === 1) {
      running.set(object.key, held);
      note();
    }
    return () => {
      if (--held.reasons > 0) return;
      running.delete(object.key);
      settle();
    };
  };
  const noteLength = (key: string, tookMs: number) => {
    long.delete(key);
    if (tookMs < longMs) return;
    const [oldest] = long;
    if (long.size >= mostLong && oldest !== undefined) long.delete(oldest);
    long.add(key);
  };
  write(); // the deaths so far, so that they count even if nothing begins
  return {
    begin(object) {
      const nowMs = clock.nowMs();
      const wait = waitOf(record, object, nowMs);
      if (wait !== undefined) throw mustWait(object, wait, nowMs);
      const isWatched = long.has(object.key) || deathsOf(record, object, nowMs) > 0;
      let end: (() => void) | undefined;
      return {
        works() {
          if (isWatched) end ??= hold(object);
        },
        heavy() {
          const startedMs = clock.monotonicMs();
          const endHeavy = hold(object);
          return () => {
            noteLength(object.key, clock.monotonicMs() - startedMs);
            endHeavy();
          };
        },
        end: () => end?.(),
      };
    },
    close() {
      running.clear();
      note();
    },
  };
}

function readExisting(path: string) {
  try {
    return readRecord(readFileSync(path, 'utf8'));
  } catch {
    return emptyRecord; // the first start
  }
}

function mustWait({ key }: RunningObject, { sinceMs, untilMs }: Wait, nowMs: number): OperatorError {
  const since = `the operator died twice while it worked on ${key}, the second time shortly before ${rfc3339(sinceMs)}`;
  const problem = `${since}: that waits until its spec is edited, or until ${rfc3339(untilMs)}`;
  return new OperatorError('Quarantined', problem, { retryAfterMs: untilMs - nowMs });
}
