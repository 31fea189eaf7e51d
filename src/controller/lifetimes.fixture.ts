// Ten minutes in which the source of a credential that lives for a minute fails again and again, and what its holder is owed:
// the one who holds it must not hold one that has run out while the source could be reached a minute before.
import { expect } from 'vitest';
import { seededRandom } from '../../test/oracle/random.ts';
import type { FakeClock } from '../../test/support/fake-clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import { textValue } from '../core/esc/value.ts';
import type { EscProvider } from '../providers/esc/open/contract.ts';

const minuteMs = 60_000;
const stepMs = 1_000;

/** Whether the source is down, by ms from the start. */
export function faultsOf(seed: number): (atMs: number) => boolean {
  const random = seededRandom(seed);
  const faults: { readonly fromMs: number; readonly toMs: number }[] = [];
  for (let fromMs = 10_000; fromMs < 10 * minuteMs; fromMs += 20_000 + random.below(40_000)) {
    faults.push({ fromMs, toMs: fromMs + random.below(45_000) });
  }
  return (atMs) => faults.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
}

/** Gives texts that say when they end (ms by `atMs`), and fails while it is down. */
export function endingProvider(lifeMs: number, atMs: () => number, isDown: (atMs: number) => boolean) {
  let opened = 0;
  const provider: EscProvider = {
    inputs: true,
    outputs: true,
    secret: true,
    async open(_, { noteLifetime }) {
      if (isDown(atMs())) throw new OperatorError('UpstreamUnavailable', 'down');
      opened++;
      noteLifetime?.(lifeMs);
      return textValue(String(atMs() + lifeMs), { secret: true });
    },
  };
  return { provider, opened: () => opened };
}

/** Lets ten minutes pass, and looks each second; `endsAtMs` is the end of what the consumer holds. */
export async function expectNeverOver(
  clock: FakeClock,
  { atMs, endsAtMs, isDown }: Readonly<{ atMs: () => number; endsAtMs: () => number; isDown: (at: number) => boolean }>,
): Promise<void> {
  let reachableSinceMs = 0;
  while (atMs() < 10 * minuteMs) {
    await clock.advance(stepMs);
    if (isDown(atMs())) reachableSinceMs = Number.POSITIVE_INFINITY;
    else reachableSinceMs = Math.min(reachableSinceMs, atMs());
    const isReachableForLong = atMs() - reachableSinceMs >= minuteMs / 2 + stepMs;
    if (isReachableForLong) expect([atMs(), endsAtMs() > atMs()]).toEqual([atMs(), true]);
  }
}
