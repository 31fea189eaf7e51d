// What is read through a store as work on it: whoever names the upstream decides what it answers. A store of which the process
// died twice, in the middle of a large answer, is read by nobody until it is let out; a cluster store by nobody of the
// namespace that asked.
import type { Work, Workplaces } from '../../core/jobs.ts';
import { keyOf } from '../../kube/types.ts';
import type { StoreReader } from '../../providers/contract.ts';
import type { StoreRecord } from '../records.ts';

export interface NotedReads {
  /** A large answer is read; returns what ends that. */
  readonly readsLarge: () => () => void;
  /** The same reader, which throws Quarantined while the store has to wait. */
  around(reader: StoreReader): StoreReader;
}

export function notedReads(
  store: StoreRecord,
  consumerNamespace: string | undefined,
  workplaces: Workplaces,
): NotedReads {
  const work = workOn(store, consumerNamespace);
  const within = async <T>(read: () => Promise<T>): Promise<T> => {
    const place = workplaces.begin(work);
    try {
      return await read();
    } finally {
      place.end();
    }
  };
  return {
    readsLarge() {
      const place = workplaces.begin(work);
      const end = place.reads();
      return () => {
        end();
        place.end();
      };
    },
    around: (reader) => ({
      ...reader,
      read: (...asked) => within(() => reader.read(...asked)),
      validate: (...asked) => within(() => reader.validate(...asked)),
    }),
  };
}

function workOn(store: StoreRecord, consumerNamespace: string | undefined): Work {
  const { kind, generation, namespace } = store;
  const place = consumerNamespace === undefined ? '' : ` for namespace ${consumerNamespace}`;
  return { tenant: consumerNamespace ?? namespace, object: { key: `${kind}/${keyOf(store)}${place}`, generation } };
}
