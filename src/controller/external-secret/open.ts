// Puts the controller of ExternalSecrets together.
import { Generators } from '../generators/generators.ts';
import { KeyIndex } from '../key-index.ts';
import { kinds } from '../kinds.ts';
import { OwnedTargets } from '../kit/owned-targets.ts';
import { writtenSecrets } from '../kit/written-secrets.ts';
import type { Controller, ControllerRooms } from '../rooms.ts';
import { ExternalSecretController } from './controller.ts';
import { ForeignTargets } from './foreign-targets.ts';
import { ManifestTargets } from './manifest-targets.ts';
import { TemplateSources } from './template-sources.ts';

export function openExternalSecrets(rooms: ControllerRooms): Controller {
  const { caches, clock, connect, directory, metrics, news, recovery, slots } = rooms;
  const { ExternalSecret: externalSecrets } = caches.kinds;
  const { informer: targets, view } = caches.targets;
  return new ExternalSecretController(
    {
      ...rooms,
      stores: directory,
      generators: new Generators({ ...rooms.generation, ...connect, clock }),
      templates: new TemplateSources(connect.objects),
      externalSecrets: externalSecrets.view,
      targets: view,
      foreign: new ForeignTargets(connect.objects, connect.signal),
      manifests: new ManifestTargets(rooms.manifests, connect.signal),
      owned: new OwnedTargets(targets, view),
      writers: new KeyIndex(),
      secrets: writtenSecrets(caches.targets, metrics),
      reporter: rooms.reporterOf(kinds.ExternalSecret, externalSecrets),
    },
    { externalSecrets: externalSecrets.informer, targets, news, recovery, slots, startedMs: clock.monotonicMs() },
  );
}
