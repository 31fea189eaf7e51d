// Targets that somebody else made, and that no cache knows, as they lack our label: each is followed by its name while an
// ExternalSecret waits for it (Merge) or is refused because of it. Its coming, its change and its going are told. The name
// counts against what its namespace may have followed; where that is used up, the object is looked at by its timers alone.
import { secretResource } from '../../credentials/store-credentials.ts';
import { keyOf, type ObjectName } from '../../kube/types.ts';
import type { WatchedObjects } from '../connect.ts';
import { KeyIndex } from '../key-index.ts';
import type { ExternalSecretRecord } from '../records.ts';

type Dependent = Pick<ExternalSecretRecord, 'namespace' | 'name' | 'targetName'>;

interface Followed {
  readonly target: ObjectName;
  /** As it was when it was told last. */
  isThere: boolean;
}

export class ForeignTargets {
  readonly #objects: WatchedObjects;
  /** Ends with the term of leadership. */
  readonly #signal: AbortSignal;
  readonly #followed = new Map<string, Followed>();
  readonly #byTarget = new KeyIndex();
  readonly #listeners: ((externalSecret: string) => void)[] = [];
  readonly #unsubscribe: () => void;

  constructor(objects: WatchedObjects, signal: AbortSignal) {
    this.#objects = objects;
    this.#signal = signal;
    this.#unsubscribe = objects.subscribe((resource, name) => {
      if (resource.plural !== secretResource.plural || resource.group !== secretResource.group) return;
      for (const key of this.#byTarget.at(keyOf(name))) void this.#look(key, { isNews: true });
    });
  }

  /** `listener` hears of ExternalSecrets (`namespace/name`) whose followed target came, changed or went. */
  whenChanged(listener: (externalSecret: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Follows the target from here on; `isThere` is what the run has found, and what differs from it is told. */
  follow(es: Dependent, { isThere }: { readonly isThere: boolean }): void {
    const key = keyOf(es);
    const target = { namespace: es.namespace, name: es.targetName };
    const known = this.#followed.get(key);
    if (known !== undefined && keyOf(known.target) === keyOf(target)) {
      known.isThere = isThere; // where the watch says otherwise, one of them is late: the event that is on its way tells
      return;
    }
    this.release(key);
    try {
      this.#objects.hold(secretResource, target, holderOf(key));
    } catch {
      return; // too many names, or one that no Secret can have
    }
    this.#followed.set(key, { target, isThere });
    this.#byTarget.add(keyOf(target), key);
    void this.#look(key, { isNews: false });
  }

  /** Whether a target that is followed is there, as far as it is known. */
  isThere(externalSecret: string): boolean {
    return this.#followed.get(externalSecret)?.isThere === true;
  }

  /** Nothing hangs on the target of somebody else any more. */
  release(externalSecret: string): void {
    const followed = this.#followed.get(externalSecret);
    if (followed === undefined) return;
    this.#followed.delete(externalSecret);
    this.#byTarget.remove(keyOf(followed.target), externalSecret);
    this.#objects.release(holderOf(externalSecret));
  }

  close(): void {
    this.#unsubscribe();
    for (const key of this.#followed.keys()) this.release(key);
  }

  /** What the watch has of the target. */
  async #look(key: string, { isNews }: { readonly isNews: boolean }): Promise<void> {
    const followed = this.#followed.get(key);
    if (followed === undefined) return;
    let isThere: boolean;
    try {
      isThere = (await this.#objects.read(secretResource, followed.target, this.#signal)) !== undefined;
    } catch {
      return; // its first answer, when it comes, is told as a change
    }
    if (this.#followed.get(key) !== followed) return;
    const isOther = followed.isThere !== isThere;
    followed.isThere = isThere;
    if (isOther || isNews) for (const tell of this.#listeners) tell(key);
  }
}

function holderOf(externalSecret: string): string {
  return `target/${externalSecret}`;
}
