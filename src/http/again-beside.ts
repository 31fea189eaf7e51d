// One request that is sent more than once: a host that took it and fell silent may have lost it for good, while the host
// itself answers again. So the same request goes out beside it, on another connection, and the first answer counts.
//
//   try 1 ──────────────────────────────(silent)──────────────────▶ gives up with the others
//        every `everyMs`  └▶ try 2 ──────────────────────▶ …
//                                  └▶ try 3 ──▶ answer: counts; the others are let go
import type { DoorClock } from './contract.ts';
import type { Exchanged } from './exchange.ts';

export interface Beside {
  readonly clock: DoorClock;
  readonly everyMs: number;
  /** From the first try on; each later one has what is left. */
  readonly wholeMs: number;
}

/** One try, with at most so long to the first byte. Never rejects. */
export type Try = (firstByteMs: number, signal: AbortSignal) => Promise<Exchanged>;

/** The first answer, or the failure of the first try when none of them is answered. Nothing is left running. */
export async function sendAgainBeside(
  send: Try,
  { clock, everyMs, wholeMs }: Beside,
  signal: AbortSignal,
): Promise<Exchanged> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const untilMs = clock.monotonicMs() + wholeMs;
  const answered = Promise.withResolvers<Exchanged>();
  const tries: Promise<Exchanged>[] = [];
  const begin = () => {
    const one = send(untilMs - clock.monotonicMs(), either);
    tries.push(one);
    void one.then((result) => 'answer' in result && answered.resolve(result));
    return one;
  };
  const first = begin();
  let timer = clock.after(everyMs, function again() {
    if (untilMs - clock.monotonicMs() < everyMs / 2) return;
    void begin();
    timer = clock.after(everyMs, again);
  });
  try {
    const failed = first.then(async (result) => {
      // Those that were sent meanwhile may still be answered; no more are.
      timer.cancel();
      await Promise.all(tries);
      return result;
    });
    const counts = await Promise.race([answered.promise, failed]);
    over.abort();
    // Another that was answered in the same moment is held by nobody.
    for (const other of await Promise.all(tries)) if (other !== counts && 'answer' in other) other.letGo();
    return counts;
  } finally {
    timer.cancel();
    over.abort();
  }
}
