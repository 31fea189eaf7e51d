// What the sources of an ExternalSecret hold at present, asked of the model itself.
import type { ModelObject } from '../model/kinds.ts';
import { pulumiScope, pulumiToken } from '../model/pulumi.ts';
import { openSettings } from './environments.ts';
import { decoded, type goldOnly, home, type StoreRef, scopeIn, specOf } from './specs.ts';
import type { Stage } from './stage.ts';

/** What is to be read: the values by key of the Secret, undefined where one is gone; or why nothing is. */
export type Truth =
  | { readonly values: ReadonlyMap<string, string | undefined>; readonly isWatched: boolean }
  /** `isWatched`: the cluster itself tells, so that it is known at once. */
  | { readonly broken: string; readonly isWatched: boolean };

export function truthOf(stage: Stage, es: ModelObject): Truth {
  const { data = [], secretStoreRef } = specOf(es);
  const values = new Map<string, string | undefined>();
  const broken: Extract<Truth, { broken: string }>[] = [];
  let isWatched = true;
  for (const { secretKey, remoteRef, sourceRef } of data) {
    const held = heldBy(stage, es, sourceRef?.storeRef ?? secretStoreRef);
    if ('broken' in held) broken.push(held);
    else values.set(secretKey, held.values.get(remoteRef.key));
    isWatched &&= held.isWatched;
  }
  // One of which everybody knows is enough to fail at once.
  const [worst] = broken.toSorted((one, other) => Number(other.isWatched) - Number(one.isWatched));
  return worst ?? { values, isWatched };
}

/** What one store gives. */
function heldBy(stage: Stage, es: ModelObject, ref: StoreRef | undefined): Truth {
  const store = ref && storeOf(stage, es, ref);
  if (store === undefined) return { broken: 'there is no store', isWatched: true };
  if (!mayUse(stage, store, es.metadata.namespace ?? '')) return { broken: 'the store is not for it', isWatched: true };
  const provider = Object.keys((store.spec as { provider: object }).provider)[0];
  if (provider === 'esc') {
    const opened = openSettings(stage);
    return typeof opened === 'string' ? { broken: opened, isWatched: true } : { values: opened, isWatched: true };
  }
  const scope = provider === 'pulumi' ? pulumiScope : (scopeIn(store) ?? '');
  const broken = brokenAt(stage, store, scope);
  if (broken !== undefined) return { broken, isWatched: false };
  return { values: stage.cluster.upstream.valuesOf(scope), isWatched: false };
}

function mayUse({ objects }: Stage, store: ModelObject, name: string): boolean {
  const { conditions } = store.spec as { conditions?: typeof goldOnly }; // no other is made
  return conditions === undefined || objects.get('Namespace', { name })?.metadata.labels?.['tier'] === 'gold';
}

function brokenAt({ objects, denied }: Stage, { metadata }: ModelObject, scope: string): string | undefined {
  if (denied.has(scope)) return 'it may not be read';
  const at = (name: string) => ({ namespace: home, name });
  if (scope === pulumiScope) {
    const token = objects.get('Secret', at('pulumi'))?.data?.['token'];
    return decoded(token) === pulumiToken ? undefined : 'its token is not good';
  }
  const credential = objects.get('Secret', at(`${metadata.name}-credential`))?.data?.['k'];
  return credential === undefined || decoded(credential) === 'good' ? undefined : 'its credential is not good';
}

function storeOf({ objects }: Stage, { metadata }: ModelObject, { kind, name }: StoreRef): ModelObject | undefined {
  return objects.get(kind, kind === 'SecretStore' ? { namespace: metadata.namespace ?? home, name } : { name });
}
