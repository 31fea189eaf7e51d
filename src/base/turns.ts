// Turns of the event loop for long work that cannot be given away: whoever works in slices waits here between two of them.
// One waiter goes on per turn, however many there are, so that together they hold the loop no longer than one slice.
import { nextTurn } from './clock.ts';

/** Resolves in a turn of the loop that is nobody else's; first come, first served. */
export type OwnTurn = () => Promise<void>;

let last: Promise<void> = Promise.resolve();

export const ownTurn: OwnTurn = () => {
  last = last.then(nextTurn);
  return last;
};
