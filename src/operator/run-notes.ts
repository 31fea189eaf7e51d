// Which objects are being read and worked on, in a file that outlives the process, and so which of them must wait: the rules
// are core's. Written whenever an object begins; that one ended is written with the next beginning, or a moment later.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { RunNotes } from '../controller/external-secret/context.ts';
import {
  afterDeath,
  emptyRecord,
  type RunningObject,
  readRecord,
  waitLeftMs,
  writeRecord,
} from '../core/quarantine.ts';

interface ClosableNotes extends RunNotes {
  /** The process ends in good order: nothing was running at a death. */
  close(): void;
}

interface NotesOptions {
  readonly clock: Clock;
  /** Told at the start what was running when the last process died, by key; not told where it ended in good order. */
  readonly onDeath: (running: readonly string[]) => void;
  /** Told when a note could not be written. */
  readonly onTrouble: (thrown: unknown) => void;
}

/** Where nothing is noted, nobody waits. */
export const noRunNotes: ClosableNotes = { begin: () => () => {}, close: () => {} };

const settleMs = 100;

/**
 * Notes in a file of the directory, which is made when it is missing. Throws what the file system does when it cannot be
 * written.
 */
export function openRunNotes(directory: string, { clock, onDeath, onTrouble }: NotesOptions): ClosableNotes {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'running.json');
  const existing = readExisting(path);
  if (existing.running.length > 0) onDeath(existing.running.map(({ key }) => key));
  let record = afterDeath(existing, clock.nowMs());
  const running = new Map<string, RunningObject>();
  let isSettling = false;
  const write = () => {
    record = { ...record, running: [...running.values()] };
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
  write(); // the deaths so far, so that they count even if nothing begins
  return {
    begin(object) {
      const leftMs = waitLeftMs(record, object, clock.nowMs());
      if (leftMs > 0) throw mustWait(leftMs);
      running.set(object.key, object);
      note();
      return () => {
        running.delete(object.key);
        if (isSettling) return;
        isSettling = true;
        clock.after(settleMs, () => {
          isSettling = false;
          note();
        });
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

function mustWait(retryAfterMs: number): OperatorError {
  const problem = 'the operator died twice while it worked on this object: it waits until its spec changes, or an hour';
  return new OperatorError('TooMuchWork', problem, { retryAfterMs });
}
