// The way to one origin: a gate for each group of requests that fail together (an API root and an identity), and the slots
// that bound how many requests are under way at a time. Slots go round over the turns of those who wait, and none takes all:
// what one tenant's stores do on a host is never what another's wait for. Waiting for a slot costs no deadline; when a gate
// closes meanwhile, those who wait learn it as they reach their slot.
import { FairSlots } from '../base/fair-slots.ts';
import type { DoorClock } from './contract.ts';
import { HostGate, type Pass } from './host-gate.ts';

/** Share of the slots that one turn may hold. */
const mostOfSlots = 0.75;
/** Bound on remembered gates; the oldest that nobody uses is forgotten, and opens. */
const mostGates = 1_024;

/** Whose a request is. */
export interface LaneKey {
  /** What fails and recovers together. */
  readonly group: string;
  /** Who takes turns with others, such as a namespace; '' is nobody, and may have every slot. */
  readonly turn: string;
  /** What is asked for: method, path and query. */
  readonly target: string;
}

interface Door {
  readonly gate: HostGate;
  users: number;
}

export class Lane {
  readonly #clock: DoorClock;
  readonly #onChange: (isUp: boolean) => void;
  readonly #gates = new Map<string, Door>();
  readonly #slots: FairSlots;
  #users = 0;
  #closedGates = 0;

  constructor(options: {
    readonly clock: DoorClock;
    readonly slots: number;
    /** Told when the first gate closes, and when the last one is open again. */
    readonly onChange: (isUp: boolean) => void;
  }) {
    this.#clock = options.clock;
    this.#onChange = options.onChange;
    this.#slots = new FairSlots({ slots: options.slots, mostEach: Math.ceil(options.slots * mostOfSlots) });
  }

  /** True when nobody uses it and no gate remembers anything. */
  get isIdle(): boolean {
    return this.#users === 0 && this.#gates.size === 0;
  }

  get isUsed(): boolean {
    return this.#users > 0;
  }

  /** Runs `task` in a slot with the gate's leave. Throws `UpstreamUnavailable` when the gate is closed, `Aborted`. */
  async run<T>({ group, turn, target }: LaneKey, signal: AbortSignal, task: (pass: Pass) => Promise<T>): Promise<T> {
    const door = this.#doorFor(group);
    this.#users += 1;
    door.users += 1;
    try {
      door.gate.check(); // Fail at once, also while slow requests hold all slots.
      const giveBack = await this.#slots.acquire(turn, signal);
      try {
        return await task(door.gate.enter(target));
      } finally {
        giveBack();
      }
    } finally {
      this.#users -= 1;
      door.users -= 1;
      if (door.users === 0 && door.gate.isPristine && this.#gates.get(group) === door) this.#gates.delete(group);
    }
  }

  #doorFor(group: string): Door {
    const known = this.#gates.get(group);
    if (known !== undefined) return known;
    const gate = new HostGate(this.#clock, (isUp) => this.#noteChange(isUp));
    const door: Door = { gate, users: 0 };
    this.#gates.set(group, door);
    if (this.#gates.size > mostGates) this.#forgetOne();
    return door;
  }

  #forgetOne(): void {
    for (const [group, { gate, users }] of this.#gates) {
      if (users > 0) continue;
      this.#gates.delete(group);
      if (gate.isClosed) this.#noteChange(true);
      return;
    }
  }

  #noteChange(isUp: boolean): void {
    this.#closedGates += isUp ? -1 : 1;
    if (this.#closedGates === (isUp ? 0 : 1)) this.#onChange(isUp);
  }
}
