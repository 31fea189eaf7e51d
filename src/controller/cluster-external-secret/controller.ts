// What the ClusterExternalSecret controller watches, and what brings an object to a run.
//
//   ClusterExternalSecret created/changed ─► spec lane        namespace that it chooses, or chose, changed ─► drift lane
//   ExternalSecret of its name or of its own edited or gone ─► drift lane        its store changed ─► drift lane

import type { Clock } from '../../base/clock.ts';
import { forceSyncAnnotation, namespaceFinalizer } from '../../core/contract-names.ts';
import type { Workplaces } from '../../core/jobs.ts';
import { sameJson } from '../../core/same-json.ts';
import { sameTexts } from '../../core/target-plan.ts';
import type { Informer, InformerEvent } from '../../kube/contract.ts';
import type { QueueLoad } from '../../runtime/workqueue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import { KeyIndex } from '../key-index.ts';
import { kinds } from '../kinds.ts';
import { type Memory, newMemory, ObjectController } from '../kit/object-controller.ts';
import { lanes } from '../lanes.ts';
import type { ClusterExternalSecretRecord, ExternalSecretRecord, NamespaceRecord } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import type { StoreDirectory } from '../stores/directory.ts';
import { ownerUidOf, selects } from './plan.ts';
import { type CesRooms, cesInterval, reconcileClusterExternalSecret, tellFailure } from './reconcile.ts';

export interface CesControllerDeps extends Omit<CesRooms, 'ownedBy'> {
  readonly informer: Informer<ClusterExternalSecretRecord>;
  readonly find: (key: string) => ClusterExternalSecretRecord | undefined;
  readonly childInformer: Informer<ExternalSecretRecord>;
  /** Hears of every change of a namespace from the time when namespaces are followed. */
  readonly whenNamespaceChanged: (listener: (event: InformerEvent<NamespaceRecord>) => void) => void;
  readonly stores: StoreDirectory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly recovery: Recovery;
  readonly workplaces: Workplaces;
}

export class ClusterExternalSecretController {
  readonly #deps: CesControllerDeps;
  readonly #kit: ObjectController<ClusterExternalSecretRecord, Memory>;
  /** Which ClusterExternalSecrets make ExternalSecrets of a name, which name a store, which has a uid. */
  readonly #byChildName = new KeyIndex();
  readonly #byStore = new KeyIndex();
  readonly #byUid = new KeyIndex();
  /** Keys of ExternalSecrets by the uid of the ClusterExternalSecret that owns them. */
  readonly #owned = new KeyIndex();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(deps: CesControllerDeps) {
    this.#deps = deps;
    const { clock, log, metrics, recovery, workplaces } = deps;
    const rooms: CesRooms = { ...deps, ownedBy: (uid) => this.#ownedBy(uid) };
    this.#kit = new ObjectController(
      {
        kinds: [kinds.ClusterExternalSecret],
        kindOf: () => 'ClusterExternalSecret',
        find: deps.find,
        isOurs: (ces) => this.#isOurs(ces),
        run: (ces, memory, _, signals) => reconcileClusterExternalSecret(ces, memory, rooms, signals),
        tell: (ces, error, signal) => tellFailure(ces, error, rooms, signal),
        intervalMs: safeInterval,
        groupOf: (key) => key,
        retryLane: lanes.background,
        failureMessage: 'provisioning failed',
      },
      { clock, log, metrics, recovery, workplaces },
    );
    for (const [key, child] of deps.childInformer.entries()) this.#indexChild(key, child);
    this.#unsubscribe = [
      deps.informer.subscribe((event) => this.#onCes(event)),
      deps.childInformer.subscribe((event) => this.#onChild(event)),
      deps.stores.subscribe((_change, _key, { kind, name }) => this.#wakeAll(this.#byStore.at(storePlace(kind, name)))),
    ];
    deps.children.whenUndone((key) => this.#wakeAll(this.#byChildName.at(nameOf(key))));
    deps.whenNamespaceChanged((event) => this.#onNamespace(event));
    for (const [key, ces] of deps.informer.entries()) this.#add(key, ces);
  }

  queueLoad(): QueueLoad {
    return this.#kit.queueLoad();
  }

  start(): void {
    this.#kit.start();
  }

  async stop(graceMs: number): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#kit.stop(graceMs);
  }

  /** One whose cluster stores belong to another controller is that controller's, as its ExternalSecrets are. */
  #isOurs({ stores }: ClusterExternalSecretRecord): boolean {
    const clusterStores = stores.filter(({ kind }) => kind === 'ClusterSecretStore');
    return this.#deps.connections.isOurs(clusterStores, '');
  }

  *#ownedBy(uid: string): Iterable<ExternalSecretRecord> {
    for (const key of this.#owned.at(uid)) {
      const child = this.#deps.children.get(key);
      if (child !== undefined && ownerUidOf(child) === uid) yield child;
    }
  }

  #onCes({ key, before, after }: InformerEvent<ClusterExternalSecretRecord>): void {
    if (before !== undefined) this.#unindex(key, before);
    if (after === undefined) this.#kit.forget(key);
    else if (before === undefined || before.uid !== after.uid) this.#add(key, after);
    else {
      this.#index(key, after);
      if (isEdited(before, after)) this.#kit.wake(key, { lane: lanes.spec, cause: 'changed' });
    }
  }

  #add(key: string, ces: ClusterExternalSecretRecord): void {
    this.#index(key, ces);
    this.#kit.remember(key, newMemory(this.#deps.clock));
    this.#kit.wake(key, { lane: lanes.spec, cause: 'created' });
  }

  #index(key: string, { childName, stores, uid }: ClusterExternalSecretRecord): void {
    this.#byChildName.add(childName, key);
    this.#byUid.add(uid, key);
    for (const { kind, name } of stores) this.#byStore.add(storePlace(kind, name), key);
  }

  #unindex(key: string, { childName, stores, uid }: ClusterExternalSecretRecord): void {
    this.#byChildName.remove(childName, key);
    this.#byUid.remove(uid, key);
    for (const { kind, name } of stores) this.#byStore.remove(storePlace(kind, name), key);
  }

  #indexChild(key: string, child: ExternalSecretRecord): void {
    const uid = ownerUidOf(child);
    if (uid !== undefined) this.#owned.add(uid, key);
  }

  /** A new status of an ExternalSecret is nothing to its ClusterExternalSecret. */
  #onChild({ key, before, after }: InformerEvent<ExternalSecretRecord>): void {
    const [uidBefore, uidAfter] = [before, after].map((child) => (child === undefined ? undefined : ownerUidOf(child)));
    if (uidBefore !== uidAfter) {
      if (uidBefore !== undefined) this.#owned.remove(uidBefore, key);
      if (uidAfter !== undefined) this.#owned.add(uidAfter, key);
    }
    if (before !== undefined && after !== undefined && !isChildEdited(before, after)) return;
    const uids = [uidBefore, uidAfter].filter((uid) => uid !== undefined);
    this.#wakeAll(new Set([...this.#byChildName.at(nameOf(key)), ...uids.flatMap((uid) => [...this.#byUid.at(uid)])]));
  }

  /** Wakes those that chose the namespace or choose it now, and one whose finalizer holds it back. */
  #onNamespace({ before, after, initial }: InformerEvent<NamespaceRecord>): void {
    if (initial) return; // whoever asked for namespaces waits for the whole list
    const isSameLife = before?.uid === after?.uid && before?.deleting === after?.deleting;
    if (before !== undefined && after !== undefined && isSameLife && sameTexts(before.labels, after.labels)) return;
    for (const key of this.#kit.keys()) {
      const ces = this.#deps.find(key);
      if (ces === undefined) continue;
      const { spec } = ces;
      const isTouched = [before, after].some(
        (namespace) =>
          namespace !== undefined &&
          (namespace.finalizers.includes(namespaceFinalizer(ces.name)) ||
            ('ok' in spec && selects(spec.ok, namespace))),
      );
      if (isTouched) this.#wake(key);
    }
  }

  #wakeAll(keys: Iterable<string>): void {
    for (const key of keys) this.#wake(key);
  }

  #wake(key: string): void {
    this.#kit.wake(key, { lane: lanes.drift, cause: 'drift' });
  }
}

/** A SecretStore of any namespace may be the one of a child. */
function storePlace(kind: string, name: string): string {
  return `${kind}/${name}`;
}

function nameOf(childKey: string): string {
  return childKey.slice(childKey.indexOf('/') + 1);
}

function isEdited(before: ClusterExternalSecretRecord, after: ClusterExternalSecretRecord): boolean {
  return (
    before.generation !== after.generation ||
    before.deleting !== after.deleting ||
    before.annotations[forceSyncAnnotation] !== after.annotations[forceSyncAnnotation]
  );
}

function isChildEdited(before: ExternalSecretRecord, after: ExternalSecretRecord): boolean {
  return (
    before.uid !== after.uid ||
    before.generation !== after.generation ||
    before.deleting !== after.deleting ||
    !sameTexts(before.labels, after.labels) ||
    !sameTexts(before.annotations, after.annotations) ||
    !sameJson(before.owners, after.owners)
  );
}

function safeInterval({ spec }: ClusterExternalSecretRecord): number {
  try {
    return 'ok' in spec ? cesInterval(spec.ok) : 0;
  } catch {
    return 0; // an interval that does not parse is the failure itself
  }
}
