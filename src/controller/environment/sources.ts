// What an Environment is made of, as it is checked and opened here: other Environments from the cache where that has them,
// all else by name. Whatever a run looks at is followed until a later run looks at it no more; a change is told.
//
//   run ─► cluster (notes what is looked at) ─► settle (lets go of the rest)        change ─► whoever looked at it
import { environmentResource } from '../../crds/environment.ts';
import type { CredentialPorts } from '../../credentials/store-credentials.ts';
import { keyOf, type ObjectName, type Resource } from '../../kube/types.ts';
import type { ClusterSources } from '../../providers/contract.ts';
import type { WatchedObjects } from '../connect.ts';
import { KeyIndex } from '../key-index.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { EnvironmentRecord } from '../records.ts';
import { clusterSources } from '../stores/cluster-sources.ts';

export interface EnvironmentSourcesDeps {
  /** What the sources are read for; tells its holders from others. */
  readonly purpose: 'check' | 'open';
  readonly environments: OwnWrites<EnvironmentRecord>;
  /** The namespaces that the cache of Environments holds; empty when it holds all. */
  readonly namespaces: readonly string[];
  readonly objects: WatchedObjects;
  readonly tokens: CredentialPorts['tokens'];
  readonly operator: CredentialPorts['operator'];
}

/** The sources of one run. */
export interface RunSources {
  readonly cluster: ClusterSources;
  /** The run has looked at everything: what it did not look at is followed no more. */
  settle(): void;
}

interface Looked {
  readonly resource: Resource;
  readonly name: ObjectName;
  /** Followed by name, as against one that the cache holds. */
  readonly isHeld: boolean;
}

export class EnvironmentSources {
  readonly #deps: EnvironmentSourcesDeps;
  readonly #lookers = new KeyIndex();
  readonly #looked = new Map<string, Map<string, Looked>>();
  /** How often one of the sources of an Environment has changed. */
  readonly #changes = new Map<string, number>();
  readonly #listeners: ((environment: string) => void)[] = [];
  readonly #unsubscribe: () => void;

  constructor(deps: EnvironmentSourcesDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.objects.subscribe((resource, name) => {
      // What the cache holds is told by the cache.
      const isTold = resource.kind === environmentResource.kind && this.#isCached(name.namespace ?? '');
      if (!isTold) this.#changed(placeOf(resource, name));
    });
  }

  /** `listener` hears of Environments (`namespace/name`) one of whose sources changed. */
  whenChanged(listener: (environment: string) => void): void {
    this.#listeners.push(listener);
  }

  /** How often sources of this Environment have changed: what was read is as old as the count before it was read. */
  changesOf(environment: string): number {
    return this.#changes.get(environment) ?? 0;
  }

  /** An Environment that the cache holds changed, came or went. */
  environmentChanged(key: string): void {
    this.#changed(`${environmentResource.plural}/${key}`);
  }

  /** What a run of the Environment may read. */
  begin(environment: string): RunSources {
    const { objects, tokens, operator } = this.#deps;
    const looked = new Map<string, Looked>();
    const held = {
      read: async <T>(resource: Resource, name: ObjectName, signal: AbortSignal) => {
        this.#note(environment, looked, { resource, name, isHeld: true });
        return (await objects.read(resource, name, signal)) as T | undefined; // the resource decides the shape
      },
    };
    const all = clusterSources(environment, { objects: held, tokens, operator });
    const cluster: ClusterSources = {
      ...all,
      readEnvironment: async (name, signal) => {
        if (!this.#isCached(name.namespace)) return await all.readEnvironment(name, signal);
        this.#note(environment, looked, { resource: environmentResource, name, isHeld: false });
        return this.#cached(keyOf(name));
      },
    };
    return { cluster, settle: () => this.#settle(environment, looked) };
  }

  /** The Environment is gone. */
  forget(environment: string): void {
    this.#settle(environment, new Map());
    this.#changes.delete(environment);
  }

  close(): void {
    this.#unsubscribe();
    for (const environment of this.#looked.keys()) this.#deps.objects.release(this.#holderOf(environment));
  }

  #holderOf(environment: string): string {
    return `environment/${this.#deps.purpose}/${environment}`;
  }

  #isCached(namespace: string): boolean {
    const { namespaces } = this.#deps;
    return namespaces.length === 0 || namespaces.includes(namespace);
  }

  #cached(key: string): unknown {
    const record = this.#deps.environments.get(key);
    if (record === undefined) return undefined;
    const { namespace, name, uid, written } = record;
    return { metadata: { namespace, name, uid }, spec: written };
  }

  #note(environment: string, looked: Map<string, Looked>, look: Looked): void {
    const place = placeOf(look.resource, look.name);
    looked.set(place, look);
    const known = this.#looked.get(environment) ?? new Map<string, Looked>();
    this.#looked.set(environment, known);
    known.set(place, look);
    this.#lookers.add(place, environment);
    if (look.isHeld) this.#deps.objects.hold(look.resource, look.name, this.#holderOf(environment));
  }

  #settle(environment: string, looked: ReadonlyMap<string, Looked>): void {
    const known = this.#looked.get(environment);
    if (known === undefined) return;
    const stale = [...known].filter(([place]) => !looked.has(place));
    for (const [place] of stale) {
      known.delete(place);
      this.#lookers.remove(place, environment);
    }
    if (stale.some(([, { isHeld }]) => isHeld)) {
      this.#deps.objects.release(this.#holderOf(environment));
      for (const { resource, name, isHeld } of known.values())
        if (isHeld) this.#deps.objects.hold(resource, name, this.#holderOf(environment));
    }
    if (known.size === 0) this.#looked.delete(environment);
  }

  #changed(place: string): void {
    for (const environment of this.#lookers.at(place)) {
      this.#changes.set(environment, this.changesOf(environment) + 1);
      for (const tell of this.#listeners) tell(environment);
    }
  }
}

function placeOf({ plural }: Resource, name: ObjectName): string {
  return `${plural}/${keyOf(name)}`;
}
