// What one turn (a namespace, or a cluster store) may have at upstream hosts, over all doors: how many hosts it asks, and how
// many requests of its are under way, each of which holds a socket. A host counts while it is asked, and some time after.
import { FairSlots } from '../base/fair-slots.ts';
import { OperatorError } from '../base/operator-error.ts';
import { type ShareCounts, Shares } from '../base/shares.ts';
import type { DoorClock } from './contract.ts';

export interface TenantBounds {
  /** The turn asks the host. Throws QuotaExceeded when it asks as many others as it may. */
  ask(turn: string, host: string): void;
  /** Leave to send; gives the function that ends it. Rejects with `Aborted`. */
  send(turn: string, signal: AbortSignal): Promise<() => void>;
  readonly hosts: ShareCounts;
  readonly requests: ShareCounts;
}

/** Infinity for no bound. */
export interface TenantLimits {
  readonly hosts: number;
  readonly requests: number;
}

/** A host that was not asked for this long counts no more: its connections are closed, and what is known of it is forgotten. */
const idleMs = 600_000;
/** Requests of all together, as a multiple of what one turn may have. */
const turnsAtOnce = 8;

/** Turns of '' are nobody's, and not bounded. */
export function createTenantBounds(clock: DoorClock, limits: TenantLimits): TenantBounds {
  const hosts = new Shares(limits.hosts);
  const requests = new Shares(limits.requests);
  const slots = new FairSlots({ slots: limits.requests * turnsAtOnce, mostEach: limits.requests });
  /** When each host was last asked, by turn. */
  const askedAtMs = new Map<string, Map<string, number>>();
  const forgetIdle = (turn: string, asked: Map<string, number>) => {
    for (const [host, atMs] of asked) {
      if (clock.monotonicMs() - atMs < idleMs) continue;
      asked.delete(host);
      hosts.remove(turn);
    }
    if (asked.size === 0) askedAtMs.delete(turn);
  };
  return {
    ask(turn, host) {
      if (turn === '') return;
      const asked = askedAtMs.get(turn) ?? new Map<string, number>();
      if (!asked.has(host)) {
        if (hosts.isFull(turn)) forgetIdle(turn, asked);
        if (hosts.isFull(turn)) throw tooManyHosts(turn, limits.hosts);
        hosts.add(turn);
      }
      asked.set(host, clock.monotonicMs());
      askedAtMs.set(turn, asked);
    },
    async send(turn, signal) {
      if (turn === '') return () => {};
      const giveBack = await slots.acquire(turn, signal);
      requests.add(turn);
      return () => {
        requests.remove(turn);
        giveBack();
      };
    },
    get hosts() {
      for (const [turn, asked] of askedAtMs) forgetIdle(turn, asked);
      return hosts.counts;
    },
    get requests() {
      return requests.counts;
    },
  };
}

function tooManyHosts(turn: string, most: number): OperatorError {
  const problem = `more than ${most} upstream hosts are asked for it (--hosts-per-namespace)`;
  return new OperatorError('QuotaExceeded', `${turn}: ${problem}`);
}
