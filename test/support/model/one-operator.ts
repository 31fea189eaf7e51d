// A model cluster with one namespace and one operator that needs no election, for tests that tell a story of one
// ExternalSecret: names are short, and whatever is asked for or failed is at hand.

import type { StoreRef } from '../../../src/core/selection.ts';
import type { EscProvider } from '../../../src/providers/esc/open/contract.ts';
import type { FakeClock } from '../fake-clock.ts';
import type { Call, Fault } from './api.ts';
import { ModelCluster } from './cluster.ts';
import type { ModelObject } from './kinds.ts';
import type { Replica, ReplicaOptions } from './replica.ts';
import type { ModelUpstream } from './upstream.ts';

const namespace = 'n';

type Change = Omit<ModelObject, 'metadata'> & { readonly labels?: Record<string, string> };

export class OneOperator {
  readonly #cluster: ModelCluster;
  readonly #options: ReplicaOptions;
  #replica: Replica | undefined;

  /** Without chance, which is a number from 0 up to 1 each time, whatever is chosen by it is always the same. */
  constructor({ random, ...options }: ReplicaOptions & { readonly random?: () => number } = {}) {
    this.#options = options;
    this.#cluster = new ModelCluster(random === undefined ? {} : { random });
    this.#cluster.objects.apply({ kind: 'Namespace', metadata: { name: namespace } });
  }

  get clock(): FakeClock {
    return this.#cluster.clock;
  }

  /** Calls for single objects, since the start. */
  get calls(): Call[] {
    return this.#cluster.api.calls;
  }

  get upstream(): ModelUpstream {
    return this.#cluster.upstream;
  }

  get openings(): Map<string, EscProvider> {
    return this.#cluster.openings;
  }

  get faults(): readonly string[] {
    return this.#cluster.faults;
  }

  set fault(fault: (call: Call) => Fault) {
    this.#cluster.api.fault = fault;
  }

  set watchLagMs(lagMs: () => number) {
    this.#cluster.api.watchLagMs = lagMs;
  }

  get(kind: string, name: string): ModelObject | undefined {
    return this.#cluster.objects.get(kind, { namespace, name });
  }

  all(kind: string): ModelObject[] {
    return this.#cluster.objects.all(kind);
  }

  /** Creates, or replaces what is given. */
  apply(kind: string, name: string, { labels, ...parts }: Change): void {
    const marks = labels === undefined ? {} : { labels };
    this.#cluster.objects.apply({ kind, ...parts, metadata: { namespace, name, ...marks } });
  }

  edit(kind: string, name: string, change: (object: ModelObject) => ModelObject): void {
    this.#cluster.objects.edit(kind, { namespace, name }, change);
  }

  remove(kind: string, name: string): void {
    this.#cluster.objects.remove(kind, { namespace, name });
  }

  /** The watches of a kind show nothing until `hear`, which makes them list anew. */
  deafen(kind: string): void {
    this.#cluster.api.deafen(kind);
  }

  hear(kind: string): void {
    this.#cluster.api.hear(kind);
  }

  start(): void {
    this.#replica = this.#cluster.startReplica(this.#options);
  }

  /** As a process that is killed, but for its timers, which end with it. */
  async stop(): Promise<void> {
    const replica = this.#replica;
    this.#replica = undefined;
    replica?.process.kill();
    await this.clock.advance(200);
  }
}

/** The spec of an ExternalSecret that copies `key` of each store to a key named as the store. */
export function specOf(
  stores: readonly string[],
  { target, key = 'k', interval = '1h' }: { target: string; key?: string; interval?: string },
) {
  const [first = ''] = stores;
  const refOf = (name: string): StoreRef => ({ kind: 'SecretStore', name });
  return {
    secretStoreRef: refOf(first),
    refreshInterval: interval,
    target: { name: target },
    data: stores.map((store) => ({ secretKey: store, remoteRef: { key }, sourceRef: { storeRef: refOf(store) } })),
  };
}

/** The spec of a store that holds these values. */
export function storeSpec(values: Readonly<Record<string, string>>) {
  return { provider: { fake: { data: Object.entries(values).map(([key, value]) => ({ key, value })) } } };
}

export function textIn(secret: ModelObject | undefined, key: string): string | undefined {
  const text = secret?.data?.[key];
  return text === undefined ? undefined : Buffer.from(text, 'base64').toString();
}
