// `spec.publish`: opens the Environment when that is due, and writes what it gives for pods. With an error everything that was
// published stays as it is.
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import type { Publication } from '../../core/publication.ts';
import { renewAtMs } from '../../core/renewal.ts';
import type { EnvironmentSpec } from '../../crds/environment.ts';
import { keyOf } from '../../kube/types.ts';
import type { Run, Signals } from '../kit/object-controller.ts';
import type { EnvironmentRecord } from '../records.ts';
import type { EnvironmentMemory, EnvironmentRooms } from './context.ts';
import { publishDuty, publishIntervalOf, publishVersionOf } from './duty.ts';
import { bringTarget, isAsPublished, type PublishTarget, sweepTargets, targetSource } from './targets.ts';

type Publish = NonNullable<EnvironmentSpec['publish']>;

export interface Published {
  /** Whether the Environment was opened in this run. */
  readonly isRefreshed: boolean;
  /** What was written or deleted, for events. */
  readonly wrote: readonly { readonly reason: 'Created' | 'Updated' | 'Deleted'; readonly message: string }[];
}

/** Throws InvalidSpec, Unsupported, what opening and writing throw. */
export async function publish(
  environment: EnvironmentRecord,
  spec: EnvironmentSpec,
  { memory, run }: { readonly memory: EnvironmentMemory; readonly run: Run },
  rooms: EnvironmentRooms,
  signals: Signals,
): Promise<Published> {
  const key = keyOf(environment);
  const { clock, openSources } = rooms;
  const changes = openSources.changesOf(key);
  if (spec.publish !== undefined) refuseUnusable(spec.publish, rooms);
  const intervalMs = spec.publish === undefined ? 0 : publishIntervalOf(spec.publish);
  const present = {
    isWanted: spec.publish !== undefined,
    version: publishVersionOf(environment),
    changes,
    areTargetsAsWritten: areTargetsAsWritten(environment, spec.publish, rooms),
    nowMs: clock.monotonicMs(),
  };
  if (publishDuty(present, memory.published) === undefined) {
    if (!present.isWanted) stop(environment, memory, rooms);
    return { isRefreshed: false, wrote: await sweep(environment, spec.publish, rooms, signals.write) };
  }
  const openedAtMs = clock.monotonicMs();
  const opened = await open(environment, run, rooms, signals.wait);
  const taken = { value: opened.value, publish: spec.publish ?? {} };
  const publication = await run.desk(signals.wait).run('publication', taken);
  const wrote = await bring(environment, spec.publish ?? {}, publication, rooms, signals.write);
  const swept = await sweep(environment, spec.publish, rooms, signals.write);
  const periodicAtMs = intervalMs === 0 ? Number.POSITIVE_INFINITY : openedAtMs + intervalMs;
  const dueAtMs = Math.min(periodicAtMs, renewAtMs(openedAtMs, opened.lifetimeMs) ?? periodicAtMs);
  const endsAtMs = opened.lifetimeMs === undefined ? undefined : openedAtMs + opened.lifetimeMs;
  memory.published = { version: present.version, changes, dueAtMs, endsAtMs };
  return { isRefreshed: true, wrote: [...wrote, ...swept] };
}

async function open(
  environment: EnvironmentRecord,
  { notBeforeMs, desk }: Run,
  { openSources, evaluation }: EnvironmentRooms,
  signal: AbortSignal,
) {
  const name = keyOf(environment);
  const { cluster, settle } = openSources.begin(name);
  const order = { name, holder: publishHolder(name), notBeforeMs };
  const opened = await evaluation.open(order, { cluster, desk: desk(signal) }, signal);
  settle();
  return opened;
}

/** Who holds the sessions that a publication logged in. */
export function publishHolder(key: string): string {
  return `environment/publish/${key}`;
}

function stop(environment: EnvironmentRecord, memory: EnvironmentMemory, rooms: EnvironmentRooms): void {
  if (memory.published === undefined) return;
  memory.published = undefined;
  rooms.openSources.forget(keyOf(environment));
  rooms.evaluation.release(publishHolder(keyOf(environment)));
}

function refuseUnusable({ secretName, configMapName }: Publish, { configMaps }: EnvironmentRooms): void {
  if (secretName === undefined && configMapName === undefined)
    throw new OperatorError(
      'InvalidSpec',
      'spec.publish: name a Secret (secretName), a ConfigMap (configMapName) or both',
    );
  if (configMapName !== undefined && configMaps === undefined) {
    throw new OperatorError(
      'Unsupported',
      'spec.publish.configMapName: the operator may write no ConfigMaps; an administrator allows it by the chart value genericTargets.enabled',
    );
  }
}

interface Place {
  readonly target: PublishTarget;
  readonly name: string | undefined;
}

function placesOf({ secretName, configMapName }: Publish, { secrets, configMaps }: EnvironmentRooms): readonly Place[] {
  const inSecrets = { target: secrets, name: secretName };
  return configMaps === undefined ? [inSecrets] : [inSecrets, { target: configMaps, name: configMapName }];
}

function areTargetsAsWritten(environment: EnvironmentRecord, spec: Publish = {}, rooms: EnvironmentRooms): boolean {
  return placesOf(spec, rooms).every(
    ({ target, name }) => name === undefined || isAsPublished(targetSource(environment, target.kind, name), target),
  );
}

async function bring(
  environment: EnvironmentRecord,
  spec: Publish,
  { secret, configMap }: Publication,
  rooms: EnvironmentRooms,
  signal: AbortSignal,
): Promise<Published['wrote']> {
  const wrote: Published['wrote'][number][] = [];
  // Both are planned before either matters: a failure of one is told, and leaves the other.
  const failures: OperatorError[] = [];
  for (const { target, name } of placesOf(spec, rooms)) {
    if (name === undefined) continue;
    const data = target.kind === 'Secret' ? secret : configMap;
    try {
      const what = await bringTarget(targetSource(environment, target.kind, name), data, target, rooms, signal);
      if (what === 'created') wrote.push({ reason: 'Created', message: `${target.kind} "${name}" created` });
      if (what === 'updated') wrote.push({ reason: 'Updated', message: `${target.kind} "${name}" updated` });
    } catch (thrown) {
      failures.push(asOperatorError(thrown));
    }
  }
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  return wrote;
}

async function sweep(
  environment: EnvironmentRecord,
  spec: Publish = {},
  rooms: EnvironmentRooms,
  signal: AbortSignal,
): Promise<Published['wrote']> {
  const swept: Published['wrote'][number][] = [];
  for (const { target, name } of placesOf(spec, rooms)) {
    const count = await sweepTargets(targetSource(environment, target.kind, name), target, rooms, signal);
    if (count > 0) swept.push({ reason: 'Deleted', message: `${target.kind} of an earlier name deleted` });
  }
  return swept;
}
