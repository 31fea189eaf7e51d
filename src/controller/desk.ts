// Where the pure work of one reconcile is done: here, as long as it takes a small share of the event loop, else by the heavy
// lane, whose threads have a memory and a deadline of their own. One budget bounds all of it.

import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import { Budget, inlineShare } from '../core/budget.ts';
import { packInput, unpackError, unpackOutput } from '../core/job-packing.ts';
import {
  beforeJob,
  type Desk,
  isSurelyLarge,
  type JobKind,
  type JobTable,
  runJob,
  type Workplaces,
} from '../core/jobs.ts';
import type { RunningObject } from '../core/quarantine.ts';
import type { JobAnswer, JobOrder } from '../core/thread-jobs.ts';
import { WorkerLost, type WorkerPool } from '../runtime/worker-pool.ts';

export interface DeskRooms {
  readonly heavy: Pick<WorkerPool, 'run'>;
  readonly loop: LoopShare;
}

/** Knows across a death of the process what was worked on. */
export interface RunNotes {
  /** A run begins. Throws Quarantined for an object that must wait. */
  begin(object: RunningObject): NotedRun;
}

export interface NotedRun {
  /** Work of its own begins, as against waiting for an upstream or for what others work on; from then on until the end. */
  works(): void;
  /** A thread begins to work for it, or the loop to read what is large; returns what ends that. */
  heavy(): () => void;
  /** The run is over. */
  end(): void;
}

/** Places whose work is noted, as long as it takes and as long as a thread does a part of it. */
export function notedWorkplaces(rooms: DeskRooms, notes: RunNotes): Workplaces {
  return {
    begin({ tenant, object }) {
      const noted = notes.begin(object);
      const heavy = withNotes(rooms.heavy, noted);
      const deskFor = (signal: AbortSignal): Desk => {
        const desk = createDesk(tenant, { ...rooms, heavy }, signal);
        return {
          async run(kind, input) {
            noted.works();
            return await desk.run(kind, input);
          },
        };
      };
      return { desk: deskFor, reads: () => noted.heavy(), end: () => noted.end() };
    },
  };
}

/** What was spent in this turn of the event loop, by all objects together. */
export class LoopShare {
  readonly #nextTurn: () => Promise<void>;
  #spent = 0;
  #turn: Promise<void> | undefined;

  /** `nextTurn` resolves after the loop has looked at sockets and timers. */
  constructor(nextTurn: () => Promise<void>) {
    this.#nextTurn = nextTurn;
  }

  /** Whether this turn has done enough: half a share, as the job that begins may take a whole one. */
  get isSpent(): boolean {
    return this.#spent >= inlineShare.work / 2;
  }

  spend(units: number): void {
    this.#spent += units;
    void this.turn();
  }

  /** Resolves in the next turn. Whoever waited looks again: others may have been faster. */
  turn(): Promise<void> {
    this.#turn ??= this.#nextTurn().then(() => {
      this.#spent = 0;
      this.#turn = undefined;
    });
    return this.#turn;
  }
}

/** A desk for one reconcile. `tenant` is whom the heavy lane serves in turn: a namespace. */
export function createDesk(tenant: string, rooms: DeskRooms, signal: AbortSignal, budget = new Budget()): Desk {
  return {
    async run(kind, input) {
      await beforeJob(kind, input);
      while (rooms.loop.isSpent) {
        await rooms.loop.turn();
        signal.throwIfAborted();
      }
      const isMoreLeft = budget.left.work > inlineShare.work;
      if (!isMoreLeft || !isSurelyLarge(kind, input)) {
        const part = budget.part(inlineShare);
        try {
          return runJob(kind, input, part);
        } catch (thrown) {
          if (!part.isOver || !isMoreLeft) throw thrown;
        } finally {
          rooms.loop.spend(part.spent.work);
          if (!part.isOver) budget.charge(part.spent);
        }
      }
      await rooms.loop.turn(); // to pack what is so large takes some ms more
      signal.throwIfAborted();
      return await runHeavy(kind, input, { tenant, budget, heavy: rooms.heavy, signal });
    },
  };
}

interface HeavyContext {
  readonly tenant: string;
  readonly budget: Budget;
  readonly heavy: Pick<WorkerPool, 'run'>;
  readonly signal: AbortSignal;
}

async function runHeavy<K extends JobKind>(
  kind: K,
  input: JobTable[K]['input'],
  { tenant, budget, heavy, signal }: HeavyContext,
): Promise<JobTable[K]['output']> {
  const order = (): JobOrder => ({ kind, input: packInput(kind, input), bounds: budget.left, named: budget.named });
  const answer = (await heavy.run(tenant, order, signal).catch((thrown: unknown) => {
    if (thrown instanceof WorkerLost) throw budget.exhausted(lostWords[thrown.how]);
    throw asOperatorError(thrown);
  })) as JobAnswer; // our own thread's
  budget.charge(answer.spent);
  if ('error' in answer) throw unpackError(answer.error);
  if (answer.kind !== kind) throw new OperatorError('Internal', 'a thread answered another question');
  return unpackOutput(kind, answer.output);
}

const lostWords = {
  memory: 'needs more memory than a thread has',
  deadline: 'takes longer than a thread may work',
  crash: 'ended its thread',
} as const;

/** The same threads, with a note of each job for as long as a thread has it. */
function withNotes(heavy: DeskRooms['heavy'], { heavy: note }: NotedRun): DeskRooms['heavy'] {
  return {
    async run(tenant, order, signal) {
      let end = () => {};
      const noted = () => {
        end = note();
        return order();
      };
      try {
        return await heavy.run(tenant, noted, signal);
      } finally {
        end();
      }
    },
  };
}
