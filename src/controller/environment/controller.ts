// What the Environment controller watches, and what brings an Environment to a run.
//
//   Environment created/changed ─► spec lane        what it names, or reads, changed ─► drift lane
//   another one names it, or no longer ─► background lane        a revision of it is gone ─► background lane
//   what it publishes was edited or deleted ─► drift lane        time to publish anew ─► periodic lane
import type { Clock } from '../../base/clock.ts';
import type { Workplaces } from '../../core/jobs.ts';
import { environmentWriter, type ObservedTarget, ownerKeyOf } from '../../core/target-plan.ts';
import type { Informer, InformerEvent } from '../../kube/contract.ts';
import type { QueueLoad } from '../../runtime/workqueue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import { KeyIndex } from '../key-index.ts';
import { kinds } from '../kinds.ts';
import { exposeEnds } from '../kit/end-series.ts';
import { newMemory, ObjectController } from '../kit/object-controller.ts';
import { lanes } from '../lanes.ts';
import type { EnvironmentRecord } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import { failedVerdict } from '../report.ts';
import type { EnvironmentMemory, EnvironmentRooms } from './context.ts';
import { publishIntervalOf, publishVersionOf } from './duty.ts';
import { publishHolder } from './publish.ts';
import { reconcileEnvironment } from './reconcile.ts';
import { report } from './report.ts';
import type { PublishTarget } from './targets.ts';

export interface EnvironmentControllerDeps extends Omit<EnvironmentRooms, 'namersOf'> {
  readonly informer: Informer<EnvironmentRecord>;
  readonly controllerClass: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: OperatorMetrics;
  readonly recovery: Recovery;
  readonly workplaces: Workplaces;
}

export class EnvironmentController {
  readonly #deps: EnvironmentControllerDeps;
  readonly #kit: ObjectController<EnvironmentRecord, EnvironmentMemory>;
  /** Which Environments name one, and which has a uid. */
  readonly #byNamed = new KeyIndex();
  readonly #byUid = new KeyIndex();
  /** Which Environments publish to a target: `Kind/namespace/name`. */
  readonly #byTarget = new KeyIndex();
  readonly #unsubscribe: readonly (() => void)[];
  readonly #endReading: () => void;

  constructor(deps: EnvironmentControllerDeps) {
    this.#deps = deps;
    const { clock, log, metrics, recovery, controllerClass, environments, workplaces } = deps;
    const rooms: EnvironmentRooms = { ...deps, namersOf: (key) => this.#byNamed.at(key) };
    this.#kit = new ObjectController(
      {
        kinds: [kinds.Environment],
        kindOf: () => 'Environment',
        find: (key) => environments.get(key),
        isOurs: ({ deleting, controller }) => !deleting && (controller === '' || controller === controllerClass),
        run: (environment, memory, run, signals) => reconcileEnvironment(environment, memory, run, rooms, signals),
        tell: (environment, error, signal) =>
          report(environment, failedVerdict(error.reason, error), undefined, rooms, signal),
        intervalMs: safeInterval,
        groupOf: (key) => key,
        retryLane: lanes.background,
        failureMessage: 'check failed',
      },
      { clock, log, metrics, recovery, workplaces },
    );
    const targets = [deps.secrets, deps.configMaps].filter((target) => target !== undefined);
    this.#unsubscribe = [
      deps.informer.subscribe((event) => this.#onEnvironment(event)),
      ...targets.map((target) => target.informer.subscribe((event) => this.#onTarget(target, event))),
    ];
    for (const { kind, written } of targets)
      written.view.whenUndone((key) => this.#wakeDrifted(this.#byTarget.at(`${kind}/${key}`)));
    for (const sources of [deps.sources, deps.openSources])
      sources.whenChanged((key) => this.#kit.wake(key, { lane: lanes.drift, cause: 'reference' }));
    deps.revisions.whenGone((uid) => this.#wakeAll(this.#byUid.at(uid)));
    const endCounts = metrics.environments.readFrom(() => this.#counts());
    const endEnds = exposeEnds({
      kind: 'Environment',
      clock,
      metrics,
      memories: () => this.#kit.memories(),
      endsAtMs: ({ published }) => published?.endsAtMs,
    });
    this.#endReading = () => {
      endCounts();
      endEnds();
    };
    for (const [key, environment] of deps.informer.entries()) this.#add(key, environment);
  }

  queueLoad(): QueueLoad {
    return this.#kit.queueLoad();
  }

  start(): void {
    this.#kit.start();
  }

  async stop(graceMs: number): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#endReading();
    this.#deps.sources.close();
    this.#deps.openSources.close();
    this.#deps.secrets.owned.close();
    this.#deps.configMaps?.owned.close();
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
    if (isSameLife && before?.generation === after?.generation && before?.deleting === after?.deleting) {
      const isForced =
        before !== undefined && after !== undefined && publishVersionOf(before) !== publishVersionOf(after);
      if (isForced) this.#kit.wake(key, { lane: lanes.spec, cause: 'changed' }, { gently: true });
      return;
    }
    if (before !== undefined) this.#unindex(key, before);
    if (before !== undefined && !isSameLife) this.#deps.revisions.forget(before.uid);
    if (after === undefined || !isSameLife) this.#kit.forget(key);
    if (after === undefined) this.#forget(key);
    else if (before === undefined || !isSameLife) this.#add(key, after);
    else {
      this.#index(key, after);
      this.#kit.wake(key, { lane: lanes.spec, cause: 'changed' });
    }
    this.#deps.sources.environmentChanged(key);
    this.#deps.openSources.environmentChanged(key);
    const { named: former = [] } = before ?? {};
    const { named = [] } = after ?? {};
    this.#wakeAll([
      ...former.filter((name) => !named.includes(name)),
      ...named.filter((name) => !former.includes(name)),
    ]);
  }

  #add(key: string, environment: EnvironmentRecord): void {
    this.#index(key, environment);
    this.#kit.remember(key, { ...newMemory(this.#deps.clock), published: undefined });
    this.#kit.wake(key, { lane: lanes.spec, cause: 'created' });
  }

  #forget(key: string): void {
    this.#deps.sources.forget(key);
    this.#deps.openSources.forget(key);
    this.#deps.evaluation.release(publishHolder(key));
  }

  /** What was written by whoever publishes there, or by somebody that no longer does. */
  #onTarget({ kind }: PublishTarget, { key, after }: InformerEvent<ObservedTarget>): void {
    this.#wakeDrifted(this.#byTarget.at(`${kind}/${key}`));
    const owner = after === undefined ? undefined : ownerKeyOf(after, environmentWriter);
    if (owner !== undefined) this.#wakeDrifted([owner]);
  }

  #index(key: string, environment: EnvironmentRecord): void {
    this.#byUid.add(environment.uid, key);
    for (const name of environment.named) this.#byNamed.add(name, key);
    for (const place of targetsOf(environment)) this.#byTarget.add(place, key);
  }

  #unindex(key: string, environment: EnvironmentRecord): void {
    this.#byUid.remove(environment.uid, key);
    for (const name of environment.named) this.#byNamed.remove(name, key);
    for (const place of targetsOf(environment)) this.#byTarget.remove(place, key);
  }

  #wakeDrifted(keys: Iterable<string>): void {
    for (const key of keys) this.#kit.wake(key, { lane: lanes.drift, cause: 'drift' });
  }

  /** Who names whom, or which revisions there are, is told, and changes nothing else. */
  #wakeAll(keys: Iterable<string>): void {
    for (const key of keys) this.#kit.wake(key, { lane: lanes.background, cause: 'drift' });
  }
}

function targetsOf({ namespace, spec }: EnvironmentRecord): readonly string[] {
  const { secretName, configMapName } = ('ok' in spec ? spec.ok.publish : undefined) ?? {};
  return [
    ...(secretName === undefined ? [] : [`Secret/${namespace}/${secretName}`]),
    ...(configMapName === undefined ? [] : [`ConfigMap/${namespace}/${configMapName}`]),
  ];
}

function safeInterval({ spec }: EnvironmentRecord): number {
  try {
    return 'ok' in spec && spec.ok.publish !== undefined ? publishIntervalOf(spec.ok.publish) : 0;
  } catch {
    return 0; // an interval that does not parse is the failure itself
  }
}
