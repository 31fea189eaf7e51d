// Which objects were running when the process died, and which of them must wait: an object that ran at two deaths may be
// their cause, and is let out after a change or an hour. Pure: the record arrives as data and leaves as data.
import { isRecord, listOf } from '../base/json.ts';

/** An object and the state of its spec. */
export interface RunningObject {
  /** Such as `ExternalSecret/shop/web`. */
  readonly key: string;
  readonly generation: number;
}

/** Deaths at which an object was running, without a change of it between them. */
interface Suspect extends RunningObject {
  readonly deaths: number;
  /** Epoch ms of the start after the last of them. */
  readonly seenAtMs: number;
}

/** What outlives a death. */
export interface RunRecord {
  readonly running: readonly RunningObject[];
  readonly suspects: readonly Suspect[];
}

export const emptyRecord: RunRecord = { running: [], suspects: [] };

/** Deaths after which an object waits. */
const deathsToWait = 2;
/** How long it waits, and how long a death counts. */
const waitMs = 3_600_000;
/** Objects that are kept: all that ran at a death, and no more than fit a small file. */
const mostSuspects = 1_000;

/** The record of a process that has just started: everything that ran when the last one ended has one death more. */
export function afterDeath(record: RunRecord, nowMs: number): RunRecord {
  const known = new Map(record.suspects.filter((each) => isRecent(each, nowMs)).map((each) => [each.key, each]));
  for (const { key, generation } of record.running) {
    const before = known.get(key);
    const deaths = before?.generation === generation ? before.deaths + 1 : 1;
    known.delete(key); // the youngest stands last
    known.set(key, { key, generation, deaths, seenAtMs: nowMs });
  }
  return { running: [], suspects: [...known.values()].slice(-mostSuspects) };
}

/** Since when an object waits and until when, in epoch ms. */
export interface Wait {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Whether the object waits; undefined when it may run. */
export function waitOf(record: RunRecord, object: RunningObject, nowMs: number): Wait | undefined {
  const suspect = suspectOf(record, object, nowMs);
  if (suspect === undefined || suspect.deaths < deathsToWait) return undefined;
  return { sinceMs: suspect.seenAtMs, untilMs: suspect.seenAtMs + waitMs };
}

/** Deaths at which the object was running as it is now. */
export function deathsOf(record: RunRecord, object: RunningObject, nowMs: number): number {
  return suspectOf(record, object, nowMs)?.deaths ?? 0;
}

/** Keys of the objects that wait unless they change. */
export function waitingIn(record: RunRecord, nowMs: number): readonly string[] {
  return record.suspects.filter((each) => waitOf(record, each, nowMs) !== undefined).map(({ key }) => key);
}

function suspectOf({ suspects }: RunRecord, { key, generation }: RunningObject, nowMs: number): Suspect | undefined {
  return suspects.find((each) => each.key === key && each.generation === generation && isRecent(each, nowMs));
}

/** A clock that was set back does not make anybody wait longer than the hour. */
function isRecent({ seenAtMs }: Suspect, nowMs: number): boolean {
  return seenAtMs <= nowMs && nowMs < seenAtMs + waitMs;
}

/** The record as text of a file. */
export function writeRecord(record: RunRecord): string {
  return JSON.stringify(record);
}

/** Reads what `writeRecord` wrote; anything else, such as a file that a death cut off, is an empty record. */
export function readRecord(text: string): RunRecord {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecord(parsed)) return emptyRecord;
    const running = listOf(parsed['running']).filter(isRunning);
    const suspects = listOf(parsed['suspects']).filter(isSuspect);
    return {
      running: running.map(({ key, generation }) => ({ key, generation })),
      suspects: suspects.map(({ key, generation, deaths, seenAtMs }) => ({ key, generation, deaths, seenAtMs })),
    };
  } catch {
    return emptyRecord;
  }
}

function isRunning(value: unknown): value is RunningObject {
  return isRecord(value) && typeof value['key'] === 'string' && Number.isFinite(value['generation']);
}

function isSuspect(value: unknown): value is Suspect {
  const counts = isRecord(value) && Number.isFinite(value['deaths']) && Number.isFinite(value['seenAtMs']);
  return counts && isRunning(value);
}
