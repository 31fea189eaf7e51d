// The one place where a controller writes to the API server. Every write has its turn in a slot, is refused once this
// replica no longer leads, carries a precondition, and what comes of it is known to the cache before the run goes on.
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import type { Slots } from '../../base/slots.ts';
import type { Kube, WriteOptions } from '../../kube/contract.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from '../../kube/types.ts';
import type { OwnWrites } from './own-writes.ts';

/** What is written, for a count. */
export type Operation = 'create' | 'update' | 'delete' | 'status';

/** A collection that is written: how answers are kept, and where they are counted. */
export interface Written<T extends Identified> {
  readonly resource: Resource;
  readonly view: OwnWrites<T>;
  /** `sent` is what was written, `before` what was known: parts that have not changed may be taken over. */
  readonly record: (answer: KubeObject, known: { readonly sent?: KubeObject; readonly before?: T }) => T;
  readonly count: (operation: Operation) => void;
}

interface Identified {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface WriterDeps {
  readonly kube: Kube;
  readonly slots: Slots;
  /** Throws Aborted when this replica may no longer write. */
  readonly guard: () => void;
}

export class Writer {
  readonly #deps: WriterDeps;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  /** Does `work`, which may write several times, once a slot is free for this lane. */
  async inTurn<T>(lane: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const release = await this.#deps.slots.acquire(lane, signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** A slot for what is worth a write only while nothing else waits; resolves with the function that gives it back. */
  async idleTurn(signal: AbortSignal): Promise<() => void> {
    const release = await this.#deps.slots.acquireWhenIdle(signal);
    try {
      this.#deps.guard();
      return release;
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /**
   * Creates the object; its name is the precondition. Throws Conflict when there is one already, which may be the object
   * itself: a create whose answer is lost with its connection is sent once more. The caller looks, and takes over.
   */
  async create<T extends Identified>(
    written: Written<T>,
    object: KubeObject,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<T> {
    this.#deps.guard();
    const once = { ...options, mayExist: true };
    const answer = await quietly(this.#deps.kube.create(written.resource, object, once, signal), () => {});
    return noted(written, 'create', answer, { sent: object });
  }

  /** Puts the object over the one of its uid and resourceVersion. Throws Conflict when that has changed or is gone. */
  async update<T extends Identified>(
    written: Written<T>,
    object: KubeObject,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<T> {
    const { uid, resourceVersion } = object.metadata;
    if (uid === undefined || resourceVersion === undefined)
      throw new OperatorError('Internal', `an update of ${written.resource.kind} has no precondition`);
    this.#deps.guard();
    const answer = await quietly(this.#deps.kube.update(written.resource, object, options, signal), () =>
      written.view.noteGone(keyOf(object.metadata), uid),
    );
    return noted(written, 'update', answer, { sent: object });
  }

  /** Deletes just this version of the object; one that is gone already is no failure. Throws Conflict. */
  async delete<T extends Identified>(written: Written<T>, object: T, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = object;
    this.#deps.guard();
    await this.#deps.kube.delete(
      written.resource,
      nameOf(object, written.resource),
      { preconditions: { uid, resourceVersion } },
      signal,
    );
    written.view.noteGone(keyOf(object), uid);
    written.count('delete');
  }

  /** Merges into the status of just this version of the object. Throws Conflict when it has changed or is gone. */
  async patchStatus<T extends Identified>(
    written: Written<T>,
    object: T,
    status: unknown,
    fieldManager: string,
    signal: AbortSignal,
  ): Promise<T> {
    const options = { fieldManager, subresource: 'status' } as const;
    return noted(written, 'status', await this.#patch(written, object, { status }, options, signal), {
      before: object,
    });
  }

  /** Sets the finalizers of just this version of the object. Throws Conflict when it has changed or is gone. */
  async patchFinalizers<T extends Identified>(
    written: Written<T>,
    object: T,
    finalizers: readonly string[],
    fieldManager: string,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#patch(written, object, { metadata: { finalizers } }, { fieldManager }, signal);
  }

  async #patch<T extends Identified>(
    { resource }: Written<T>,
    object: T,
    change: { readonly metadata?: object; readonly status?: unknown },
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { resourceVersion } = object;
    const patch = { ...change, metadata: { ...change.metadata, resourceVersion } };
    this.#deps.guard();
    const sent = this.#deps.kube.mergePatch<KubeObject>(resource, nameOf(object, resource), patch, options, signal);
    return await quietly(sent, () => {});
  }
}

function noted<T extends Identified>(
  written: Written<T>,
  operation: Operation,
  answer: KubeObject,
  known: { readonly sent?: KubeObject; readonly before?: T },
): T {
  const record = written.record(answer, known);
  written.view.note(keyOf(answer.metadata), record);
  written.count(operation);
  return record;
}

/** What is not found when it is to be written was there when it was read: it changed like anything else that conflicts. */
async function quietly<T>(sent: Promise<T>, isGone: () => void): Promise<T> {
  try {
    return await sent;
  } catch (thrown) {
    const error = asOperatorError(thrown);
    if (error.reason !== 'ReferenceNotFound') throw thrown;
    isGone();
    throw new OperatorError('Conflict', error.message, { cause: error });
  }
}

function nameOf({ namespace, name }: ObjectName, { namespaced }: Resource): ObjectName {
  return namespaced && namespace !== undefined ? { namespace, name } : { name };
}
