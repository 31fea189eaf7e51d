// Plans the target from what was read and carries the plan out: at most one write, under ESO's field manager.
import { fieldManagerName } from '../../core/field-manager.ts';
import { asOperatorError, OperatorError } from '../../core/operator-error.ts';
import type { Outcome } from '../../core/outcome.ts';
import { planOwnedTarget, type TargetPlan, type WantedSecret } from '../../core/target-plan.ts';
import type { Secret } from '../../kube/types.ts';
import { type ExternalSecretRecord, targetRecord } from '../records.ts';
import type { Rooms } from './context.ts';
import type { Sources } from './read.ts';

/** What a Kubernetes Secret may hold: https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size */
const largestSecretBytes = 1_048_576;

type Synced = Extract<Outcome, { kind: 'synced' }>;

/** Throws TargetConflict, TargetTooLarge, NothingFound, Conflict and what the API server refuses. */
export async function applyTarget(
  es: ExternalSecretRecord,
  sources: Sources,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Synced> {
  const observed = rooms.targets.get(targetKey(es));
  if (sources.data.size === 0 && observed === undefined && sources.searches.length > 0) {
    throw nothingFound(sources);
  }
  if (sources.data.size === 0) {
    return {
      kind: 'synced',
      wrote: 'nothing',
      reason: 'SecretSynced',
      message: sources.isEmptied
        ? 'secret retained due to DeletionPolicy=Retain: the sources have values, but none is left after rewriting'
        : 'secret retained due to DeletionPolicy=Retain',
      shadowed: [],
      collisions: [],
    };
  }
  refuseTooLarge(es, sources);
  const plan = planOwnedTarget(es, sources.data, observed);
  const wrote = plan.action === 'none' ? 'nothing' : await write(es, sources, plan, rooms, signal);
  return {
    kind: 'synced',
    wrote,
    reason: 'SecretSynced',
    message: 'secret synced',
    shadowed: sources.shadowed,
    collisions: sources.collisions,
  };
}

function nothingFound({ searches, isEmptied }: Sources): OperatorError {
  const places = searches.join('; ');
  if (!isEmptied) return new OperatorError('NothingFound', `nothing was found: ${places}`);
  return new OperatorError('NothingFound', `values were found, but none is left after rewriting: ${places}`);
}

async function write(
  es: ExternalSecretRecord,
  sources: Sources,
  plan: Exclude<TargetPlan, { action: 'none' }>,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<'created' | 'updated' | 'nothing'> {
  const options = { fieldManager: fieldManagerName(es.name) };
  const secret = toSecret(plan.secret);
  if (plan.action === 'update') {
    await rooms.writer.update(rooms.secrets, secret, options, signal);
    return 'updated';
  }
  try {
    await rooms.writer.create(rooms.secrets, secret, options, signal);
    return 'created';
  } catch (thrown) {
    if (asOperatorError(thrown).reason !== 'Conflict') throw thrown;
    return await adopt(es, sources, rooms, signal);
  }
}

/**
 * A Secret of that name is there that no cache knew: without our label, or written by a run that never got its answer.
 * It is read once and taken over, as ESO does.
 */
async function adopt(
  es: ExternalSecretRecord,
  sources: Sources,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<'updated' | 'nothing'> {
  const present = await readPresent(es, rooms, signal);
  const observed = targetRecord(present);
  const plan = planOwnedTarget(es, sources.data, observed);
  if (plan.action === 'none') {
    rooms.targets.note(targetKey(es), observed);
    return 'nothing';
  }
  const options = { fieldManager: fieldManagerName(es.name) };
  await rooms.writer.update(rooms.secrets, toSecret(plan.secret), options, signal);
  return 'updated';
}

async function readPresent(es: ExternalSecretRecord, rooms: Rooms, signal: AbortSignal): Promise<Secret> {
  const { namespace, targetName: name } = es;
  try {
    return await rooms.kube.get<Secret>(rooms.secrets.resource, { namespace, name }, signal);
  } catch (thrown) {
    const error = asOperatorError(thrown);
    if (error.reason !== 'ReferenceNotFound') throw thrown;
    throw new OperatorError('Conflict', error.message, { cause: error }); // gone again since it was in the way
  }
}

function refuseTooLarge(es: ExternalSecretRecord, { data }: Sources): void {
  let bytes = 0;
  for (const value of data.values()) bytes += value.length;
  if (bytes <= largestSecretBytes) return;
  throw new OperatorError(
    'TargetTooLarge',
    `the data of target Secret "${es.targetName}" would be ${bytes} bytes, more than the ${largestSecretBytes} that a Secret can hold`,
  );
}

/** Deletes what was written under earlier target names. To be called once the present target is written. */
export async function sweepOrphans(es: ExternalSecretRecord, rooms: Rooms, signal: AbortSignal): Promise<void> {
  for (const orphan of rooms.owned.orphansOf(`${es.namespace}/${es.name}`, es)) {
    await rooms.writer.delete(rooms.secrets, orphan, signal);
    rooms.reporter.event(es, 'Normal', 'Deleted', 'secret deleted because it was orphaned');
  }
}

export function targetKey(es: ExternalSecretRecord): string {
  return `${es.namespace}/${es.targetName}`;
}

/** The object as it is sent: the place where values leave. */
function toSecret(wanted: WantedSecret): Secret {
  const data = Object.create(null) as Record<string, string>; // keys come from outside: `__proto__` must be one like any other
  for (const [key, value] of wanted.data) data[key] = value.reveal().toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace: wanted.namespace,
      name: wanted.name,
      ...(wanted.uid === undefined ? {} : { uid: wanted.uid }),
      ...(wanted.resourceVersion === undefined ? {} : { resourceVersion: wanted.resourceVersion }),
      labels: wanted.labels,
      annotations: wanted.annotations,
      ownerReferences: wanted.owners,
      ...(wanted.finalizers.length === 0 ? {} : { finalizers: wanted.finalizers }),
    },
    type: wanted.type ?? 'Opaque',
    ...(wanted.immutable === true ? { immutable: true } : {}),
    data,
  };
}
