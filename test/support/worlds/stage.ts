// Where a world happens: a model cluster, two replicas that one of which leads, and what was wrong with upstreams so far.

import { OperatorError } from '../../../src/base/operator-error.ts';
import type { ObjectName } from '../../../src/kube/types.ts';
import type { Fault } from '../model/api.ts';
import { ModelCluster } from '../model/cluster.ts';
import type { ModelObject } from '../model/kinds.ts';
import type { Replica } from '../model/replica.ts';
import { clusterExternalSecret } from './cluster-wide.ts';
import { base, publications, settings } from './environments.ts';
import { frozenSecret } from './frozen.ts';
import { generatedSecret, generator } from './generated.ts';
import {
  asideSecret,
  environmentStore,
  externalSecret,
  guest,
  home,
  keys,
  library,
  names,
  pulumiStore,
  scopeStore,
  scopeStores,
  scopes,
} from './specs.ts';
import { templatedSecret, templateText, textKinds } from './templated.ts';

/** Until a Deployment has started a process in the place of one that ended. */
const restartAfterMs = 800;
/** A lease runs out within 15 s, and a follower looks every 4 s. */
const takeoverMs = 30_000;

export class Stage {
  readonly cluster: ModelCluster;
  /** Every value that any source ever held, by its key. */
  readonly issued = new Map<string, Set<string>>();
  /** Something was wrong that no watch tells of, so that a failure may stand until the next wave. */
  wasWrong = false;
  /** What somebody did to Secrets by hand, and when. */
  readonly touches: { readonly key: string; readonly atMs: number }[] = [];
  readonly denied = new Set<string>();
  readonly #random: () => number;
  readonly #replicas: Replica[] = [];
  readonly #ending: Promise<void>[] = [];
  #isDown = false;
  #throttledUntilMs = 0;
  #values = 0;

  constructor(random: () => number) {
    this.#random = random;
    this.cluster = new ModelCluster({ random });
    for (const name of [home, library]) this.objects.apply({ kind: 'Namespace', metadata: { name } });
    this.objects.apply({ kind: 'Namespace', metadata: { name: guest, labels: { tier: 'gold' } } });
    for (const scope of scopes) for (const key of keys) this.setValue(scope, key);
    for (const [i, name] of scopeStores.entries()) this.objects.apply(scopeStore(name, scopes[i] ?? 'east'));
    for (const key of keys) this.setValue('pulumi', key);
    const settled = { k: this.newValue('settings', 'k'), l: this.newValue('settings', 'l') };
    for (const object of [
      scopeStore('c', scopes[0], 'ClusterSecretStore'),
      pulumiStore(),
      asideSecret('pulumi', { token: 'good' }),
      environmentStore(),
      settings('imports', settled, publications[1]),
      base(this.newValue('base', 'l'), true),
      generator(),
      generatedSecret(),
      clusterExternalSecret('by label', ['k']),
      ...textKinds.map((kind) => templateText(kind, this.newValue('words', kind))),
      templatedSecret(textKinds),
      frozenSecret(keys),
    ])
      this.objects.apply(object);
    const plain = { creation: 'Owner', deletion: 'Retain', refresh: 'Periodic', keys } as const;
    for (const [i, store] of scopeStores.entries()) {
      const target = names[i] ?? '';
      this.objects.apply(externalSecret(target, { store: { kind: 'SecretStore', name: store }, target, ...plain }));
    }
    this.cluster.upstream.onRead = (scope) => this.#trouble(scope);
    this.#start();
    this.#start();
  }

  get objects() {
    return this.cluster.objects;
  }

  get clock() {
    return this.cluster.clock;
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** A value that was never there before, for a key that is called so. */
  newValue(source: string, key: string): string {
    const value = `${source}-${key}-${++this.#values}`;
    this.issued.set(key, (this.issued.get(key) ?? new Set()).add(value));
    return value;
  }

  setValue(scope: string, key: string): void {
    this.cluster.upstream.set(scope, key, this.newValue(scope, key));
  }

  loseValue(scope: string, key: string): void {
    this.wasWrong = true;
    this.cluster.upstream.set(scope, key, undefined);
  }

  /** The Secret at this share of all that targets may be, if there is any. */
  secretAt(share: number): ModelObject | undefined {
    const secrets = this.objects.all('Secret').filter(({ metadata }) => metadata.labels?.['aside'] === undefined);
    return secrets[Math.floor(share * secrets.length)];
  }

  /** Somebody's hand is on a Secret. */
  touched({ namespace, name }: ObjectName): void {
    this.touches.push({ key: `${namespace}/${name}`, atMs: this.nowMs });
  }

  /** Somebody's hand changes a Secret. */
  touch(share: number, change: (secret: ModelObject) => ModelObject): void {
    const secret = this.secretAt(share);
    if (secret === undefined) return;
    this.touched(secret.metadata);
    this.objects.edit('Secret', secret.metadata, change);
  }

  removeSecret(share: number): void {
    const secret = this.secretAt(share);
    if (secret === undefined) return;
    this.touched(secret.metadata);
    this.objects.remove('Secret', secret.metadata);
  }

  downFor(forMs: number): void {
    this.#isDown = true;
    this.wasWrong = true;
    this.clock.after(forMs, () => {
      this.#isDown = false;
    });
  }

  throttleFor(forMs: number): void {
    this.#throttledUntilMs = this.nowMs + forMs;
    this.wasWrong = true;
  }

  /** Calls that are met by the fault for a time; `share` of them. */
  faultFor(forMs: number, share: number, fault: Fault): void {
    const meets = () => (this.#random() < share ? fault : undefined);
    this.cluster.api.fault = meets;
    this.clock.after(forMs, () => {
      if (this.cluster.api.fault === meets) this.cluster.api.fault = () => undefined;
    });
  }

  breakWatchesFor(forMs: number): void {
    this.cluster.api.breakWatches();
    this.clock.after(forMs, () => this.cluster.api.mendWatches());
  }

  /** The leader ends, or the follower does; another process comes in its place. */
  end(who: 'leader' | 'follower', how: 'stop' | 'kill'): void {
    const at = this.#replicas.findIndex((replica) => replica.isLeader() === (who === 'leader'));
    const replica = this.#replicas[at];
    if (replica === undefined) return;
    this.#replicas.splice(at, 1);
    if (how === 'kill') replica.process.kill();
    else this.#ending.push(replica.stop());
    this.clock.after(restartAfterMs, () => this.#start());
  }

  /** The leader hangs, as on a machine that swaps, and goes on as if nothing had happened. */
  freezeLeader(forMs: number): void {
    const leader = this.#replicas.find((replica) => replica.isLeader());
    leader?.process.freeze();
    this.clock.after(forMs, () => leader?.process.thaw());
  }

  /** All that is wrong from outside ends, and somebody leads. */
  async calm(): Promise<void> {
    this.#isDown = false;
    this.#throttledUntilMs = 0;
    this.cluster.pulumi.fault = 'none';
    this.cluster.api.fault = () => undefined;
    this.cluster.api.mendWatches();
    for (const { process } of this.#replicas) process.thaw();
    for (let passedMs = 0; passedMs < takeoverMs && !this.#isLed(); passedMs += 500) await this.pass(500);
    if (!this.#isLed()) this.cluster.faults.push('nobody leads');
  }

  async pass(byMs: number): Promise<void> {
    await this.clock.advance(byMs);
  }

  close(): void {
    for (const { process } of this.#replicas) process.kill();
  }

  #isLed(): boolean {
    return this.#replicas.length === 2 && this.#replicas.some((replica) => replica.isLeader());
  }

  #start(): void {
    this.#replicas.push(
      this.cluster.startReplica({ election: true, events: true, clusterExternalSecrets: true, environments: true }),
    );
  }

  #trouble(scope: string): void {
    if (this.#isDown) throw new OperatorError('UpstreamUnavailable', 'the upstream does not answer');
    const leftMs = this.#throttledUntilMs - this.nowMs;
    if (leftMs > 0) throw new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: leftMs });
    if (this.denied.has(scope)) throw new OperatorError('AccessDenied', `no right to read ${scope}`);
  }
}
