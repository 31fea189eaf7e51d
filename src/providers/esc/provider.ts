// Provider `esc`: an Environment of this cluster as a store. It is opened once per refresh wave and store, and that one
// evaluation serves every key of every ExternalSecret, so that credentials which belong together stay together.

import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { environmentName } from '../../core/environment-access.ts';
import type { EscValue } from '../../core/esc/value.ts';
import type { EscSpec } from '../../crds/esc.ts';
import type { Provider } from '../contract.ts';
import { type SnapshotRead, Snapshots } from '../shared/snapshots.ts';
import { openEnvironment } from './evaluation.ts';
import type { EscProviders } from './open/table.ts';
import { select } from './select.ts';

export interface EscPorts {
  readonly clock: Clock;
  readonly providers: EscProviders;
  /** Ends the sessions that openings of this holder logged in. */
  readonly release: (holder: string) => void;
  readonly observeRead?: ((result: SnapshotRead) => void) | undefined;
}

export function createEscProvider({ clock, providers, release, observeRead }: EscPorts): Provider<EscSpec> {
  const snapshots = new Snapshots<EscValue>({ clock, observeRead });
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
      const { namespace, name } = environmentName(spec.environment, storeNamespace ?? '');
      const environment = `${namespace}/${name}`;
      const consumer = storeNamespace ?? consumerNamespace;
      const end = new AbortController();
      ends.set(holder, end);
      const key = `esc|${holder}|${environment}`;
      const get = (notBeforeMs: number, signal: AbortSignal) =>
        snapshots.get(
          {
            key,
            origin: `esc|${storeNamespace ?? storeKind}`,
            notBeforeMs,
            fetch: async (_, waiting) => ({
              value: await openEnvironment(
                { name: environment, consumer, holder, notBeforeMs },
                { cluster, providers },
                AbortSignal.any([waiting, end.signal]),
              ),
            }),
          },
          signal,
        );
      return {
        phaseKey: `esc|${environment}`,
        origin: '',
        async read(requests, { notBeforeMs }, signal) {
          const value = await get(notBeforeMs, signal);
          return requests.map((request) => select(environment, value, request));
        },
        async validate({ notBeforeMs }, signal) {
          await get(notBeforeMs, signal);
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
