// What the ExternalSecret controller watches, how events become requests, and when an object in step runs next.
//
//   ExternalSecret created/changed ─► spec lane        target edited/deleted ─► drift lane
//   store changed, reference repaired ─► drift lane    wave due ─► periodic lane    upstream back ─► drift lane
//   a scope in which something was missing was read anew ─► drift lane, content with what was read

import { asOperatorError } from '../../base/operator-error.ts';
import type { Slots } from '../../base/slots.ts';
import type { Outcome } from '../../core/outcome.ts';
import { isOrphanOf, type ObservedTarget, ownerKeyOf, sameTexts } from '../../core/target-plan.ts';
import { endings } from '../../core/target-policy.ts';
import type { Informer, InformerEvent } from '../../kube/contract.ts';
import type { NextRun } from '../../runtime/worker.ts';
import type { QueueLoad } from '../../runtime/workqueue.ts';
import { KeyIndex } from '../key-index.ts';
import { kinds } from '../kinds.ts';
import { exposeEnds } from '../kit/end-series.ts';
import { type Ended, newMemory, ObjectController, type Run, type Signals } from '../kit/object-controller.ts';
import type { Silence } from '../kit/silence.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { ExternalSecretRecord, StoreRecord } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import { type StoreChange, storeKeysOf } from '../stores/directory.ts';
import { manifestOf, secretSource, targetKey } from './apply.ts';
import { ContentFailures } from './content-failures.ts';
import type { EsMemory, Rooms } from './context.ts';
import { intervalOf, refreshPolicyOf, untilNextRefreshMs } from './duty.ts';
import { judgeTarget, observedTarget, renewAtOf } from './present.ts';
import { connectFirst } from './read.ts';
import { reconcileExternalSecret, releaseDeleted, tellSilence, tellWaiting } from './reconcile.ts';
import { reportStranger } from './report.ts';

/** Tells of scopes that were read anew, by a fetch that began at `startedAtMs` (monotonic). */
export interface ScopeNews {
  subscribe(listener: (scope: string, startedAtMs: number) => void): () => void;
}

export interface ControllerInputs {
  readonly externalSecrets: Informer<ExternalSecretRecord>;
  readonly targets: Informer<ObservedTarget>;
  readonly recovery: Recovery;
  readonly news: ScopeNews;
  readonly slots: Slots;
  /** Monotonic ms since which this replica works: what was there before is due since then. */
  readonly startedMs: number;
}

/**
 * Runs that wait for a write slot: enough to keep every slot busy, and no more memory than that needs. Each holds what it
 * read; of 4,000 first syncs a fifth less outlives its collection of new objects than with 64.
 */
const longestWriteQueue = 16;
/** How long the controller that serves a foreign provider has to say something about an object. */
const othersGraceMs = 60_000;
/** Whoever makes a Secret of somebody else often changes it at once; and one that changes all the time costs a run a second. */
const foreignSettleMs = 1_000;
/** How long a store that is gone is waited for before anybody says so: whoever replaces one deletes it first. */
const storeGraceMs = 1_000;

export class ExternalSecretController {
  readonly #rooms: Rooms;
  readonly #inputs: ControllerInputs;
  readonly #kit: ObjectController<ExternalSecretRecord, EsMemory>;
  /** Which ExternalSecrets name a store, and which write a target. */
  readonly #byStore = new KeyIndex();
  readonly #byTarget: KeyIndex;
  /** Those whose last run met another writer of their target: its end is what they wait for. */
  readonly #conflicted = new Set<string>();
  readonly #contentFailures: ContentFailures;
  readonly #unsubscribe: readonly (() => void)[];

  constructor(rooms: Rooms, inputs: ControllerInputs) {
    this.#rooms = rooms;
    this.#inputs = inputs;
    this.#byTarget = rooms.writers;
    const { clock, log, metrics, connections, workplaces } = rooms;
    const { recovery, slots } = inputs;
    this.#contentFailures = new ContentFailures(clock, (key) => this.#wake(key, lanes.drift, 'recovered'));
    this.#kit = new ObjectController(
      {
        kinds: [kinds.ExternalSecret],
        kindOf: () => 'ExternalSecret',
        find: (key) => rooms.externalSecrets.get(key),
        isOurs: (es) => connections.isOurs(es.stores, es.namespace),
        run: (es, memory, run, signals) => this.#run(es, memory, run, signals),
        tell: (es, error, signal) => tellWaiting(es, error, rooms, signal),
        intervalMs: safeInterval,
        groupOf: (_, es) => es.stores.map(({ kind, name }) => `${kind}/${name}`).join() + es.namespace,
        retryLane: lanes.periodic,
        failureMessage: 'sync failed',
      },
      { clock, log, metrics, recovery, workplaces, hasRoom: (lane) => slots.waitingUpTo(lane) < longestWriteQueue },
    );
    this.#unsubscribe = [
      inputs.externalSecrets.subscribe((event) => this.#onExternalSecret(event)),
      inputs.targets.subscribe((event) => this.#onTarget(event)),
      rooms.stores.subscribe((change, key) => this.#onStore(change, key)),
      inputs.news.subscribe((scope, startedAtMs) => this.#onScope(scope, startedAtMs)),
      exposeEnds({
        kind: 'ExternalSecret',
        clock,
        metrics,
        memories: () => this.#kit.memories(),
        endsAtMs: (memory) => memory.endsAtMs,
      }),
    ];
    rooms.targets.whenUndone((key) => this.#wakeWriters(key, undefined));
    rooms.manifests.whenChanged((key) => this.#wakeUnlessAsWanted(key));
    rooms.foreign.whenChanged((key) =>
      this.#kit.wakeAfter(key, foreignSettleMs, { lane: lanes.drift, cause: 'drift' }),
    );
    rooms.templates.whenChanged((key) => this.#wake(key, lanes.drift, 'reference'));
    connections.whenDropped((store) => this.#wakeAll(store, 'reference'));
    rooms.generators.whenChanged((key) => this.#wake(key, lanes.drift, 'reference'));
    for (const [key, es] of inputs.externalSecrets.entries()) this.#add(key, es);
  }

  queueLoad(): QueueLoad {
    return this.#kit.queueLoad();
  }

  start(): void {
    this.#kit.start();
  }

  async stop(graceMs: number): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#rooms.owned.close();
    this.#rooms.templates.close();
    this.#rooms.manifests.close();
    this.#rooms.foreign.close();
    this.#contentFailures.stop();
    await this.#kit.stop(graceMs);
  }

  /** The labels of a namespace changed: cluster stores may open or close to it. */
  namespaceChanged(namespace: string): void {
    this.#rooms.stores.namespaceChanged(namespace);
    for (const key of this.#kit.keys()) {
      if (!key.startsWith(`${namespace}/`)) continue;
      const stores = this.#inputs.externalSecrets.get(key)?.stores ?? [];
      if (stores.some(({ kind }) => kind === 'ClusterSecretStore')) this.#wake(key, lanes.drift, 'store');
    }
  }

  #onExternalSecret({ key, before, after }: InformerEvent<ExternalSecretRecord>): void {
    // Records of one generation share what they refer to.
    const isElsewhere = before?.stores !== after?.stores || before?.targetName !== after?.targetName;
    if (before !== undefined && isElsewhere) this.#unindex(key, before);
    if (before?.generation !== after?.generation || before?.uid !== after?.uid) this.#rooms.generators.release(key);
    if (after === undefined || manifestOf(after) === undefined) this.#rooms.manifests.forget(key);
    if (after === undefined) {
      this.#forget(key);
      this.#rooms.templates.forget(key);
      if (before !== undefined) this.#wakeRivals(key, before);
      return;
    }
    if (before === undefined || before.uid !== after.uid) {
      if (before !== undefined) this.#forget(key);
      this.#add(key, after);
      return;
    }
    if (isElsewhere) this.#index(key, after);
    if (after.deleting !== before.deleting || after.generation !== before.generation) this.#wakeRivals(key, before);
    if (after.deleting !== before.deleting) this.#wake(key, lanes.deletion, 'deleted');
    else if (after.generation !== before.generation) this.#wake(key, lanes.spec, 'changed');
    // Marks do not end a run that waits for its sources: under a flood of them no run would ever come to its end.
    else if (!isSame(before, after)) this.#kit.wake(key, { lane: lanes.spec, cause: 'changed' }, { gently: true });
  }

  #add(key: string, es: ExternalSecretRecord): void {
    const { clock } = this.#rooms;
    this.#index(key, es);
    this.#kit.remember(key, {
      ...newMemory(clock),
      nextDueMs: undefined,
      phaseKey: undefined,
      readStores: undefined,
      readTexts: undefined,
      failedOrigin: '',
    });
    // What was there before this replica began has been due since then: one fetch that started later serves it all.
    const isSynced = (es.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
    const dueAtMs = this.#kit.isStarted ? clock.monotonicMs() : this.#inputs.startedMs;
    this.#kit.wake(key, { lane: isSynced ? lanes.background : lanes.spec, cause: 'created', dueAtMs });
  }

  #onTarget({ key, after, before }: InformerEvent<ObservedTarget>): void {
    if (after === undefined && before === undefined) return;
    this.#wakeWriters(key, after);
    const owner = after === undefined ? undefined : ownerKeyOf(after);
    const es = owner === undefined ? undefined : this.#inputs.externalSecrets.get(owner);
    if (owner !== undefined && es !== undefined && after !== undefined && isOrphanOf(secretSource(es), after))
      this.#wake(owner, lanes.drift, 'drift');
  }

  #wakeWriters(target: string, present: ObservedTarget | undefined): void {
    for (const es of this.#byTarget.at(target))
      if (this.#conflicted.has(es) || !this.#isAsWanted(es, () => present)) this.#wake(es, lanes.drift, 'drift');
  }

  /** The ExternalSecret is gone or was edited: whoever it kept from writing its target looks again. */
  #wakeRivals(key: string, es: ExternalSecretRecord): void {
    for (const rival of this.#byTarget.at(targetPlace(key, es)))
      if (rival !== key && this.#conflicted.has(rival)) this.#wake(rival, lanes.drift, 'reference');
  }

  /** Its target, of another kind than Secret, came, changed or went. */
  #wakeUnlessAsWanted(key: string): void {
    if (!this.#isAsWanted(key, (es) => observedTarget(es, this.#rooms))) this.#wake(key, lanes.drift, 'drift');
  }

  #isAsWanted(key: string, targetOf: (es: ExternalSecretRecord) => ObservedTarget | undefined): boolean {
    const es = this.#inputs.externalSecrets.get(key);
    return es !== undefined && 'ok' in es.spec && judgeTarget(es, es.spec.ok, targetOf(es)).isTargetValid;
  }

  #onStore(change: StoreChange, store: string): void {
    if (change !== 'gone') {
      this.#wakeAll(store, 'store');
      return;
    }
    for (const es of this.#byStore.at(store))
      this.#kit.wakeAfter(es, storeGraceMs, { lane: lanes.drift, cause: 'store' });
  }

  #onScope(scope: string, startedAtMs: number): void {
    for (const key of this.#contentFailures.awaiting(scope))
      this.#kit.wake(key, { lane: lanes.drift, cause: 'answered', dueAtMs: startedAtMs });
  }

  /** Whoever names the store looks whether it is owed anything. */
  #wakeAll(store: string, cause: Cause): void {
    for (const es of this.#byStore.at(store)) this.#wake(es, lanes.drift, cause);
  }

  #wake(key: string, lane: number, cause: Cause): void {
    this.#kit.wake(key, { lane, cause });
  }

  async #run(es: ExternalSecretRecord, memory: EsMemory, run: Run, signals: Signals): Promise<Ended> {
    const key = `${es.namespace}/${es.name}`;
    this.#contentFailures.noteRun(key);
    if (es.deleting) return await this.#release(es, signals.write);
    const stranger = this.#rooms.connections.strangerAmong(es.stores, es.namespace);
    if (stranger !== undefined) return await this.#waitForOthers(es, memory, stranger, signals.write);
    const { silence } = memory;
    const isOverOnly = silence !== undefined && run.causes.every((cause) => cause === ('silent' satisfies Cause));
    const isOver = isOverOnly && this.#rooms.clock.monotonicMs() >= silence.patientUntilMs - 1;
    const outcome = isOver
      ? (await tellSilence(es, silence, memory, this.#rooms, signals)).outcome
      : await reconcileExternalSecret(es, memory, run, this.#rooms, signals);
    if (outcome.kind === 'grace') return outcome;
    if (this.#kit.isRemembered(key, memory)) this.#followForeign(key, es, outcome);
    if (outcome.kind !== 'idle') this.#rooms.generators.settle(key, 'error' in outcome ? outcome.error : undefined);
    if (outcome.kind === 'failed' && outcome.error.reason === 'TargetConflict') this.#conflicted.add(key);
    else if (outcome.kind !== 'failed' || outcome.error.reason !== 'Conflict') this.#conflicted.delete(key);
    if (outcome.kind === 'failed') {
      if (this.#kit.isRemembered(key, memory)) this.#contentFailures.noteFailure(key, memory, outcome.error);
      if (memory.silence !== undefined) this.#endSilenceInTime(key, memory.silence);
      return { ...outcome, origin: memory.failedOrigin, endsAtMs: memory.endsAtMs };
    }
    const isSynced = outcome.kind === 'synced';
    this.#contentFailures.noteEnd(key, memory, { isSynced });
    const { metrics, clock } = this.#rooms;
    if (isSynced) metrics.lastCheck.set({}, clock.nowMs() / 1000);
    const isRefreshed = isSynced && outcome.kept !== 'told';
    return { kind: outcome.kind, next: await this.#nextWave(es, memory, isRefreshed, signals.wait) };
  }

  /** Whether the object waits for, or is refused because of, a target that no cache knows. */
  #followForeign(key: string, es: ExternalSecretRecord, outcome: Exclude<Outcome, { kind: 'grace' }>): void {
    if (outcome.kind === 'failed' && outcome.error.reason !== 'TargetConflict') return;
    const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
    const reason = outcome.kind === 'synced' ? outcome.reason : ready?.reason;
    const isRefused = outcome.kind === 'failed';
    const isAwaited = !isRefused && reason === endings.missing.reason;
    const isForeign = manifestOf(es) === undefined && this.#rooms.targets.get(targetKey(es)) === undefined;
    if (isForeign && (isRefused || isAwaited)) this.#rooms.foreign.follow(es, { isThere: isRefused });
    else this.#rooms.foreign.release(key);
  }

  /** Another controller is to serve the object. When nobody has said anything about it for a minute, we say who is missing. */
  async #waitForOthers(
    es: ExternalSecretRecord,
    memory: EsMemory,
    stranger: StoreRecord,
    signal: AbortSignal,
  ): Promise<Ended> {
    if ((es.status.conditions ?? []).length > 0) return { kind: 'idle', next: undefined };
    const leftMs = memory.firstSeenMs + othersGraceMs - this.#rooms.clock.monotonicMs();
    if (leftMs > 0) return { kind: 'grace', leftMs };
    try {
      await this.#rooms.writer.inTurn(lanes.background, signal, () =>
        reportStranger(es, stranger, this.#rooms, signal),
      );
      return { kind: 'idle', next: undefined };
    } catch (thrown) {
      return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
    }
  }

  #endSilenceInTime(key: string, { patientUntilMs }: Silence): void {
    const leftMs = Math.max(0, patientUntilMs - this.#rooms.clock.monotonicMs());
    this.#kit.wakeAfter(key, leftMs, { lane: lanes.drift, cause: 'silent' });
  }

  #forget(key: string): void {
    this.#contentFailures.forget(key);
    this.#rooms.foreign.release(key);
    this.#conflicted.delete(key);
    this.#kit.forget(key);
  }

  async #release(es: ExternalSecretRecord, signal: AbortSignal): Promise<Ended> {
    try {
      await releaseDeleted(es, this.#rooms, signal);
      return { kind: 'idle', next: undefined };
    } catch (thrown) {
      return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
    }
  }

  async #nextWave(
    es: ExternalSecretRecord,
    memory: EsMemory,
    isRefreshed: boolean,
    signal: AbortSignal,
  ): Promise<NextRun | undefined> {
    const wave = await this.#nextRefresh(es, memory, isRefreshed, signal);
    const renewal = this.#nextRenewal(es);
    return wave === undefined || (renewal !== undefined && renewal.afterMs < wave.afterMs) ? renewal : wave;
  }

  /** Certificates that its template made do not wait for the next refresh, which may be after their end. */
  #nextRenewal(es: ExternalSecretRecord): NextRun | undefined {
    if (!('ok' in es.spec) || refreshPolicyOf(es.spec.ok) === 'CreatedOnce') return undefined;
    const afterMs = (renewAtOf(es, es.spec.ok, this.#rooms) ?? 0) - this.#rooms.clock.nowMs();
    return afterMs > 0 ? { afterMs, lane: lanes.periodic, cause: 'periodic' satisfies Cause } : undefined;
  }

  async #nextRefresh(
    es: ExternalSecretRecord,
    memory: EsMemory,
    isRefreshed: boolean,
    signal: AbortSignal,
  ): Promise<NextRun | undefined> {
    const { clock } = this.#rooms;
    if (!('ok' in es.spec) || refreshPolicyOf(es.spec.ok) !== 'Periodic' || safeInterval(es) <= 0) return undefined;
    if (isRefreshed || memory.nextDueMs === undefined) {
      if (memory.phaseKey === undefined) await connectFirst(es, memory, this.#rooms, signal).catch(() => {}); // told when it is due
      const phaseKey = memory.phaseKey ?? `${es.namespace}/${es.name}`;
      const waitMs = untilNextRefreshMs(es.spec.ok, { es, phaseKey, isRefreshed, nowMs: clock.nowMs() });
      if (waitMs === undefined) return undefined;
      const waveMs = clock.monotonicMs() + waitMs;
      memory.nextDueMs = Math.min(waveMs, memory.renewAtMs ?? waveMs);
    }
    return { afterMs: memory.nextDueMs - clock.monotonicMs(), lane: lanes.periodic, cause: 'periodic' satisfies Cause };
  }

  #index(key: string, es: ExternalSecretRecord): void {
    for (const store of storeKeysOf(es.stores, es.namespace)) this.#byStore.add(store, key);
    if (manifestOf(es) === undefined) this.#byTarget.add(targetPlace(key, es), key);
  }

  #unindex(key: string, es: ExternalSecretRecord): void {
    for (const store of storeKeysOf(es.stores, es.namespace)) this.#byStore.remove(store, key);
    this.#byTarget.remove(targetPlace(key, es), key);
  }
}

/** The key of the target; most targets are named as their ExternalSecret, and share its key's text. */
function targetPlace(key: string, { namespace, name, targetName }: ExternalSecretRecord): string {
  return name === targetName ? key : `${namespace}/${targetName}`;
}

function safeInterval(es: ExternalSecretRecord): number {
  try {
    return 'ok' in es.spec ? intervalOf(es.spec.ok) : 0;
  } catch {
    return 0; // an interval that does not parse is the failure itself
  }
}

/** Nothing that a reconcile depends on differs; status updates, our own among them, look like this. */
function isSame(a: ExternalSecretRecord, b: ExternalSecretRecord): boolean {
  return (
    a.generation === b.generation &&
    sameTexts(a.labels, b.labels) &&
    sameTexts(a.annotations, b.annotations) &&
    a.finalizers.join() === b.finalizers.join()
  );
}
