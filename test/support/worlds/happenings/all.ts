// Everything that can happen in a world, by name.
import type { Stage } from '../stage.ts';
import type { Chance } from './chance.ts';
import { clusterWide } from './cluster-wide.ts';
import { environments } from './environments.ts';
import { externalSecrets } from './external-secrets.ts';
import { generated } from './generated.ts';
import { api, replicas } from './machinery.ts';
import { secrets } from './secrets.ts';
import { sources, stores } from './stores.ts';
import { targets } from './targets.ts';

const happenings = {
  ...externalSecrets,
  ...stores,
  ...secrets,
  ...sources,
  ...environments,
  ...generated,
  ...targets,
  ...clusterWide,
  ...api,
  ...replicas,
};

export type Happening = keyof typeof happenings;

/** One event; its numbers choose what it befalls. */
export interface WorldEvent extends Chance {
  readonly what: Happening;
  /** Until the next event. */
  readonly thenMs: number;
}

/** What makes ExternalSecrets, and puts their stores back, comes more often than what only befalls them. */
const often: Readonly<Partial<Record<Happening, number>>> = {
  put: 8,
  putPlain: 6,
  store: 4,
  label: 2,
  value: 2,
  replace: 2,
  settings: 2,
  base: 2,
  generated: 2,
  generator: 2,
  text: 2,
  clusterWide: 3,
  guest: 3,
  clusterStore: 2,
  killLeader: 2,
  stopLeader: 2,
};

/** Each as often as it is to happen. */
export const weighted: readonly Happening[] = Object.keys(happenings)
  .map((name) => name as Happening) // the keys of the object above
  .flatMap((name) => Array<Happening>(often[name] ?? 1).fill(name));

export function happen(stage: Stage, event: WorldEvent): void {
  happenings[event.what](stage, event);
}
