// Times in which periodic refreshes may happen. A window opens when its schedule fires (UTC) and stays open for its
// duration, both ends included; a schedule or duration that cannot be read counts as never open, as in ESO.
import type { ExternalSecretSpec } from '../crds/external-secret.ts';
import { type CronSchedule, nextFiringMs, parseCron } from './cron.ts';
import { parseGoDuration } from './go-duration.ts';

export type SyncWindows = ExternalSecretSpec['syncWindows'];
type WindowSpec = NonNullable<SyncWindows>['windows'][number];

/** Whether a periodic refresh may happen at `nowMs`. */
export function isRefreshPermitted(windows: SyncWindows, nowMs: number): boolean {
  if (windows === undefined || windows.windows.length === 0) return true;
  const isOpen = windows.windows.some((window) => closesAtMs(window, nowMs) !== undefined);
  return windows.kind === 'deny' ? !isOpen : isOpen;
}

/** How many windows may follow one another without a gap before the search is taken up again at a later run. */
const longestChain = 50;

/**
 * The first instant from `fromMs` on at which a refresh may happen, or at which it is worth to look again; undefined when
 * it never may.
 */
export function nextPermittedMs(windows: SyncWindows, fromMs: number): number | undefined {
  if (windows === undefined || isRefreshPermitted(windows, fromMs)) return fromMs;
  if (windows.kind === 'allow') return earliest(windows.windows.map((window) => opensAfterMs(window, fromMs)));
  let atMs = fromMs;
  for (let i = 0; i < longestChain && !isRefreshPermitted(windows, atMs); i++) {
    const closings = windows.windows.map((window) => closesAtMs(window, atMs) ?? 0);
    atMs = Math.max(...closings) + 1;
  }
  return Number.isFinite(atMs) ? atMs : undefined;
}

/** When a window that is open at `atMs` closes (Infinity: never); undefined when it is not open. */
function closesAtMs({ schedule, duration }: WindowSpec, atMs: number): number | undefined {
  const durationMs = durationOf(duration);
  if (durationMs === undefined) return undefined;
  const everyMs = everyOf(schedule);
  if (everyMs !== undefined) return durationMs >= everyMs ? Number.POSITIVE_INFINITY : undefined;
  const cron = cronOf(schedule);
  const opensMs = cron && nextFiringMs(cron, atMs - durationMs - 1_000);
  if (opensMs === undefined || opensMs > atMs || atMs > opensMs + durationMs) return undefined;
  return opensMs + durationMs;
}

function opensAfterMs({ schedule, duration }: WindowSpec, atMs: number): number | undefined {
  const cron = cronOf(schedule);
  return cron === undefined || durationOf(duration) === undefined ? undefined : nextFiringMs(cron, atMs);
}

/** `@every 6h` fires after any instant that one asks about: its window is open always, or never. */
function everyOf(schedule: string): number | undefined {
  const text = /^@every\s+(\S+)\s*$/.exec(schedule)?.[1];
  return text === undefined ? undefined : durationOf(text);
}

function cronOf(schedule: string): CronSchedule | undefined {
  return schedule.startsWith('@every') ? undefined : parseCron(schedule);
}

function durationOf(text: string): number | undefined {
  try {
    const ms = parseGoDuration(text);
    return ms < 0 ? undefined : ms;
  } catch {
    return undefined;
  }
}

function earliest(instants: readonly (number | undefined)[]): number | undefined {
  const known = instants.filter((instant) => instant !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
