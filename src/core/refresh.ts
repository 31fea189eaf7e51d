// When an ExternalSecret is looked at again. Periodic due times keep a phase that is derived from the scope and the
// interval, so that objects of one scope share a wave and one fetch while scopes spread over the interval, also after a
// restart.

import { hash } from 'node:crypto';
import { doubledMs } from '../base/backoff.ts';

/** Intervals below this are raised to it: a faster beat asks more of the upstream than any change needs. */
export const shortestIntervalMs = 1_000;

/**
 * The next instant of the wave that `phaseKey` belongs to: above `afterMs`, at most one interval away, the same for every
 * object with this key and interval. Epoch ms, whole. `intervalMs` is at least 1.
 */
export function nextWaveMs(phaseKey: string, intervalMs: number, afterMs: number): number {
  // Whole numbers: sums of fractions would round differently for different members of a wave.
  const beatMs = Math.floor(intervalMs);
  const phaseMs = Math.floor(phaseOf(phaseKey) * beatMs);
  const beats = Math.floor((afterMs - phaseMs) / beatMs) + 1;
  return phaseMs + beats * beatMs;
}

/** A number in [0, 1) that depends on nothing but the key. */
function phaseOf(key: string): number {
  return hash('sha1', key, 'buffer').readUInt32BE(0) / 2 ** 32;
}

/** What a status says about the last sync. */
export interface SyncRecord {
  readonly syncedResourceVersion: string | undefined;
  /** RFC 3339. */
  readonly refreshTime: string | undefined;
}

export type RefreshPolicy = 'CreatedOnce' | 'Periodic' | 'OnChange';

/**
 * True when nothing was synced yet, or spec, labels or annotations changed since: an interval of 0 ends periodic refreshes
 * only. Under CreatedOnce the first sync is the last.
 */
export function isSpecDue(record: SyncRecord, currentVersion: string, policy: RefreshPolicy): boolean {
  const synced = record.syncedResourceVersion ?? '';
  if (synced === '' || refreshedAtMs(record) === undefined) return true;
  return policy !== 'CreatedOnce' && synced !== currentVersion;
}

function refreshedAtMs(record: SyncRecord): number | undefined {
  const ms = Date.parse(record.refreshTime ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** How long a steady failure waits at most between two tries, in ms: whoever mends it does not wait for a long interval. */
const longestRetryMs = 300_000;

/** The backoff of one failed object: doubles from the reason's base up to the refresh interval, 5 minutes at most. */
export function retryDelayMs(failures: number, baseDelayMs: number, intervalMs: number): number {
  const capMs = intervalMs > 0 ? Math.min(intervalMs, longestRetryMs) : longestRetryMs;
  return doubledMs(failures, baseDelayMs, Math.max(capMs, baseDelayMs));
}
