// The ConfigMaps and Secrets that templates are taken from: each is followed while an ExternalSecret names it, read from
// the watch, and its change is counted and told, so that whoever depends on it runs again. Own namespace only.
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { refKey, type TemplateRef, type TemplateTexts } from '../../core/template-refs.ts';
import { configMapResource, secretResource } from '../../credentials/store-credentials.ts';
import { type ConfigMap, keyOf, type ObjectName, type Resource, type Secret } from '../../kube/types.ts';
import type { WatchedObjects } from '../connect.ts';
import { KeyIndex } from '../key-index.ts';

type Dependent = ObjectName & { readonly namespace: string };

export class TemplateSources {
  readonly #objects: WatchedObjects;
  readonly #dependents = new KeyIndex();
  /** Places of the objects that an ExternalSecret names. */
  readonly #places = new Map<string, readonly string[]>();
  readonly #changes = new Map<string, number>();
  readonly #listeners: ((externalSecret: string) => void)[] = [];
  readonly #unsubscribe: () => void;

  constructor(objects: WatchedObjects) {
    this.#objects = objects;
    this.#unsubscribe = objects.subscribe((resource, name) => {
      for (const key of this.#dependents.at(placeOf(resource, name))) {
        this.#changes.set(key, this.changesOf(key) + 1);
        for (const tell of this.#listeners) tell(key);
      }
    });
  }

  /** `listener` hears of ExternalSecrets (`namespace/name`) one of whose objects changed. */
  whenChanged(listener: (externalSecret: string) => void): void {
    this.#listeners.push(listener);
  }

  /** How often objects of this ExternalSecret have changed: what a run has read is as old as the count before it read. */
  changesOf(externalSecret: string): number {
    return this.#changes.get(externalSecret) ?? 0;
  }

  /** What the named objects hold. From here on these are followed, and no others. Throws ReferenceNotFound, and as reads do. */
  async read(dependent: Dependent, refs: readonly TemplateRef[], signal: AbortSignal): Promise<TemplateTexts> {
    const { namespace } = dependent;
    this.#follow(dependent, refs);
    const read = async (ref: TemplateRef) => {
      const object = await this.#objects.read<ConfigMap & Secret>(
        resourceOf(ref),
        { namespace, name: ref.name },
        signal,
      );
      if (object !== undefined) return [refKey(ref), valuesOf(ref, object)] as const;
      throw new OperatorError(
        'ReferenceNotFound',
        `spec.target.template.templateFrom: ${ref.kind} "${ref.name}" does not exist`,
      );
    };
    return new Map(await Promise.all(refs.map(read)));
  }

  /** The ExternalSecret is gone. */
  forget(externalSecret: string): void {
    for (const place of this.#places.get(externalSecret) ?? []) this.#dependents.remove(place, externalSecret);
    if (this.#places.delete(externalSecret)) this.#objects.release(holderOf(externalSecret));
    this.#changes.delete(externalSecret);
  }

  close(): void {
    this.#unsubscribe();
    for (const key of this.#places.keys()) this.#objects.release(holderOf(key));
  }

  #follow(dependent: Dependent, refs: readonly TemplateRef[]): void {
    const key = keyOf(dependent);
    const named = refs.map((ref) => ({
      resource: resourceOf(ref),
      name: { namespace: dependent.namespace, name: ref.name },
    }));
    const places = named.map(({ resource, name }) => placeOf(resource, name));
    if (places.join() === (this.#places.get(key) ?? []).join()) return;
    for (const place of this.#places.get(key) ?? []) this.#dependents.remove(place, key);
    this.#objects.release(holderOf(key));
    this.#places.delete(key);
    if (places.length === 0) return;
    this.#places.set(key, places);
    for (const place of places) this.#dependents.add(place, key);
    for (const { resource, name } of named) this.#objects.hold(resource, name, holderOf(key));
  }
}

function holderOf(externalSecret: string): string {
  return `template/${externalSecret}`;
}

function placeOf({ plural }: Resource, name: ObjectName): string {
  return `${plural}/${keyOf(name)}`;
}

function resourceOf({ kind }: TemplateRef): Resource {
  return kind === 'ConfigMap' ? configMapResource : secretResource;
}

function valuesOf({ kind }: TemplateRef, { data = {} }: ConfigMap & Secret): ReadonlyMap<string, SecretValue> {
  const value = (text: string) => new SecretValue(kind === 'Secret' ? Buffer.from(text, 'base64') : text);
  return new Map(Object.entries(data).map(([key, text]) => [key, value(text)]));
}
