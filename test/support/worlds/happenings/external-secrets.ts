// What users do to ExternalSecrets.
import {
  creations,
  deletions,
  externalSecret,
  home,
  isMerging,
  names,
  refreshes,
  specOf,
  storeRefs,
  syncWindows,
} from '../specs.ts';
import { at, type Happenings, keysBy, part, pick, withLabels } from './chance.ts';

const plain = { creation: 'Owner', deletion: 'Retain', refresh: 'Periodic' } as const;

export const externalSecrets = {
  /** One appears or its spec changes, in whatever it may ask for. */
  put: ({ objects }, { a, b, c }) => {
    const name = pick(names, a);
    const choice = {
      store: pick(storeRefs, b),
      second: part(a, 1) < 0.3 ? pick(storeRefs, part(a, 2)) : undefined,
      target: part(b, 1) < 0.7 ? name : `${name}-2`,
      keys: keysBy(part(b, 2)),
      creation: pick(creations, c),
      deletion: pick(deletions, part(c, 1)),
      refresh: pick(refreshes, part(c, 2)),
      windows: pick(syncWindows, part(a, 3)),
    };
    objects.apply(externalSecret(name, choice));
  },
  /** The same as most have it: a target of its own, kept in step. */
  putPlain: ({ objects }, { a, b, c }) => {
    const name = pick(names, a);
    const target = part(b, 1) < 0.6 ? name : `${name}-2`;
    objects.apply(externalSecret(name, { store: pick(storeRefs, b), target, keys: keysBy(c), ...plain }));
  },
  label: ({ objects }, { a, b }) =>
    objects.edit('ExternalSecret', at(pick(names, a)), (object) =>
      isMerging(specOf(object)) ? object : withLabels(object, { tier: pick(['gold', 'iron'], b) }),
    ),
  remove: ({ objects }, { a }) => objects.remove('ExternalSecret', at(pick(names, a))),
  /** As `kubectl replace --force`. */
  replace: ({ objects }, { a }) => {
    const before = objects.get('ExternalSecret', at(pick(names, a)));
    if (before === undefined) return;
    objects.remove('ExternalSecret', before.metadata);
    const { name, labels = {} } = before.metadata;
    objects.apply({ kind: 'ExternalSecret', metadata: { namespace: home, name, labels }, spec: before.spec ?? {} });
  },
} satisfies Happenings;
