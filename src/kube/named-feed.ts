// How one object is followed by its name, whatever brings its news; and the plain way: a watch of that name alone.
import { OperatorError } from '../base/operator-error.ts';
import { type InformerDeps, startInformer } from './informer.ts';
import { isSameButStatus } from './same-spec.ts';
import { slim } from './slim.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from './types.ts';

export interface NamedObject {
  readonly resource: Resource;
  readonly name: ObjectName;
}

/** Who hears of one name. */
export interface FeedListener {
  /** The object has come, changed (its status aside) or gone; `initial` when that is the first answer. */
  changed(initial: boolean): void;
  /** The first answer is there: the object, or that there is none. */
  synced(): void;
  /** The object cannot be read at present, or (undefined) can be again. */
  trouble(error: OperatorError | undefined): void;
}

export interface Feed {
  hasSynced(): boolean;
  /** Undefined when the object does not exist; 'not kept' when it has to be read again by `reread`. */
  object(): KubeObject | undefined | 'not kept';
  reread(signal: AbortSignal): Promise<KubeObject | undefined>;
  stop(): void;
}

/** Follows one name by a watch, so a connection, of its own. Needs `list` and `watch` of that name and no other. */
export function startOwnWatch({ resource, name }: NamedObject, deps: InformerDeps, listener: FeedListener): Feed {
  const selection = {
    resource,
    ...(name.namespace === undefined ? {} : { namespace: name.namespace }),
    fieldSelector: selectorOf(name),
  };
  const onTrouble = (error: OperatorError | undefined) => listener.trouble(error);
  const onSynced = () => listener.synced();
  const informer = startInformer<KubeObject>({ ...selection, trim: slim }, { ...deps, onTrouble, onSynced });
  informer.subscribe(({ initial, before, after }) => {
    if (!isSameButStatus(before, after)) listener.changed(initial);
  });
  const object = () => informer.get(keyOf(name));
  return {
    hasSynced: () => informer.hasSynced(),
    object,
    reread: async () => object(),
    stop: () => informer.stop(),
  };
}

/** Selects one name. Throws `ReferenceNotFound` for what would select something else, and no object can be called. */
export function selectorOf({ name }: ObjectName): string {
  if (!/^[\w.:-]{1,253}$/.test(name))
    throw new OperatorError('ReferenceNotFound', `no object can have the name ${JSON.stringify(name.slice(0, 253))}`);
  return `metadata.name=${name}`;
}
