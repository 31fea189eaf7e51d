// Puts the controller of both kinds of stores together.
import { kinds } from '../kinds.ts';
import type { StoreKind, StoreRecord } from '../records.ts';
import type { Reporter } from '../report.ts';
import type { Controller, ControllerRooms } from '../rooms.ts';
import { StoreController } from './controller.ts';

export function openStores(rooms: ControllerRooms): Controller {
  const { directory, storeRequeueMs } = rooms;
  return new StoreController({
    ...rooms,
    stores: directory,
    reporters: rooms.storeReconciler ? reporters(rooms) : {},
    requeueMs: storeRequeueMs,
  });
}

function reporters({ caches, reporterOf }: ControllerRooms): Partial<Record<StoreKind, Reporter<StoreRecord>>> {
  const of = (kind: StoreKind) => {
    const followed = caches.kinds[kind];
    return followed === undefined ? {} : { [kind]: reporterOf(kinds[kind], followed) };
  };
  return { ...of('SecretStore'), ...of('ClusterSecretStore') };
}
