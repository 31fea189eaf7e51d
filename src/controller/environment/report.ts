// What an Environment's status and events say after a run.

import { explain, type OperatorError } from '../../base/operator-error.ts';
import { type CheckedEnvironment, isPlainSecretWarning } from '../../core/environment-check.ts';
import { sameJson } from '../../core/same-json.ts';
import type { Verdict } from '../../core/sync-status.ts';
import type { EnvironmentSpec, EnvironmentStatus } from '../../crds/environment.ts';
import { lanes } from '../lanes.ts';
import type { EnvironmentRecord } from '../records.ts';
import { withdrawnVerdict } from '../report.ts';
import type { EnvironmentRooms } from './context.ts';
import type { Published } from './publish.ts';

type Rooms = Pick<EnvironmentRooms, 'reporter' | 'writer'>;

/** What a run found besides the verdict; absent for one that ended before the check. */
export interface Findings {
  readonly checked: CheckedEnvironment;
  readonly importedBy: readonly string[];
  /** Number of the revision that holds the document; undefined leaves what is told. */
  readonly revision: number | undefined;
  /** Absent when it was not decided, or failed: what is told stays. */
  readonly published?: EnvironmentStatus['published'] | null;
}

/** Ready=True. */
export function validVerdict({ warnings }: CheckedEnvironment, publish: EnvironmentSpec['publish']): Verdict {
  const more = warnings === 0 ? '' : `; ${warnings} warning${warnings === 1 ? '' : 's'}, see status.diagnostics`;
  const { secretName, configMapName } = publish ?? {};
  const places = [
    ...(secretName === undefined ? [] : [`Secret "${secretName}"`]),
    ...(configMapName === undefined ? [] : [`ConfigMap "${configMapName}"`]),
  ];
  if (places.length === 0) return { ready: 'True', reason: 'Valid', message: `the document is valid${more}` };
  return { ready: 'True', reason: 'Published', message: `published in ${places.join(' and ')}${more}` };
}

/** What is published stays good for some time while what it opens does not answer. */
export function silentVerdict(error: OperatorError, { reporter }: Pick<EnvironmentRooms, 'reporter'>): Verdict {
  const since = `since ${reporter.now()} what it opens does not answer`;
  return { ready: 'True', reason: 'Published', message: `all is as it was published; ${since}: ${explain(error)}` };
}

/**
 * What the status says of a publication. The time moves when something was written, when the Environment is another, and
 * otherwise once per heartbeat.
 */
export function publishedStatus(
  { status, generation }: EnvironmentRecord,
  publish: EnvironmentSpec['publish'],
  { isRefreshed, wrote }: Published,
  { heartbeatMs, clock, reporter }: Pick<EnvironmentRooms, 'heartbeatMs' | 'clock' | 'reporter'>,
): NonNullable<EnvironmentStatus['published']> | null {
  if (publish === undefined) return null;
  const { secretName, configMapName } = publish;
  const known = status.published?.refreshTime;
  const knownMs = Date.parse(known ?? '');
  const isOld = Number.isNaN(knownMs) || Math.abs(clock.nowMs() - knownMs) >= heartbeatMs;
  const isNew = wrote.length > 0 || status.observedGeneration !== generation || isOld;
  const refreshTime = isRefreshed && isNew ? reporter.now() : known;
  return {
    ...(secretName === undefined ? {} : { secretName }),
    ...(configMapName === undefined ? {} : { configMapName }),
    ...(refreshTime === undefined ? {} : { refreshTime }),
  };
}

/** Whether Ready=True stands for a generation that is no longer the present one. */
export function isGreenForOlderSpec({ status, generation }: EnvironmentRecord): boolean {
  const ready = (status.conditions ?? []).find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration !== generation;
}

/** Takes Ready=True of an older generation back, before anything else is written. */
export async function withdrawReady(
  environment: EnvironmentRecord,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<EnvironmentRecord> {
  const verdict = withdrawnVerdict('the changed document is being checked');
  return await write(environment, verdict, {}, rooms, signal);
}

/** Writes the status, if it changes, and asks for the events about what is new in it. */
export async function report(
  environment: EnvironmentRecord,
  verdict: Verdict,
  findings: Findings | undefined,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  const { reporter } = rooms;
  const fields = findings === undefined ? {} : fieldsOf(findings);
  const after = await write(environment, verdict, fields, rooms, signal);
  if (after === environment) return;
  const before = (environment.status.conditions ?? []).find(({ type }) => type === 'Ready');
  const isSame = before?.reason === verdict.reason && (verdict.ready === 'True' || before.message === verdict.message);
  const type = verdict.ready === 'True' ? 'Normal' : 'Warning';
  if (!isSame) reporter.event(environment, type, verdict.reason, verdict.message);
  const warning = findings?.checked.diagnostics.find(isPlainSecretWarning);
  const isWarned = (environment.status.diagnostics ?? []).some(isPlainSecretWarning);
  if (warning !== undefined && !isWarned)
    reporter.event(environment, 'Warning', 'PlainSecret', `${warning.path ?? ''}: ${warning.message}`);
}

async function write(
  environment: EnvironmentRecord,
  verdict: Verdict,
  fields: Readonly<Record<string, unknown>>,
  { reporter, writer }: Rooms,
  signal: AbortSignal,
): Promise<EnvironmentRecord> {
  const present = environment.status as Readonly<Record<string, unknown>>; // by the same names
  const isDue = Object.entries(fields).some(([name, value]) => !sameJson(present[name] ?? null, value));
  return await writer.inTurn(
    lanes.spec,
    signal,
    async () => (await reporter.writeStatus(environment, verdict, { fields, isDue }, signal)) ?? environment,
  );
}

function fieldsOf({ checked, importedBy, revision, published }: Findings): Readonly<Record<string, unknown>> {
  const { diagnostics, imports, keys } = checked;
  return {
    diagnostics: orNull(diagnostics),
    imports: orNull(imports),
    importedBy: orNull(importedBy),
    keys: orNull(keys),
    ...(revision === undefined ? {} : { revision }),
    ...(published === undefined ? {} : { published }),
  };
}

/** A merge patch takes away what is null. */
function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
