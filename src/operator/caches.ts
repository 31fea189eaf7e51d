// What the operator follows in the cluster: an informer per kind of the table, and one for the targets; started at once and
// kept warm by followers too.
import type { Config } from '../config.ts';
import { kinds } from '../controller/kinds.ts';
import type { KindRow } from '../controller/kit/kind.ts';
import { OwnWrites } from '../controller/kit/own-writes.ts';
import {
  keptConfigMapRecord,
  keptTargetRecord,
  type RevisionRecord,
  revisionLabel,
  revisionRecord,
} from '../controller/records.ts';
import type { Reported } from '../controller/report.ts';
import type { FollowedKinds } from '../controller/rooms.ts';
import { managedLabel, managedLabelValue } from '../core/contract-names.ts';
import type { ObservedTarget } from '../core/target-plan.ts';
import { configMapResource, secretResource } from '../credentials/store-credentials.ts';
import type { InformerDeps, StartedInformer } from '../kube/informer.ts';
import { type ScopedOptions, startScopedInformer } from '../kube/scoped-informer.ts';
import { controllerRevisionResource } from '../kube/types.ts';
import { untilServed } from './served.ts';

/** An informer, and the view of it that includes what this process has just written. */
export interface Cache<T extends Versioned> {
  readonly informer: StartedInformer<T>;
  readonly view: OwnWrites<T>;
}

export interface Caches {
  readonly kinds: FollowedKinds;
  readonly targets: Cache<ObservedTarget>;
  /** Of Environments; not waited for, as Environments are not. */
  readonly revisions: Cache<RevisionRecord>;
  /** Those that Environments publish; absent where that is not allowed. */
  readonly configMaps: Cache<ObservedTarget> | undefined;
  /** Empty for all. */
  readonly namespaces: readonly string[];
  /** Those that work waits for, by the names that people are told. */
  readonly awaited: ReadonlyMap<string, StartedInformer<unknown>>;
}

interface Versioned {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Starts one informer with its view. */
export function startCache<T extends Versioned>(options: ScopedOptions<T>, deps: InformerDeps): Cache<T> {
  const informer: StartedInformer<T> = startScopedInformer(
    {
      ...options,
      known: (resourceVersion) => view.written(resourceVersion),
      onReached: () => view.catchUp(),
    },
    deps,
  );
  const view = new OwnWrites(informer);
  return { informer, view };
}

export interface CacheScope {
  /** Empty for all. */
  readonly namespaces: readonly string[];
  readonly isServed: (row: KindRow) => boolean;
  /** Whether ConfigMaps may be targets. */
  readonly configMaps: boolean;
}

/** Starts every informer at once: one for each row that is served. */
export function openCaches(
  { namespaces, isServed, configMaps: hasConfigMaps }: CacheScope,
  deps: InformerDeps,
): Caches {
  const labelSelector = `${managedLabel}=${managedLabelValue}`;
  const trim = (object: Parameters<typeof keptTargetRecord>[0]) => keptTargetRecord(object);
  const targets = startCache({ resource: secretResource, namespaces, labelSelector, trim }, deps);
  const revisions = startCache(
    {
      resource: controllerRevisionResource,
      namespaces,
      labelSelector: `${revisionLabel}=true`,
      trim: (object: Parameters<typeof revisionRecord>[0]) => revisionRecord(object),
    },
    deps,
  );
  const configMaps = hasConfigMaps
    ? startCache({ resource: configMapResource, namespaces, labelSelector, trim: keptConfigMapRecord }, deps)
    : undefined;
  const open = (row: KindRow) => {
    const { resource } = row.definition;
    return startCache<Reported>({ resource, namespaces, trim: (object, before) => row.record(object, before) }, deps);
  };
  const rows: readonly KindRow[] = Object.values(kinds);
  const opened = rows.filter(isServed).map((row) => ({ row, name: row.definition.resource.kind, cache: open(row) }));
  const awaited = opened.filter(({ row }) => row.mayBeMissing !== true);
  return {
    // Each cache holds what its own row makes of an object.
    kinds: Object.fromEntries(opened.map(({ name, cache }) => [name, cache])) as unknown as FollowedKinds,
    targets,
    revisions,
    configMaps,
    namespaces,
    awaited: new Map<string, StartedInformer<unknown>>([
      ['secrets', targets.informer],
      ...awaited.map(({ row, cache }) => [row.definition.resource.plural, cache.informer] as const),
    ]),
  };
}

/** The rows that these flags leave. */
export function servedBy(config: Pick<Config, NonNullable<KindRow['served']>['option']>): (row: KindRow) => boolean {
  return ({ served }) => served === undefined || config[served.option];
}

interface CacheInputs {
  readonly config: Config;
  readonly informerDeps: InformerDeps;
  readonly waitingFor: Set<string>;
  readonly stopping: AbortSignal;
}

/** Starts every informer at once and waits for all; a follower keeps them warm. */
export async function startCaches({ config, informerDeps, waitingFor, stopping }: CacheInputs): Promise<Caches> {
  await untilServed(informerDeps, waitingFor, stopping);
  const { namespaces } = config;
  const caches = openCaches(
    { namespaces, isServed: servedBy(config), configMaps: config.genericTargets },
    informerDeps,
  );
  for (const what of caches.awaited.keys()) waitingFor.add(what);
  waitingFor.delete('the API server');
  await Promise.all(
    [...caches.awaited].map(async ([what, informer]) => {
      await informer.whenSynced(stopping);
      waitingFor.delete(what);
    }),
  );
  return caches;
}
