// Provider `esc`: an Environment of this cluster as a store. It is opened once per refresh wave and store, and that one
// evaluation serves every key of every ExternalSecret, so that credentials which belong together stay together.

import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { environmentKey, environmentName, isEnvironmentVersion, latestVersion } from '../../core/environment-names.ts';
import { type HeldValue, sizeOfHeld } from '../../core/esc/packed-value.ts';
import { inlineDesk, inlineWorkplaces, type Work, type Workplaces } from '../../core/jobs.ts';
import { renewAtMs } from '../../core/renewal.ts';
import type { EscSpec } from '../../crds/esc.ts';
import { recordAt } from '../../crds/parse.ts';
import type { ClusterSources, Provider, ReadRequest, ReadResult } from '../contract.ts';
import { type KeepingPorts, type SnapshotRead, Snapshots } from '../shared/snapshots.ts';
import { keeperOf } from '../shared/whose.ts';
import { type OpenOrder, openEnvironment } from './evaluation.ts';
import type { EscProviders } from './open/table.ts';

export interface EscPorts extends KeepingPorts {
  readonly clock: Clock;
  readonly providers: EscProviders;
  /** Where Environments are evaluated; absent means at once. */
  readonly workplaces?: Workplaces | undefined;
  /** Ends the sessions that openings of this holder logged in. */
  readonly release: (holder: string) => void;
  readonly observeRead?: ((result: SnapshotRead) => void) | undefined;
}

/** An Environment as it was opened last; opened anew from `renewAtMs` (monotonic) on. */
interface Kept {
  readonly value: HeldValue;
  readonly renewAtMs: number | undefined;
  readonly endsAtMs: number;
}

export function createEscProvider(ports: EscPorts): Provider<EscSpec> {
  const { account, clock, providers, release, observeRead, shares, workplaces = inlineWorkplaces } = ports;
  const memory = account && { account, sizeOf: ({ value }: Kept) => sizeOfHeld(value) };
  const snapshots = new Snapshots<Kept>({ clock, observeRead, memory, shares });
  /** Ends what is being opened for a holder. */
  const ends = new Map<string, AbortController>();
  return {
    capabilities: 'ReadOnly',
    followsObjects: true,
    async connect(spec, context) {
      const { storeKind, storeNamespace, consumerNamespace, cluster, holder } = context;
      if (storeNamespace === undefined && !spec.environment.includes('/')) {
        throw new OperatorError(
          'InvalidSpec',
          'esc.environment: a ClusterSecretStore must name the namespace: write namespace/name',
        );
      }
      const named = environmentName(spec.environment, storeNamespace ?? '');
      const consumer = storeNamespace ?? consumerNamespace;
      const end = new AbortController();
      ends.set(holder, end);
      const keyOfVersion = (version = '') =>
        environmentKey({ ...named, version: version === latestVersion ? '' : version });
      const environment = keyOfVersion(spec.version);
      const get = async (name: string, notBeforeMs: number, signal: AbortSignal) => {
        const kept = await fetched(name, notBeforeMs, signal);
        const nowMs = clock.monotonicMs();
        return kept.renewAtMs !== undefined && kept.renewAtMs <= nowMs ? await fetched(name, nowMs, signal) : kept;
      };
      const fetched = (name: string, notBeforeMs: number, signal: AbortSignal) =>
        snapshots.get(
          {
            key: `esc|${holder}|${name}`,
            origin: `esc|${storeNamespace ?? storeKind}`,
            holder: keeperOf(context),
            notBeforeMs,
            fetch: async (_, waiting) => {
              const openedAtMs = clock.monotonicMs();
              const order = { name, consumer, holder, notBeforeMs };
              const until = AbortSignal.any([waiting, end.signal]);
              const place = workplaces.begin(await workOf(order, cluster, until));
              const means = { cluster, providers, desk: place.desk(until) };
              const { value, lifetimeMs } = await openEnvironment(order, means, until).finally(() => place.end());
              const endsAtMs = openedAtMs + (lifetimeMs ?? Number.POSITIVE_INFINITY);
              return { value: { value, renewAtMs: renewAtMs(openedAtMs, lifetimeMs), endsAtMs } };
            },
          },
          signal,
        );
      /** The document that a request means: the store's, or another version of it. */
      const meant = (request: ReadRequest) => {
        const { version = '' } = request.kind === 'find' ? {} : request;
        if (version === '') return environment;
        if (isEnvironmentVersion(version)) return keyOfVersion(version);
        throw new OperatorError(
          'InvalidSpec',
          'remoteRef.version: write the number of a revision, or a tag of the Environment',
        );
      };
      return {
        phaseKey: `esc|${environment}`,
        origin: '',
        async read(requests, { notBeforeMs, noteRenewal, desk = inlineDesk() }, signal) {
          const names = requests.map(meant);
          const opened = await Promise.all(
            [...new Set(names)].map(async (name) => [name, await get(name, notBeforeMs, signal)] as const),
          );
          for (const [, kept] of opened) {
            if (kept.renewAtMs !== undefined) noteRenewal?.(kept.renewAtMs, kept.endsAtMs);
          }
          const results = new Map<ReadRequest, ReadResult>();
          for (const [name, { value }] of opened) {
            const asks = requests.filter((_, at) => names[at] === name);
            const answers = await desk.run('selectValues', { environment: name, value, asks });
            for (const [at, ask] of asks.entries()) {
              const answer = answers[at];
              if (answer !== undefined) results.set(ask, answer);
            }
          }
          return requests.map((request) => results.get(request) ?? unanswered());
        },
        async validate({ notBeforeMs }, signal) {
          await get(environment, notBeforeMs, signal);
          return 'valid';
        },
      };
    },
    release(holder) {
      ends.get(holder)?.abort(new OperatorError('Aborted', 'the store has changed'));
      ends.delete(holder);
      release(holder);
    },
  };
}

/**
 * What an opening works on. When the process dies of it, the Environment waits, or the one version of it; opened in the name of
 * another namespace it waits for that one alone, so that nobody takes it from those who share it.
 */
async function workOf(
  { name, consumer }: Pick<OpenOrder, 'name' | 'consumer'>,
  cluster: ClusterSources,
  signal: AbortSignal,
): Promise<Work> {
  const named = environmentName(name, '');
  const tenant = consumer ?? named.namespace;
  const metadata = recordAt(await cluster.readEnvironment(named, signal), 'metadata');
  const generation = typeof metadata['generation'] === 'number' ? metadata['generation'] : 0;
  const place = tenant === named.namespace ? '' : ` for namespace ${tenant}`;
  return { tenant, object: { key: `Environment/${name}${place}`, generation } };
}

function unanswered(): never {
  throw new OperatorError('Internal', 'a version was not opened');
}
