// Credentials that Vault made and that are kept for as long as their leases are renewed: the same credential goes on serving,
// where another request would make one more. Bounded in number and bytes; what is forgotten is made anew.

import type { EscValue } from '../../../core/esc/value.ts';

/** A credential, and the lease under which it works. Instants are monotonic ms. */
export interface Lease {
  readonly id: string;
  readonly data: EscValue;
  /** Length of the answer that it came with. */
  readonly bytes: number;
  /** What the lease was given for at first. */
  readonly lifeMs: number;
  readonly endsAtMs: number;
}

const mostLeases = 1_000;
const mostBytes = 4 * 1024 * 1024;
const largestBytes = 64 * 1024;

export class VaultLeases {
  readonly #kept = new Map<string, Lease>();
  #bytes = 0;

  /** The lease of that key, unless it has ended. */
  get(key: string, nowMs: number): Lease | undefined {
    const lease = this.#kept.get(key);
    return lease !== undefined && lease.endsAtMs > nowMs ? lease : undefined;
  }

  /** Keeps the lease as the latest; those that were kept first go when there are too many. */
  keep(key: string, lease: Lease): void {
    this.forget(key);
    if (lease.bytes > largestBytes) return;
    this.#kept.set(key, lease);
    this.#bytes += lease.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostLeases && this.#bytes <= mostBytes) break;
      this.forget(oldest);
    }
  }

  forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
