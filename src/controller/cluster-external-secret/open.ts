// Puts the controller of ClusterExternalSecrets together.
import { namespaceResource } from '../../kube/types.ts';
import { kinds } from '../kinds.ts';
import { namespaceRecord } from '../records.ts';
import type { Controller, ControllerRooms } from '../rooms.ts';
import { ClusterExternalSecretController } from './controller.ts';

export function openClusterExternalSecrets(rooms: ControllerRooms): Controller | undefined {
  const { caches, directory, namespaces } = rooms;
  const { ClusterExternalSecret: own, ExternalSecret: children } = caches.kinds;
  if (own === undefined || namespaces === undefined) return undefined;
  return new ClusterExternalSecretController({
    ...rooms,
    informer: own.informer,
    find: (key) => own.view.get(key),
    childInformer: children.informer,
    children: children.view,
    writtenChildren: {
      resource: kinds.ExternalSecret.definition.resource,
      view: children.view,
      record: (answer, { before }) => kinds.ExternalSecret.record(answer, before),
      count: () => {},
    },
    namespaces: async (signal) => {
      const { informer, view } = await namespaces.follow(signal);
      const written = { resource: namespaceResource, view, record: namespaceRecord, count: () => {} };
      return { values: () => informer.values(), written };
    },
    whenNamespaceChanged: (listener) => namespaces.whenChanged(listener),
    stores: directory,
    reporter: rooms.reporterOf(kinds.ClusterExternalSecret, own),
  });
}
