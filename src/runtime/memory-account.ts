// How many bytes of foreign data the process holds, in one sum: what is kept to be used again, and what is just being
// received. Where that would be more than the bound, what is kept goes first: the large and long unused before the small and
// fresh, whoever keeps it. Counts only; who holds the data says how much it is.
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../base/clock.ts';

/** Something that is kept, and can be let go. */
interface Kept {
  readonly bytes: number;
  readonly evict: () => void;
  usedAtMs: number;
}

/** The holder's hand on what it keeps. */
export interface Keeping {
  /** It was used just now. */
  use(): void;
  /** It is kept no longer. */
  drop(): void;
}

/** Eviction goes below the bound by this share, so that it is not done for each answer anew. */
const roomAfterEviction = 0.1;
/** An answer may be this share of all: with the image's heap a folder of some 5,000 secrets. */
const answerShare = 0.125;
/** Adds to the age, so that of what was used just now the largest goes. */
const leastAgeMs = 1_000;

/**
 * What may be held of the heap. The rest is for the caches, for an answer while it is read (several times its size), and for
 * garbage; and the container has to hold a thread for heavy work besides, to which values are copied.
 */
const heapShare = 1 / 6;

/**
 * What V8's limit may have besides the space of old objects: three halves of a new space of 64 MiB, which `runtime/heap.ts`
 * keeps far smaller. In a small container V8 leaves it out, and the limit is the space of old objects.
 */
const newSpaceBytes = 192 * 2 ** 20;
const smallLimitBytes = 256 * 2 ** 20;

/** An account for this process, whose bound follows from the heap that it was given (`--max-old-space-size`). */
export function heapAccount(clock: Clock): MemoryAccount {
  const limitBytes = getHeapStatistics().heap_size_limit;
  const oldSpaceBytes =
    limitBytes <= smallLimitBytes ? limitBytes : Math.max(limitBytes - newSpaceBytes, smallLimitBytes / 2);
  return new MemoryAccount({ clock, mostBytes: heldMostBytes(oldSpaceBytes) });
}

/** What may be held by a process with this space of old objects, in bytes. */
export function heldMostBytes(oldSpaceBytes: number): number {
  return Math.floor(oldSpaceBytes * heapShare);
}

export class MemoryAccount {
  readonly #clock: Clock;
  readonly #mostBytes: number;
  readonly #kept = new Set<Kept>();
  #keptBytes = 0;
  #flyingBytes = 0;

  constructor({ clock, mostBytes }: { readonly clock: Clock; readonly mostBytes: number }) {
    this.#clock = clock;
    this.#mostBytes = mostBytes;
  }

  /** Largest single answer. */
  get answerMostBytes(): number {
    return Math.floor(this.#mostBytes * answerShare);
  }

  /** Bytes that are kept and in flight. */
  get heldBytes(): number {
    return this.#keptBytes + this.#flyingBytes;
  }

  /** `evict` is called at most once, when others need the room; not for what was dropped. */
  keep(bytes: number, evict: () => void): Keeping {
    const kept: Kept = { bytes, evict, usedAtMs: this.#clock.monotonicMs() };
    this.#kept.add(kept);
    this.#keptBytes += bytes;
    this.#makeRoom();
    const use = () => {
      kept.usedAtMs = this.#clock.monotonicMs();
    };
    return { use, drop: () => void this.#remove(kept) };
  }

  /** Counts bytes that were received, or with a negative number given back; false, and not counted, without room for them. */
  fly(bytes: number): boolean {
    if (bytes > 0 && this.#flyingBytes + bytes > this.#mostBytes) return false;
    this.#flyingBytes += bytes;
    this.#makeRoom();
    return true;
  }

  #makeRoom(): void {
    if (this.heldBytes <= this.#mostBytes) return;
    const nowMs = this.#clock.monotonicMs();
    const weightOf = ({ bytes, usedAtMs }: Kept) => bytes * (nowMs - usedAtMs + leastAgeMs);
    const heaviestFirst = [...this.#kept].sort((left, right) => weightOf(right) - weightOf(left));
    for (const kept of heaviestFirst) {
      if (this.heldBytes <= this.#mostBytes * (1 - roomAfterEviction)) return;
      if (this.#remove(kept)) kept.evict();
    }
  }

  #remove(kept: Kept): boolean {
    if (!this.#kept.delete(kept)) return false;
    this.#keptBytes -= kept.bytes;
    return true;
  }
}
