// The revisions of Environments in the cluster: which there are, as far as they are known, and the writes that make one and
// let old ones go. What is kept of each is a digest.
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { type RevisionPlan, revisionData, revisionName } from '../../core/environment-revisions.ts';
import { environmentResource } from '../../crds/environment.ts';
import type { Informer, Kube } from '../../kube/contract.ts';
import {
  type ControllerRevision,
  controllerRevisionResource,
  type KubeObject,
  keyOf,
  type ObjectName,
} from '../../kube/types.ts';
import { KeyIndex } from '../key-index.ts';
import { fieldManager } from '../kinds.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { Writer, Written } from '../kit/writer.ts';
import { type EnvironmentRecord, type RevisionRecord, revisionLabel, revisionRecord } from '../records.ts';

export interface RevisionsDeps {
  readonly informer: Informer<RevisionRecord>;
  readonly view: OwnWrites<RevisionRecord>;
  readonly writer: Writer;
  readonly kube: Pick<Kube, 'get'>;
}

export class Revisions {
  readonly #deps: RevisionsDeps;
  readonly #written: Written<RevisionRecord>;
  /** Keys by the uid of the Environment that owns them. */
  readonly #byOwner = new KeyIndex();
  /** Those that lost our label, which no watch shows: found where one was to be made. */
  readonly #unlabelled = new Map<string, RevisionRecord>();
  readonly #listeners: ((ownerUid: string) => void)[] = [];
  readonly #unsubscribe: () => void;

  constructor(deps: RevisionsDeps) {
    this.#deps = deps;
    this.#written = {
      resource: controllerRevisionResource,
      view: deps.view,
      record: (answer) => revisionRecord(answer),
      count: () => {},
    };
    this.#unsubscribe = deps.informer.subscribe(({ key, before, after }) => {
      if (before !== undefined && before.ownerUid !== after?.ownerUid) this.#byOwner.remove(before.ownerUid, key);
      if (after !== undefined) this.#byOwner.add(after.ownerUid, key);
      this.#unlabelled.delete(key);
      const gone = after === undefined ? before : undefined;
      if (gone !== undefined) for (const tell of this.#listeners) tell(gone.ownerUid);
    });
    for (const [key, { ownerUid }] of deps.informer.entries()) this.#byOwner.add(ownerUid, key);
  }

  /** `listener` hears of the uid of an Environment one of whose revisions is gone. */
  whenGone(listener: (ownerUid: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Whether all that there are were told. */
  get isKnown(): boolean {
    return this.#deps.informer.hasSynced();
  }

  of({ uid, namespace }: EnvironmentRecord): readonly RevisionRecord[] {
    const keys = [...this.#byOwner.at(uid)];
    const records = keys
      .map((key) => this.#deps.view.get(key) ?? this.#unlabelled.get(key))
      .filter((record) => record !== undefined);
    return records.filter((record) => record.ownerUid === uid && record.namespace === namespace);
  }

  /** Makes what is new, and lets go of what is over. Throws Conflict, TargetConflict and what the API server refuses. */
  async carryOut(environment: EnvironmentRecord, { current, isNew, surplus }: RevisionPlan, signal: AbortSignal) {
    if (isNew) await this.#create(environment, current, signal);
    for (const record of this.of(environment)) {
      if (!surplus.includes(record.number)) continue;
      await this.#deps.writer.delete(this.#written, record, signal);
      this.#unlabelled.delete(keyOf(record));
    }
  }

  /** The Environment of this uid is gone, and so are its revisions. */
  forget(ownerUid: string): void {
    for (const [key, record] of this.#unlabelled) {
      if (record.ownerUid !== ownerUid) continue;
      this.#unlabelled.delete(key);
      this.#byOwner.remove(ownerUid, key);
    }
  }

  close(): void {
    this.#unsubscribe();
  }

  async #create(environment: EnvironmentRecord, number: number, signal: AbortSignal): Promise<void> {
    const revision = revisionOf(environment, number);
    try {
      const made = await this.#deps.writer.create(this.#written, revision, { fieldManager }, signal);
      this.#byOwner.add(environment.uid, keyOf(made));
    } catch (thrown) {
      if (asOperatorError(thrown).reason !== 'Conflict') throw thrown;
      await this.#lookAt(environment, revision, signal);
      throw thrown; // the next run sees what is there
    }
  }

  /** One of that name is there: made by an earlier try whose answer was lost, or none of ours. */
  async #lookAt({ uid }: EnvironmentRecord, { metadata }: ControllerRevision, signal: AbortSignal): Promise<void> {
    const { namespace = '', name } = metadata;
    const there = await this.#there({ namespace, name }, signal);
    if (there === undefined) return; // gone again
    const record = revisionRecord(there);
    if (record.ownerUid !== uid) {
      throw new OperatorError('TargetConflict', `ControllerRevision "${name}" is in the way: delete it`);
    }
    if (there.metadata.labels?.[revisionLabel] === undefined) this.#unlabelled.set(keyOf(record), record);
    else this.#deps.view.note(keyOf(record), record);
    this.#byOwner.add(uid, keyOf(record));
  }

  async #there(name: ObjectName, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#deps.kube.get<KubeObject>(controllerRevisionResource, name, signal);
    } catch (thrown) {
      if (asOperatorError(thrown).reason === 'ReferenceNotFound') return undefined;
      throw thrown;
    }
  }
}

/** The object as it is sent. Its data may hold secrets that stand in the Environment; its name and labels tell nothing. */
function revisionOf({ namespace, name, uid, written }: EnvironmentRecord, number: number): ControllerRevision {
  const { group, version, kind } = environmentResource;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      namespace,
      name: revisionName({ name, uid }, number),
      labels: { [revisionLabel]: 'true' },
      ownerReferences: [{ apiVersion: `${group}/${version}`, kind, name, uid, controller: true }],
    },
    revision: number,
    data: revisionData(written),
  };
}
