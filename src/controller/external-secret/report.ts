// What an ExternalSecret's status, events and metrics say after a run; `withdrawReady` is the first write after an edit.
import { explain, type OperatorError } from '../../base/operator-error.ts';
import { dataHashAnnotation } from '../../core/contract-names.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Combined } from '../../core/selection.ts';
import { rfc3339, type Verdict } from '../../core/sync-status.ts';
import { doubtsAbout } from '../../core/unsupported.ts';
import { isForeignProvider } from '../../crds/foreign-providers.ts';
import type { ExternalSecretRecord, StoreRecord } from '../records.ts';
import { failedVerdict, withdrawnVerdict } from '../report.ts';
import { manifestOf, targetKey } from './apply.ts';
import type { EsMemory, Rooms } from './context.ts';
import { refreshPolicyOf, versionOf } from './duty.ts';

const failedReason = 'SecretSyncedError';

/** Takes Ready=True of an older generation back, before anything else: it is never green for what it is not. */
export async function withdrawReady(
  es: ExternalSecretRecord,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<ExternalSecretRecord> {
  const verdict = withdrawnVerdict('the changed spec is being synced');
  return await write(es, verdict, { fields: {}, isDue: true }, rooms, signal);
}

/** Whether Ready=True stands for a generation that is no longer the present one. */
export function isGreenForOlderSpec(es: ExternalSecretRecord, { reporter }: Rooms): boolean {
  const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return false;
  if (isNeverSyncedAgain(es)) return false;
  if (reporter.isExtended && ready.observedGeneration !== undefined) return ready.observedGeneration !== es.generation;
  return !(es.status.syncedResourceVersion ?? '').startsWith(`${es.generation}-`);
}

/** Under CreatedOnce an edit of a synced object changes nothing, so its verdict stands. */
function isNeverSyncedAgain({ spec, status }: ExternalSecretRecord): boolean {
  return 'ok' in spec && refreshPolicyOf(spec.ok) === 'CreatedOnce' && (status.syncedResourceVersion ?? '') !== '';
}

/**
 * Whether the status does not say yet that the present generation was looked at, although nothing is to be done for it: it
 * was synced, by us or by ESO, and its policy asks for no more.
 */
export function isUnobserved(es: ExternalSecretRecord, { reporter }: Pick<Rooms, 'reporter'>): boolean {
  if (!reporter.isExtended || es.status.observedGeneration === es.generation) return false;
  return isNeverSyncedAgain(es) || (es.status.syncedResourceVersion ?? '').startsWith(`${es.generation}-`);
}

/** Says that the present generation was looked at, and that the verdict stands. */
export async function observeGeneration(es: ExternalSecretRecord, rooms: Rooms, signal: AbortSignal): Promise<void> {
  const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return;
  const verdict: Verdict = { ready: 'True', reason: ready.reason ?? '', message: ready.message ?? '' };
  await write(es, verdict, { fields: {}, isDue: false }, rooms, signal);
}

/** Writes the status of a run that came to a verdict, then asks for its event. */
export async function reportOutcome(
  es: ExternalSecretRecord,
  outcome: Extract<Outcome, { kind: 'synced' | 'failed' }>,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  if (outcome.kind === 'failed') return void (await reportFailure(es, outcome.error, rooms, signal));
  const verdict: Verdict = {
    ready: 'True',
    reason: outcome.reason,
    message: outcome.message,
    renews: 'ok' in es.spec && refreshPolicyOf(es.spec.ok) === 'OnChange',
  };
  const isBound = isTargetThere(es, rooms);
  const version = versionOf(es);
  const isNewVersion = es.status.syncedResourceVersion !== version;
  const isDue =
    outcome.wrote !== 'nothing' ||
    outcome.kept === 'untold' ||
    isNewVersion ||
    (isBound && es.status.binding?.name !== es.targetName) ||
    isHeartbeatDue(es, rooms);
  const fields = {
    refreshTime: rooms.reporter.now(),
    syncedResourceVersion: version,
    ...(isBound ? { binding: { name: es.targetName } } : {}),
    ...(rooms.reporter.isExtended && outcome.kept === undefined ? keyFields(outcome) : {}),
  };
  await write(es, verdict, { fields, isDue }, rooms, signal);
  if (isNewVersion && 'ok' in es.spec)
    for (const doubt of doubtsAbout(es.spec.ok)) rooms.reporter.event(es, 'Warning', 'InvalidSpec', doubt);
  if (outcome.wrote !== 'nothing') {
    const { reason, message } = writeEvent(es, outcome.wrote, outcome.message);
    rooms.reporter.event(es, 'Normal', reason, message);
  }
  const gone = isDue ? missingMessage(outcome.missing) : undefined;
  if (gone !== undefined) rooms.reporter.event(es, 'Normal', 'MissingProviderSecret', gone);
  if (outcome.wrote === 'nothing') return;
  for (const losses of [shadowedMessage(outcome.shadowed), collisionMessage(outcome.collisions)]) {
    if (losses !== undefined) rooms.reporter.event(es, 'Warning', 'Shadowed', losses);
  }
}

/** Most warnings that one event takes. */
const mostWarnings = 3;

/**
 * Asks for one event when the sources warn of something else than in the run before. What they warned of before a restart is
 * not known: then it is told with the next change only, so that a restart alone writes nothing.
 */
export function reportWarnings(
  es: ExternalSecretRecord,
  { wrote, warnings }: Pick<Extract<Outcome, { kind: 'synced' }>, 'wrote' | 'warnings'>,
  memory: Pick<EsMemory, 'warned'>,
  { reporter }: Pick<Rooms, 'reporter'>,
): void {
  const rest = warnings.length > mostWarnings ? ` and of ${warnings.length - mostWarnings} more` : '';
  const text = `${warnings.slice(0, mostWarnings).join('; ')}${rest}`;
  const isNews = memory.warned === undefined ? wrote !== 'nothing' : memory.warned !== text;
  memory.warned = text;
  if (isNews && text !== '') reporter.event(es, 'Warning', 'SourceWarning', `the source warns: ${text}`);
}

/** How the event of a write is worded, as in ESO. */
function writeEvent(es: ExternalSecretRecord, wrote: 'created' | 'updated' | 'deleted', message: string) {
  const reason = { created: 'Created', updated: 'Updated', deleted: 'Deleted' }[wrote];
  const manifest = manifestOf(es);
  if (manifest !== undefined) return { reason, message: `${reason} ${manifest.kind} ${es.targetName}` };
  return { reason, message: wrote === 'deleted' ? message : `secret ${wrote}` };
}

/** Longest folder or version that is repeated, in characters. */
const longestText = 200;

/** The summary of where the keys are from. Written along with what is due anyway: no version is worth a write of its own. */
export function keyFields({ sources, keyCount }: Pick<SyncedOutcome, 'sources' | 'keyCount'>) {
  const keys = sources.map(({ key, source, folder, version, sinceMs }) => ({
    key,
    source,
    ...(folder === undefined ? {} : { folder: folder.slice(0, longestText).toWellFormed() }),
    ...(version === undefined ? {} : { version: version.slice(0, longestText).toWellFormed() }),
    ...(sinceMs === undefined ? {} : { since: rfc3339(sinceMs) }),
  }));
  return { keys, keyCount };
}

type SyncedOutcome = Extract<Outcome, { kind: 'synced' }>;

/** The binding names a target that this object writes and that is there; one that was merely found has no hash. */
function isTargetThere(es: ExternalSecretRecord, { targets }: Rooms): boolean {
  if (manifestOf(es) !== undefined) return false; // a binding is to a Secret
  const writes = 'ok' in es.spec && es.spec.ok.target.creationPolicy !== 'None';
  return writes && targets.get(targetKey(es))?.annotations[dataHashAnnotation] !== undefined;
}

/** How many names a message lists. */
const namedShadows = 5;

/** What the event says about entries whose secret is gone at the provider; undefined when there are none. */
export function missingMessage(missing: readonly string[]): string | undefined {
  if (missing.length === 0) return undefined;
  const rest = missing.length > namedShadows ? ` and ${missing.length - namedShadows} more` : '';
  return `secret does not exist at provider using ${missing.slice(0, namedShadows).join(', ')}${rest}`;
}

/** What the warning says about values that another folder's value of the same key hides; undefined when there are none. */
export function shadowedMessage(shadowed: readonly string[]): string | undefined {
  if (shadowed.length === 0) return undefined;
  const rest = shadowed.length > namedShadows ? ` and ${shadowed.length - namedShadows} more` : '';
  const named = shadowed.slice(0, namedShadows).map((name) => `"${name}"`);
  return `not used, because a folder nearer to that of the search has the same key: ${named.join(', ')}${rest}; rename them, or search in one folder at a time`;
}

/** What the warning says about values that a rewrite gave the key of another one; undefined when there are none. */
export function collisionMessage(collisions: Combined['collisions']): string | undefined {
  if (collisions.length === 0) return undefined;
  const rest = collisions.length > namedShadows ? ` and ${collisions.length - namedShadows} more` : '';
  const named = collisions.slice(0, namedShadows).map(({ at, step, key, winner, losers }) => {
    const lost = losers.slice(0, namedShadows).map(shortKey).join(', ');
    const uncounted = losers.length > namedShadows ? ` and ${losers.length - namedShadows} more` : '';
    return `${at} ${step}: ${lost}${uncounted} and ${shortKey(winner)} become ${shortKey(key)}, whose value is that of ${shortKey(winner)}`;
  });
  return `not used, because a rewrite gives several keys one name: ${named.join('; ')}${rest}`;
}

function shortKey(key: string): string {
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
}

/** Says which controller the object waits for. */
export async function reportStranger(
  es: ExternalSecretRecord,
  { kind, name, providers }: StoreRecord,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  const provider = providers.find(isForeignProvider) ?? '';
  const message = `waits for another controller, such as External Secrets Operator: ${kind} "${name}" is of provider "${provider}", which Escapement does not serve`;
  await write(es, { ready: 'False', reason: failedReason, message }, { fields: {}, isDue: false }, rooms, signal);
}

/** Says since when the source does not answer an object that stays Ready=True; once in a silence. */
export async function reportSilence(
  es: ExternalSecretRecord,
  error: OperatorError,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
  const message = `the Secret is as last synced; since ${rooms.reporter.now()} its source does not answer: ${explain(error)}`;
  await write(es, { ready: 'True', reason: ready?.reason ?? '', message }, { fields: {}, isDue: false }, rooms, signal);
}

/** Whether the object says Ready=True, and its spec and marks are those that were synced. */
export function isSyncedAsIs({ status, ...es }: ExternalSecretRecord): boolean {
  const ready = (status.conditions ?? []).find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && status.syncedResourceVersion === versionOf({ status, ...es });
}

/** Writes Ready=False, and asks for its event. The record after it. */
export async function reportFailure(
  es: ExternalSecretRecord,
  error: OperatorError,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<ExternalSecretRecord> {
  const verdict = failedVerdict(failedReasonOf(es, error), error);
  const fields = manifestOf(es) === undefined ? failureFields(es, error) : {};
  const after = await write(es, verdict, { fields, isDue: false }, rooms, signal);
  // One event per verdict, not per attempt: the condition stands for the present state.
  if (after !== es) rooms.reporter.event(es, 'Warning', 'UpdateFailed', verdict.message);
  return after;
}

/** As in ESO, a kind that may not be a target is told of like a Secret. */
function failedReasonOf(es: ExternalSecretRecord, { reason }: OperatorError): string {
  return manifestOf(es) === undefined || reason === 'SwitchedOff' ? failedReason : 'ResourceSyncedError';
}

/** As in ESO, the binding names a target that is there, even if it may not be updated. */
export function failureFields({ targetName }: Pick<ExternalSecretRecord, 'targetName'>, { reason }: OperatorError) {
  return reason === 'TargetConflict' ? { binding: { name: targetName } } : {};
}

export function isHeartbeatDue(
  es: Pick<ExternalSecretRecord, 'status'>,
  { heartbeatMs, clock }: Pick<Rooms, 'heartbeatMs' | 'clock'>,
): boolean {
  const refreshedMs = Date.parse(es.status.refreshTime ?? '');
  // In either direction: a time that lies far ahead was written by a clock that has been set back since.
  return Number.isNaN(refreshedMs) || Math.abs(clock.nowMs() - refreshedMs) >= heartbeatMs;
}

/** The record after the write, or the same one when there was nothing to write. */
async function write(
  es: ExternalSecretRecord,
  verdict: Verdict,
  change: { readonly fields: Readonly<Record<string, unknown>>; readonly isDue: boolean },
  rooms: Rooms,
  signal: AbortSignal,
): Promise<ExternalSecretRecord> {
  return (await rooms.reporter.writeStatus(es, verdict, change, signal)) ?? es;
}
