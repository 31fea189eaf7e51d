// What an ExternalSecret is owed. Follows from what is there against what was read last, never from why a run was asked
// for: a cause that is lost, merged or ended by a conflict loses nothing, as the duty stands until a run has met it.

import { OperatorError } from '../../base/operator-error.ts';
import { forceSyncAnnotations } from '../../core/contract-names.ts';
import { parseGoDuration } from '../../core/go-duration.ts';
import { syncedResourceVersion } from '../../core/object-hash.ts';
import { isSpecDue, nextWaveMs, type RefreshPolicy, shortestIntervalMs } from '../../core/refresh.ts';
import { isRefreshPermitted, nextPermittedMs } from '../../core/sync-windows.ts';
import type { ObservedTarget } from '../../core/target-plan.ts';
import { type ExternalSecretSpec, generatorReferences } from '../../crds/external-secret.ts';
import type { ExternalSecretRecord } from '../records.ts';

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

/** Time between two periodic refreshes in ms; 0 when there are none, by interval or by policy. */
export function periodOf(spec: ExternalSecretSpec): number {
  return refreshPolicyOf(spec) === 'Periodic' ? intervalOf(spec) : 0;
}

export function refreshPolicyOf({ refreshPolicy }: ExternalSecretSpec): RefreshPolicy {
  return refreshPolicy ?? 'Periodic';
}

/**
 * Whether a force-sync was asked for since the target was written: it carries the annotations of the ExternalSecret.
 * Under CreatedOnce nothing else tells, because there an edit of other annotations is no reason to sync.
 */
export function isForced(
  { annotations }: Pick<ExternalSecretRecord, 'annotations'>,
  target: Pick<ObservedTarget, 'annotations'>,
): boolean {
  return forceSyncAnnotations.some(
    (key) => annotations[key] !== undefined && annotations[key] !== target.annotations[key],
  );
}

/** The force-syncs that are asked for, by annotation. */
export function forceSyncsOf({ annotations }: Pick<ExternalSecretRecord, 'annotations'>): readonly string[] {
  return forceSyncAnnotations.map((key) => annotations[key] ?? '');
}

/**
 * The same for a target with a template, which carries no annotations of its ExternalSecret: a force-sync is there, and
 * labels or annotations were edited since the last sync. An edit of others under an old force-sync counts as well.
 */
export function isForcedSinceSync(es: ExternalSecretRecord): boolean {
  const synced = es.status.syncedResourceVersion ?? '';
  return (
    forceSyncsOf(es).some((value) => value !== '') && synced !== '' && digestIn(synced) !== digestIn(versionOf(es))
  );
}

/** Of labels and annotations, after the generation. */
function digestIn(version: string): string {
  return version.slice(version.indexOf('-'));
}

/** What `status.syncedResourceVersion` says once the object, as it is, has been synced. */
export function versionOf(es: ExternalSecretRecord): string {
  return syncedResourceVersion(es.generation, { annotations: es.annotations, labels: es.labels });
}

/** What is there. */
export interface Present {
  readonly es: ExternalSecretRecord;
  readonly policy: RefreshPolicy;
  /** 0 when there are no periodic refreshes. */
  readonly periodMs: number;
  /** A force-sync that the target does not show yet. */
  readonly isForced: boolean;
  /** Sync windows permit a periodic refresh now. */
  readonly isPermitted: boolean;
  /** The target is as it was left: data, and the marks that the object wants. */
  readonly isTargetAsWanted: boolean;
  /** A Secret is there that was written for the object under an earlier target name. */
  readonly hasOrphans: boolean;
  /** Versions of the stores that it names, as the directory has them. */
  readonly stores: string;
  /** Changes so far of the objects that its template is taken from. */
  readonly texts: number;
  /** When certificates that its template made are to be made anew, in epoch ms; undefined without any. */
  readonly renewAtMs: number | undefined;
  /** Monotonic ms. */
  readonly nowMs: number;
  /** Epoch ms. */
  readonly wallMs: number;
  /** It takes values from generators: to read its sources is to change them. */
  readonly isGenerating: boolean;
  /** The target holds what was drawn for the object as it is, and the status does not tell. */
  readonly isUntold: boolean;
  /** It is to be told of the target as it is, and nobody has heard yet whether it was: the answer may have been lost. */
  readonly isBeingTold: boolean;
}

/** What was read and told last, by this process. */
export interface Past {
  /** Versions of the stores as of the last run that ended synced; undefined before the first. */
  readonly readStores: string | undefined;
  /** Changes of the template's objects as of that run. */
  readonly readTexts: number | undefined;
  /** Stores and template's objects as of the last time that the sources were read, however it ended. */
  readonly asked?: string | undefined;
  /** Failures in a row until now. */
  readonly failures: number;
  /** Monotonic ms of the next wave; undefined until it is known. */
  readonly nextDueMs: number | undefined;
}

/** Why the sources must be read. */
export type Duty =
  | 'target'
  | 'orphan'
  | 'spec'
  | 'forced'
  | 'retry'
  | 'verdict'
  | 'untold'
  | 'start'
  | 'store'
  | 'texts'
  | 'renewal'
  | 'interval';

/** Timers may fire a fraction of a ms early. */
const earlyMs = 1;

/** What the spec says of refreshes, beside what was found. `wallMs` is epoch ms, for sync windows. Throws InvalidSpec. */
export function presentOf(
  spec: ExternalSecretSpec,
  found: Omit<Present, 'policy' | 'periodMs' | 'isPermitted' | 'isGenerating'>,
): Present {
  const isPermitted = isRefreshPermitted(spec.syncWindows, found.wallMs);
  const isGenerating = generatorReferences(spec).length > 0;
  return { ...found, policy: refreshPolicyOf(spec), periodMs: periodOf(spec), isPermitted, isGenerating };
}

/** What is owed, or undefined when nothing is. Interval, windows and policy bound repetitions, not changes. */
export function dutyOf(present: Present, past: Past): Duty | undefined {
  const { es, policy } = present;
  const { syncedResourceVersion: synced, refreshTime } = es.status;
  if (!present.isTargetAsWanted) return 'target';
  if (present.hasOrphans) return 'orphan';
  const record = { syncedResourceVersion: synced, refreshTime: refreshTime ?? undefined };
  if (isSpecDue(record, versionOf(es), policy)) return 'spec';
  if (present.isForced) return 'forced';
  if (past.failures > 0) return 'retry';
  const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return 'verdict';
  // Once this process has told of a run, its memory knows better than a time in whole seconds.
  if (present.isUntold && past.readStores === undefined) return 'untold';
  if (policy !== 'CreatedOnce' && present.renewAtMs !== undefined && present.renewAtMs <= present.wallMs)
    return 'renewal';
  if (policy !== 'Periodic') return undefined;
  // Another store is a change of what was asked for.
  if (past.readStores !== undefined && past.readStores !== present.stores) return 'store';
  if (past.readTexts !== undefined && past.readTexts !== present.texts) return 'texts';
  if (present.periodMs <= 0 || !present.isPermitted) return undefined;
  // Nobody knows what became of the stores, or of the sources, while nobody worked: one list per scope tells.
  // What was generated is a value only until it is generated anew: it stays for its whole interval, whoever leads.
  if (past.readStores === undefined)
    return present.isGenerating && untilNextGenerationMs(es, present.periodMs, present.wallMs) > earlyMs
      ? undefined
      : 'start';
  return past.nextDueMs !== undefined && past.nextDueMs <= present.nowMs + earlyMs ? 'interval' : undefined;
}

/** Of what was asked last: a change of it is a reason to draw anew. */
export function askedOf({ stores, texts }: Pick<Present, 'stores' | 'texts'>): string {
  return `${stores} ${texts}`;
}

/** These ask for other values, whatever the target holds. */
const drawsAnew: ReadonlySet<Duty> = new Set<Duty>(['target', 'store', 'texts', 'renewal', 'interval']);

/**
 * What is owed by an object whose values are drawn, of which `present` was seen in the cluster itself: other values, to tell
 * of those that a run before has drawn and could not tell of, or only to sweep what an earlier target name left behind.
 */
export function drawOf(present: Present, past: Past): 'draw' | 'tell' | 'sweep' | undefined {
  const duty = dutyOf({ ...present, hasOrphans: false }, past);
  if (duty === undefined) return present.hasOrphans ? 'sweep' : undefined;
  if (drawsAnew.has(duty) || !(present.isUntold || present.isBeingTold)) return 'draw';
  return past.asked === undefined || past.asked === askedOf(present) ? 'tell' : 'draw';
}

/** What is left of the interval since the values were generated, in ms; `nowMs` is epoch ms. */
function untilNextGenerationMs(
  { status }: Pick<ExternalSecretRecord, 'status'>,
  periodMs: number,
  nowMs: number,
): number {
  const sinceMs = Date.parse(status.refreshTime ?? '');
  return Number.isNaN(sinceMs) ? 0 : Math.max(0, sinceMs + periodMs - nowMs);
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

/** What decides when the object is refreshed next. */
interface NextRefresh {
  readonly es: Pick<ExternalSecretRecord, 'status'>;
  /** What it shares its wave with. */
  readonly phaseKey: string;
  /** The run that has just ended refreshed it. */
  readonly isRefreshed: boolean;
  /** Epoch ms. */
  readonly nowMs: number;
}

/**
 * Time until the next periodic refresh of the object in ms: its next wave, or the opening of a sync window after it. What
 * is generated shares no fetch, so it has no wave: it lives for one interval to the end. undefined when no window ever
 * opens. The spec has a period above 0.
 */
export function untilNextRefreshMs(spec: ExternalSecretSpec, next: NextRefresh): number | undefined {
  const permittedMs = nextPermittedMs(spec.syncWindows, next.nowMs + untilDueMs(spec, next));
  return permittedMs === undefined ? undefined : permittedMs - next.nowMs;
}

function untilDueMs(spec: ExternalSecretSpec, { es, phaseKey, isRefreshed, nowMs }: NextRefresh): number {
  const periodMs = periodOf(spec);
  if (generatorReferences(spec).length === 0) return untilNextWaveMs(phaseKey, periodMs, nowMs);
  return isRefreshed ? periodMs : untilNextGenerationMs(es, periodMs, nowMs);
}
