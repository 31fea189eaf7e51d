// Puts the controller of Environments together.
import { kinds } from '../kinds.ts';
import type { Controller, ControllerRooms } from '../rooms.ts';
import { EnvironmentController } from './controller.ts';
import { Revisions } from './revisions.ts';
import { EnvironmentSources } from './sources.ts';

export function openEnvironments(rooms: ControllerRooms): Controller | undefined {
  const { caches, connect, evaluation, kube, writer } = rooms;
  const { Environment: own } = caches.kinds;
  const { revisions, namespace } = caches;
  if (own === undefined || revisions === undefined || evaluation === undefined) return undefined;
  const { objects, tokens, operator, controllerClass } = connect;
  return new EnvironmentController({
    ...rooms,
    evaluation,
    controllerClass,
    informer: own.informer,
    environments: own.view,
    sources: new EnvironmentSources({ environments: own.view, namespace, objects, tokens, operator }),
    revisions: new Revisions({ ...revisions, writer, kube }),
    reporter: rooms.reporterOf(kinds.Environment, own),
  });
}
