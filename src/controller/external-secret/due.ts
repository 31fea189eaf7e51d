// Whether an ExternalSecret is due, why, and when it is due next. Pure, but for reading what it is handed.
import { parseGoDuration } from '../../core/go-duration.ts';
import { syncedResourceVersion } from '../../core/object-hash.ts';
import { OperatorError } from '../../core/operator-error.ts';
import { isOverdueAtStart, isSpecDue, nextWaveMs, shortestIntervalMs } from '../../core/refresh.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import type { RunRequest } from '../../runtime/workqueue.ts';
import type { Cause } from '../lanes.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { Memory, Rooms } from './context.ts';

/** The refresh interval in ms, 0 for never. Throws InvalidSpec for what Go would not parse. */
export function intervalOf(spec: ExternalSecretSpec): number {
  let ms: number;
  try {
    ms = parseGoDuration(spec.refreshInterval);
  } catch {
    throw new OperatorError(
      'InvalidSpec',
      `spec.refreshInterval "${spec.refreshInterval}" is not a duration: write for example 30s, 15m or 1h30m (units ns, us, ms, s, m, h)`,
    );
  }
  return ms <= 0 ? 0 : Math.max(ms, shortestIntervalMs);
}

interface Dueness {
  readonly intervalMs: number;
  readonly isTargetValid: boolean;
  readonly heartbeatMs: number;
  readonly nowMs: number;
}

export function dueness({ heartbeatMs, clock }: Rooms, intervalMs: number, isTargetValid: boolean): Dueness {
  return { intervalMs, isTargetValid, heartbeatMs, nowMs: clock.nowMs() };
}

/** What `status.syncedResourceVersion` says once the object, as it is, has been synced. */
export function versionOf(es: ExternalSecretRecord): string {
  return syncedResourceVersion(es.generation, { annotations: es.annotations, labels: es.labels });
}

/** Causes that ask for a fetch by themselves: a wave has come, or the store reads from somewhere else than before. */
const fetchingCauses: ReadonlySet<string> = new Set<Cause>(['periodic', 'store']);

/** Why the sources must be read, or undefined when nothing is due. */
export function whatIsDue(
  es: ExternalSecretRecord,
  memory: Memory,
  request: RunRequest,
  due: Dueness,
): string | undefined {
  const record = {
    syncedResourceVersion: es.status.syncedResourceVersion,
    refreshTime: es.status.refreshTime ?? undefined,
  };
  if (!due.isTargetValid) return 'target';
  if (memory.orphans.size > 0) return 'orphan';
  if (isSpecDue(record, versionOf(es), due.intervalMs)) return 'spec';
  if (memory.hasFailed) return 'retry';
  const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return 'verdict';
  if (due.intervalMs <= 0) return undefined;
  if (request.causes.some((cause) => fetchingCauses.has(cause))) return 'interval';
  if (memory.nextDueMs !== undefined) return undefined;
  return isOverdueAtStart(record, due.intervalMs, due.heartbeatMs, due.nowMs) ? 'interval' : undefined;
}

/**
 * Share of the interval that a refresh which has just ended may stand for: a wave that comes sooner is left out for this
 * object, so that a new object is not fetched twice at once.
 */
const settledShare = 0.1;

/** Time until the next wave of the object that is worth a refresh, in ms. `intervalMs` is above 0. */
export function untilNextWaveMs(phaseKey: string, intervalMs: number, nowMs: number): number {
  return nextWaveMs(`${phaseKey}|${intervalMs}`, intervalMs, nowMs + intervalMs * settledShare) - nowMs;
}
