// ESO's per-object series of ExternalSecrets, kept while the object lives.
import type { Outcome } from '../../core/outcome.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import type { ExternalSecretRecord } from '../records.ts';

/** Takes in one run of `durationMs`. */
export function noteRun(
  es: ExternalSecretRecord,
  outcome: Outcome,
  durationMs: number,
  metrics: OperatorMetrics,
): void {
  const labels = { name: es.name, namespace: es.namespace };
  metrics.syncCalls.add(labels);
  metrics.externalSecretDuration.set(labels, Math.round(durationMs * 1e6));
  if (outcome.kind === 'failed') {
    metrics.syncErrors.add(labels);
    metrics.failures.add({ kind: 'ExternalSecret', reason: outcome.error.reason });
  }
  const ready = es.status.conditions?.find(({ type }) => type === 'Ready')?.status;
  if (ready === undefined) return;
  for (const status of ['True', 'False']) {
    metrics.externalSecretCondition.set({ ...labels, condition: 'Ready', status }, ready === status ? 1 : 0);
  }
}

/** The object is gone, and so are its series. */
export function forgetSeries(es: ExternalSecretRecord, metrics: OperatorMetrics): void {
  const labels = { name: es.name, namespace: es.namespace };
  metrics.syncCalls.drop(labels);
  metrics.syncErrors.drop(labels);
  metrics.externalSecretDuration.drop(labels);
  for (const status of ['True', 'False'])
    metrics.externalSecretCondition.drop({ ...labels, condition: 'Ready', status });
}
