// The controllers of one term of leadership: one for each row of the table of kinds, over what they share: the directory of
// stores, connections, the recovery of origins, a reporter for each kind.
import type { QueueLoad } from '../runtime/workqueue.ts';
import type { ObjectSeries } from '../telemetry/operator-metrics.ts';
import { openClusterExternalSecrets } from './cluster-external-secret/open.ts';
import { StoreConnections } from './connect.ts';
import { openEnvironments } from './environment/open.ts';
import { openExternalSecrets } from './external-secret/open.ts';
import { fieldManager, kinds, type ReconciledKind } from './kinds.ts';
import { type KindRow, seriesOf } from './kit/kind.ts';
import type { Written } from './kit/writer.ts';
import { Recovery } from './recovery.ts';
import { type Reported, Reporter } from './report.ts';
import type { Controller, ControllerPorts, ControllerRooms, Followed, FollowedKinds, OpenController } from './rooms.ts';
import { openStores } from './secret-store/open.ts';
import { StoreDirectory } from './stores/directory.ts';

/** Who opens the controller of a kind; kinds that share one controller name the same. */
const openings: Readonly<Record<ReconciledKind, OpenController>> = {
  ExternalSecret: openExternalSecrets,
  SecretStore: openStores,
  ClusterSecretStore: openStores,
  ClusterExternalSecret: openClusterExternalSecrets,
  Environment: openEnvironments,
};

/** A row, and who opens its controller. */
export interface ControlledKind {
  readonly row: KindRow;
  readonly open: OpenController;
}

/** All kinds of the table, in its order. */
export const controlledKinds: readonly ControlledKind[] = Object.entries(kinds).map(([name, row]) => ({
  row,
  open: openings[name as ReconciledKind], // a key of the table that the entries are of
}));

export interface Controllers {
  start(): void;
  /** Runs under way get `graceMs` to end. */
  stop(graceMs: number): Promise<void>;
  /** The labels of a namespace changed. */
  namespaceChanged(name: string): void;
  loads(): Iterable<readonly [ObjectSeries, QueueLoad]>;
}

/** To be called once the caches are in step; nothing runs before `start`. */
export function createControllers(ports: ControllerPorts, controlled = controlledKinds): Controllers {
  const directory = new StoreDirectory(storesOf(ports.caches.kinds));
  const { connect, workplaces } = ports;
  const connections = new StoreConnections({ ...connect, workplaces, store: (kind, key) => directory.get(kind, key) });
  connections.follow(directory);
  connections.whenSourceChanged((store) => directory.sourceChanged(store));
  const recovery = new Recovery(ports.clock, ports.log);
  const rooms: ControllerRooms = {
    ...ports,
    directory,
    connections,
    recovery,
    reporterOf: (kind, followed) => reporterOf(kind, followed, ports),
  };
  const opened = new Map<OpenController, Controller | undefined>();
  for (const { open } of controlled) if (!opened.has(open)) opened.set(open, open(rooms));
  const all = [...opened.values()].filter((controller) => controller !== undefined);
  return {
    start() {
      for (const controller of all) controller.start();
    },
    async stop(graceMs) {
      directory.close();
      await Promise.all(all.map((controller) => controller.stop(graceMs)));
      recovery.stop();
    },
    namespaceChanged(name) {
      connections.namespaceChanged(name);
      for (const controller of all) controller.namespaceChanged?.(name);
    },
    loads: () =>
      controlled.flatMap(({ row, open }) => {
        const controller = opened.get(open);
        const series = seriesOf(row);
        return controller === undefined ? [] : [[series, controller.queueLoad(series.kind)] as const];
      }),
  };
}

function storesOf({ SecretStore, ClusterSecretStore }: FollowedKinds) {
  return {
    ...(SecretStore === undefined ? {} : { SecretStore }),
    ...(ClusterSecretStore === undefined ? {} : { ClusterSecretStore }),
  };
}

function reporterOf<R extends Reported>(
  kind: KindRow<R>,
  { view }: Followed<R>,
  { writer, events, clock, dialect, metrics }: ControllerPorts,
): Reporter<R> {
  const { resource } = kind.definition;
  const written: Written<R> = {
    resource,
    view,
    record: (answer, { before }) => kind.record(answer, before),
    count: () => metrics.statusWrites.add({ kind: resource.kind }),
  };
  return new Reporter(
    { written, eventComponent: kind.eventComponent, fieldManager },
    { writer, events, clock, dialect },
  );
}
