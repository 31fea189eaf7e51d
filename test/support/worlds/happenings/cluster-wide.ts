// What befalls a ClusterExternalSecret, the namespaces that it chooses and the ExternalSecrets that it makes.
import { childName, choices, clusterExternalSecret, clusterName } from '../cluster-wide.ts';
import { externalSecret, guest, home } from '../specs.ts';
import { type Happenings, keysBy, pick, withLabels } from './chance.ts';

const guestName = { name: guest };
const places = [guest, guest, home] as const;

export const clusterWide = {
  clusterWide: ({ objects }, { a, b }) => void objects.apply(clusterExternalSecret(pick(choices, a), keysBy(b))),
  removeClusterWide: ({ objects }) => objects.remove('ClusterExternalSecret', { name: clusterName }),
  /** The guest namespace comes, or is labelled otherwise. */
  guest: ({ objects }, { a }) =>
    void objects.apply({
      kind: 'Namespace',
      metadata: { ...guestName, labels: { tier: pick(['gold', 'gold', 'iron'], a) } },
    }),
  removeGuest: ({ objects }) => objects.remove('Namespace', guestName),
  /** Somebody edits what the ClusterExternalSecret made. */
  editChild: ({ objects }, { a, b }) =>
    objects.edit('ExternalSecret', { namespace: pick(places, a), name: childName }, (child) =>
      b < 0.5 ? withLabels(child, { mine: 'yes' }) : { ...child, spec: { ...child.spec, refreshInterval: '1h' } },
    ),
  removeChild: ({ objects }, { a }) =>
    objects.remove('ExternalSecret', { namespace: pick(places, a), name: childName }),
  /** Somebody has an ExternalSecret of that name. */
  foreignChild: ({ objects }, { a }) => {
    const namespace = pick(places, a);
    const isThere = objects.get('Namespace', { name: namespace })?.metadata.deletionTimestamp === undefined;
    if (objects.get('Namespace', { name: namespace }) === undefined || !isThere) return;
    if (objects.get('ExternalSecret', { namespace, name: childName }) !== undefined) return;
    const store = { kind: 'ClusterSecretStore', name: 'c' };
    const plain = { creation: 'Owner', deletion: 'Retain', refresh: 'Periodic' } as const;
    const { spec = {} } = externalSecret(childName, { store, target: childName, keys: ['k'], ...plain });
    objects.apply({ kind: 'ExternalSecret', metadata: { namespace, name: childName }, spec });
  },
} satisfies Happenings;
