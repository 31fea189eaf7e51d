// Puts the controller of Environments together.
import { kinds } from '../kinds.ts';
import { writtenSecrets } from '../kit/written-secrets.ts';
import type { Controller, ControllerRooms } from '../rooms.ts';
import { EnvironmentController } from './controller.ts';
import { Revisions } from './revisions.ts';
import { EnvironmentSources } from './sources.ts';
import { publishedConfigMaps, publishedSecrets } from './targets.ts';

export function openEnvironments(rooms: ControllerRooms): Controller | undefined {
  const { caches, connect, evaluation, kube, metrics, writer } = rooms;
  const { Environment: own } = caches.kinds;
  const { revisions, configMaps, namespaces, targets } = caches;
  if (own === undefined || revisions === undefined || evaluation === undefined) return undefined;
  const { objects, tokens, operator, controllerClass } = connect;
  const sourcesFor = (purpose: 'check' | 'open') =>
    new EnvironmentSources({ purpose, environments: own.view, namespaces, objects, tokens, operator });
  return new EnvironmentController({
    ...rooms,
    evaluation,
    controllerClass,
    informer: own.informer,
    environments: own.view,
    sources: sourcesFor('check'),
    openSources: sourcesFor('open'),
    secrets: publishedSecrets(targets, writtenSecrets(targets, metrics)),
    configMaps: configMaps && publishedConfigMaps(configMaps),
    revisions: new Revisions({ ...revisions, writer, kube }),
    reporter: rooms.reporterOf(kinds.Environment, own),
  });
}
