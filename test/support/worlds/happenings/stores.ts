// What users do to stores and to what stores refer to, and what becomes of their sources.
import type { PulumiFault } from '../../model/pulumi.ts';
import {
  asideSecret,
  environmentStore,
  goldOnly,
  keys,
  pulumiStore,
  scopeStore,
  scopeStores,
  scopes,
} from '../specs.ts';
import { at, type Chance, type Happenings, part, pick } from './chance.ts';

const allStores = [...scopeStores, 'p', 'v'] as const;
const pulumiFaults: readonly PulumiFault[] = [
  'evaluation fails',
  'session is lost',
  'server fails',
  'page in its place',
];
/** Of sources with values that come and go. */
export const sourceScopes = [...scopes, 'pulumi'] as const;

function storeOf({ a, b }: Chance) {
  const name = pick(allStores, a);
  if (name === 'p') return pulumiStore();
  return name === 'v' ? environmentStore() : scopeStore(name, pick(scopes, b));
}

export const stores = {
  store: ({ objects }, chance) => objects.apply(storeOf(chance)),
  removeStore: ({ objects }, { a }) => objects.remove('SecretStore', at(pick(allStores, a))),
  replaceStore: ({ objects }, chance) => {
    objects.remove('SecretStore', at(pick(allStores, chance.a)));
    objects.apply(storeOf(chance));
  },
  clusterStore: ({ objects }, { a, b }) => {
    const store = scopeStore('c', pick(scopes, a), 'ClusterSecretStore');
    objects.apply(b < 0.7 ? store : { ...store, spec: { ...store.spec, conditions: goldOnly } });
  },
  removeClusterStore: ({ objects }) => objects.remove('ClusterSecretStore', { name: 'c' }),
  credential: (stage, { a, b }) => {
    stage.wasWrong = true;
    const [name, key] =
      a < 0.3 ? (['pulumi', 'token'] as const) : ([`${pick(scopeStores, part(a, 1))}-credential`, 'k'] as const);
    if (b < 0.2) stage.objects.remove('Secret', at(name));
    else stage.objects.apply(asideSecret(name, { [key]: b < 0.7 ? 'good' : 'bad' }));
  },
} satisfies Happenings;

export const sources = {
  value: (stage, { a, b }) => stage.setValue(pick(sourceScopes, a), pick(keys, b)),
  loseValue: (stage, { a, b }) => stage.loseValue(pick(sourceScopes, a), pick(keys, b)),
  upstreamDown: (stage, { a }) => stage.downFor(a * 8_000),
  throttle: (stage, { a }) => stage.throttleFor(a * 4_000),
  deny: (stage, { a }) => {
    stage.wasWrong = true;
    stage.denied.add(pick(sourceScopes, a));
  },
  permit: (stage, { a }) => void stage.denied.delete(pick(sourceScopes, a)),
  pulumiFault: (stage, { a, b }) => {
    stage.wasWrong = true;
    stage.cluster.pulumi.fault = pick(pulumiFaults, a);
    stage.clock.after(b * 5_000, () => {
      stage.cluster.pulumi.fault = 'none';
    });
  },
} satisfies Happenings;
