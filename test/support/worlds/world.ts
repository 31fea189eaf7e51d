// A random world: events that befall a stage, and what is found wrong at its end. A world is data, so that one that fails
// can be made smaller and told in a line.
import { faultsIn } from './chronicle.ts';
import { happen, type WorldEvent } from './happenings/all.ts';
import { intervalMs } from './specs.ts';
import { Stage } from './stage.ts';
import { wrongIn } from './verdict.ts';

export interface WorldPlan {
  /** For latencies and delays. */
  readonly seed: number;
  readonly events: readonly WorldEvent[];
}

/** What was found wrong, a line each; all empty when the world ended well. */
export interface Verdicts {
  readonly soon: readonly string[];
  readonly afterWaves: readonly string[];
  /** At any time. */
  readonly never: readonly string[];
  readonly whileQuiet: readonly string[];
}

const soonMs = 12_000;
/** Kinds that are written though nothing happens: leases are renewed, and an event that recurs is counted up. */
const restless: ReadonlySet<string> = new Set(['Lease', 'Event']);

/** Lives through the plan, then looks. */
export async function live({ seed, events }: WorldPlan): Promise<Verdicts> {
  const random = randomOf(seed);
  const chance = Math.random;
  Math.random = random; // what draws without being given a source, as backoffs do: a world that failed must fail again
  const stage = new Stage(random);
  try {
    await stage.pass(500);
    for (const event of events) {
      happen(stage, event);
      await stage.pass(event.thenMs);
    }
    await stage.calm();
    await stage.pass(soonMs);
    const soon = wrongIn(stage, 'soon');
    await stage.pass(2 * intervalMs + soonMs);
    const afterWaves = wrongIn(stage, 'waves');
    const { calls } = stage.cluster.api;
    const before = calls.length;
    await stage.pass(intervalMs + soonMs);
    const written = calls.slice(before).filter(({ changed, kind }) => changed && !restless.has(kind));
    const whileQuiet = written.map(({ verb, kind, key }) => `${verb} ${kind} ${key}`);
    return { soon, afterWaves, never: faultsIn(stage), whileQuiet };
  } finally {
    stage.close();
    Math.random = chance;
  }
}

/** Numbers from 0 up to 1 that follow from the seed: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
