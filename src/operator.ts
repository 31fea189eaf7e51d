// The operator as a whole: which informers run, which controllers they feed, in which order things start and end.
//
//   cluster access ─► transport ─► informers ─synced─► leader ─► controllers          SIGTERM: controllers ─► sessions
//                                     └── /readyz                                        ─► events ─► lease ─► informers
import { createHash } from 'node:crypto';
import { Sessions } from './auth/session.ts';
import { gatherInfisicalPrincipal } from './auth/infisical/table.ts';
import type { Config } from './config.ts';
import { StoreConnections } from './controller/connect.ts';
import { ExternalSecretController } from './controller/external-secret/controller.ts';
import { ReadYourWrites } from './controller/read-your-writes.ts';
import { externalSecretRecord, type StoreKind, storeRecord, targetRecord } from './controller/records.ts';
import { Recovery } from './controller/recovery.ts';
import { Reporter } from './controller/report.ts';
import { StoreController, type StoreKindRooms } from './controller/secret-store/controller.ts';
import { managedLabel, managedLabelValue } from './core/contract-names.ts';
import { OperatorError } from './core/operator-error.ts';
import { externalSecretResource } from './crds/external-secret.ts';
import { clusterSecretStoreResource, isServedProvider, secretStoreResource } from './crds/secret-store.ts';
import { secretResource } from './credentials/store-credentials.ts';
import { createEgressPolicy } from './http/egress.ts';
import { createProxyRules } from './http/proxy.ts';
import { createUpstreamDoor, type RequestObservation } from './http/upstream.ts';
import { ObjectWatcher } from './kube/by-name.ts';
import { createKube } from './kube/client.ts';
import { loadClusterAccess } from './kube/config.ts';
import { detectCompatibility, serves } from './kube/discovery.ts';
import { createEventRecorder } from './kube/events.ts';
import { type StartedInformer, startInformer } from './kube/informer.ts';
import { createToken } from './kube/tokens.ts';
import { createTransport, type Transport } from './kube/transport.ts';
import type { Resource } from './kube/types.ts';
import { fakeProvider } from './providers/fake/provider.ts';
import { createInfisicalProvider } from './providers/infisical/provider.ts';
import { createRegistry } from './providers/registry.ts';
import { systemClock } from './runtime/clock.ts';
import { Slots } from './runtime/slots.ts';
import { startEndpoints } from './telemetry/endpoints.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { Registry } from './telemetry/metrics.ts';
import { operatorMetrics } from './telemetry/operator-metrics.ts';
import { version } from './version.ts';

const clock = systemClock;
const userAgent = `escapement/${version}`;

/** Runs until `stopping` fires; the answer is the exit code. Throws OperatorError when it cannot start. */
export async function runOperator(config: Config, stopping: AbortSignal): Promise<number> {
  const startedAtMs = clock.nowMs();
  const log = createLogger(config.logLevel);
  log.info({ detail: version }, 'starting');
  for (const note of config.notes) log.info({ detail: note }, 'flag');
  const registry = new Registry();
  const metrics = operatorMetrics(registry, startedAtMs);
  const waitingFor = new Set(['the API server']);
  const endpoints = await startEndpoints({
    health: config.healthAddress,
    metrics: config.metricsAddress,
    metricsTls: config.metricsTls,
    registry,
    notReady: () => [...waitingFor].map((what) => `waiting for ${what}`),
  });
  const access = await loadClusterAccess(accessSources(config), clock);
  const transport = createTransport({ access, clock, userAgent });
  try {
    const caches = await startCaches({ config, transport, log, waitingFor, stopping });
    const base: Base = { config, transport, caches, log, metrics, registry };
    waitingFor.clear();
    log.info({ durationMs: clock.nowMs() - startedAtMs }, 'caches synced');
    await lead(base, stopping);
  } catch (thrown) {
    if (!stopping.aborted) throw thrown;
  } finally {
    endpoints.close();
    transport.close();
  }
  log.info({}, 'stopped');
  return 0;
}

function accessSources({ cluster }: Config) {
  const { serviceHost: host, servicePort: port } = cluster;
  return {
    kubeconfigPath: cluster.kubeconfigPath,
    kubeconfigVariable: cluster.kubeconfigEnv,
    ...(host === undefined || port === undefined ? {} : { pod: { host, port } }),
  };
}
