// Slots that are handed out in turns: of many who wait, each turn (such as a namespace) gets the next one in order, and none
// may hold all of them. What one tenant does is never what another's work waits for.
import { aborted } from './operator-error.ts';

export interface FairSlotsOptions {
  readonly slots: number;
  /** What one turn may hold; '' is nobody's turn, and may hold every slot. */
  readonly mostEach: number;
}

export class FairSlots {
  readonly #mostEach: number;
  /** Who waits, by turn; the first turn in order is the next. */
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #held = new Map<string, number>();
  #free: number;

  constructor({ slots, mostEach }: FairSlotsOptions) {
    this.#free = slots;
    this.#mostEach = mostEach;
  }

  /** Resolves with the function that gives the slot back, to be called once. Rejects with `Aborted`, and takes none then. */
  acquire(turn: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(aborted());
      if (this.#free > 0 && this.#mayHoldMore(turn)) {
        this.#take(turn);
        return resolve(() => this.#release(turn));
      }
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve(() => this.#release(turn));
      };
      const onAbort = () => {
        this.#leaveQueue(turn, onTurn);
        reject(aborted());
      };
      this.#waiting.set(turn, (this.#waiting.get(turn) ?? new Set()).add(onTurn));
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #heldBy(turn: string): number {
    return this.#held.get(turn) ?? 0;
  }

  #mayHoldMore(turn: string): boolean {
    return turn === '' || this.#heldBy(turn) < this.#mostEach;
  }

  #take(turn: string): void {
    this.#free -= 1;
    this.#held.set(turn, this.#heldBy(turn) + 1);
  }

  #leaveQueue(turn: string, onTurn: () => void): void {
    const queue = this.#waiting.get(turn);
    queue?.delete(onTurn);
    if (queue?.size === 0) this.#waiting.delete(turn);
  }

  /** Puts the slot back and hands it to the next turn that may have one, to the one there that waits longest. */
  #release(turn: string): void {
    this.#free += 1;
    const left = this.#heldBy(turn) - 1;
    if (left === 0) this.#held.delete(turn);
    else this.#held.set(turn, left);
    for (const [next, queue] of this.#waiting) {
      const [onTurn] = queue;
      if (onTurn === undefined || !this.#mayHoldMore(next)) continue;
      this.#waiting.delete(next);
      queue.delete(onTurn);
      if (queue.size > 0) this.#waiting.set(next, queue); // behind all others
      this.#take(next);
      onTurn();
      return;
    }
  }
}
