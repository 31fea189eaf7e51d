// What the Environment controller watches, and what brings an Environment to a run.
//
//   Environment created/changed ─► spec lane        what it names, or reads, changed ─► drift lane
//   another one names it, or no longer ─► background lane        a revision of it is gone ─► background lane
import type { Clock } from '../../base/clock.ts';
import type { Informer, InformerEvent } from '../../kube/contract.ts';
import type { QueueLoad } from '../../runtime/workqueue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import { KeyIndex } from '../key-index.ts';
import { kinds } from '../kinds.ts';
import { type Memory, newMemory, ObjectController } from '../kit/object-controller.ts';
import { lanes } from '../lanes.ts';
import type { EnvironmentRecord } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import type { EnvironmentRooms } from './context.ts';
import { reconcileEnvironment } from './reconcile.ts';

export interface EnvironmentControllerDeps extends Omit<EnvironmentRooms, 'namersOf'> {
  readonly informer: Informer<EnvironmentRecord>;
  readonly controllerClass: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: OperatorMetrics;
  readonly recovery: Recovery;
}

export class EnvironmentController {
  readonly #deps: EnvironmentControllerDeps;
  readonly #kit: ObjectController<EnvironmentRecord, Memory>;
  /** Which Environments name one, and which has a uid. */
  readonly #byNamed = new KeyIndex();
  readonly #byUid = new KeyIndex();
  readonly #unsubscribe: () => void;
  readonly #endReading: () => void;

  constructor(deps: EnvironmentControllerDeps) {
    this.#deps = deps;
    const { clock, log, metrics, recovery, controllerClass, environments } = deps;
    const rooms: EnvironmentRooms = { ...deps, namersOf: (key) => this.#byNamed.at(key) };
    this.#kit = new ObjectController(
      {
        kinds: [kinds.Environment],
        kindOf: () => 'Environment',
        find: (key) => environments.get(key),
        isOurs: ({ deleting, controller }) => !deleting && (controller === '' || controller === controllerClass),
        run: (environment, memory, _, signals) => reconcileEnvironment(environment, memory, rooms, signals),
        intervalMs: () => 0,
        groupOf: (key) => key,
        retryLane: lanes.background,
        failureMessage: 'check failed',
      },
      { clock, log, metrics, recovery },
    );
    this.#unsubscribe = deps.informer.subscribe((event) => this.#onEnvironment(event));
    deps.sources.whenChanged((key) => this.#kit.wake(key, { lane: lanes.drift, cause: 'reference' }));
    deps.revisions.whenGone((uid) => this.#wakeAll(this.#byUid.at(uid)));
    this.#endReading = metrics.environments.readFrom(() => this.#counts());
    for (const [key, environment] of deps.informer.entries()) this.#add(key, environment);
  }

  queueLoad(): QueueLoad {
    return this.#kit.queueLoad();
  }

  start(): void {
    this.#kit.start();
  }

  async stop(graceMs: number): Promise<void> {
    this.#unsubscribe();
    this.#endReading();
    this.#deps.sources.close();
    this.#deps.revisions.close();
    await this.#kit.stop(graceMs);
  }

  #counts(): Iterable<readonly [{ readonly ready: string }, number]> {
    const counts = { True: 0, False: 0, Unknown: 0 };
    for (const key of this.#kit.keys()) {
      const ready = this.#deps.environments.get(key)?.status.conditions?.find(({ type }) => type === 'Ready')?.status;
      counts[ready === 'True' || ready === 'False' ? ready : 'Unknown']++;
    }
    return Object.entries(counts).map(([ready, count]) => [{ ready }, count] as const);
  }

  #onEnvironment({ key, before, after }: InformerEvent<EnvironmentRecord>): void {
    const isSameLife = before?.uid === after?.uid;
    if (isSameLife && before?.generation === after?.generation && before?.deleting === after?.deleting) return;
    if (before !== undefined) this.#unindex(key, before);
    if (before !== undefined && !isSameLife) this.#deps.revisions.forget(before.uid);
    if (after === undefined || !isSameLife) this.#kit.forget(key);
    if (after === undefined) this.#deps.sources.forget(key);
    else if (before === undefined || !isSameLife) this.#add(key, after);
    else {
      this.#index(key, after);
      this.#kit.wake(key, { lane: lanes.spec, cause: 'changed' });
    }
    this.#deps.sources.environmentChanged(key);
    const { named: former = [] } = before ?? {};
    const { named = [] } = after ?? {};
    this.#wakeAll([
      ...former.filter((name) => !named.includes(name)),
      ...named.filter((name) => !former.includes(name)),
    ]);
  }

  #add(key: string, environment: EnvironmentRecord): void {
    this.#index(key, environment);
    this.#kit.remember(key, newMemory(this.#deps.clock));
    this.#kit.wake(key, { lane: lanes.spec, cause: 'created' });
  }

  #index(key: string, { named, uid }: EnvironmentRecord): void {
    this.#byUid.add(uid, key);
    for (const name of named) this.#byNamed.add(name, key);
  }

  #unindex(key: string, { named, uid }: EnvironmentRecord): void {
    this.#byUid.remove(uid, key);
    for (const name of named) this.#byNamed.remove(name, key);
  }

  /** Who names whom, or which revisions there are, is told, and changes nothing else. */
  #wakeAll(keys: Iterable<string>): void {
    for (const key of [...keys]) this.#kit.wake(key, { lane: lanes.background, cause: 'drift' });
  }
}
