// Turns for large answers of all upstreams together: a body may be as large as an eighth of what is held, and what is made of it
// while it is read several times that, so that many at once would fill the heap, however small each is.
import { FairSlots } from '../base/fair-slots.ts';

/** Over all doors: a few large answers are received at a time, of each turn one, and one of them is read. */
export interface LargeAnswerTurns {
  /** Both give the function that ends it; they reject with `Aborted`. */
  receive(turn: string, signal: AbortSignal): Promise<() => void>;
  read(turn: string, signal: AbortSignal): Promise<() => void>;
}

/** Large bodies that are received, or have been and wait to be read. Some, so that one that trickles holds up nobody else. */
const mostReceived = 3;

export function createLargeAnswerTurns(): LargeAnswerTurns {
  const receiving = new FairSlots({ slots: mostReceived, mostEach: 1 });
  const reading = new FairSlots({ slots: 1, mostEach: 1 });
  return {
    receive: (turn, signal) => receiving.acquire(turn, signal),
    read: (turn, signal) => reading.acquire(turn, signal),
  };
}
