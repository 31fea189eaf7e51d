// Secrets that were written under an earlier `target.name`: which they are, and their end. They are found by comparing what
// the caches hold, so that one which a crash left behind goes as well.
import { isOrphanOf, type ObservedTarget } from '../../core/target-plan.ts';
import { secretResource } from '../../credentials/store-credentials.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { Memory, Rooms } from './context.ts';

export const noOrphans: ReadonlySet<string> = new Set();

/** Takes note of a target that belongs to the ExternalSecret under another name than the present; tells whether it does. */
export function noteOrphan(es: ExternalSecretRecord, target: ObservedTarget, memory: Memory): boolean {
  if (!isOrphanOf(es, target)) return false;
  memory.orphans = new Set([...memory.orphans, keyOf(target)]);
  return true;
}

/** Deletes what is still an orphan. To be called once the present target is written. Throws what the API server refuses. */
export async function sweepOrphans(
  es: ExternalSecretRecord,
  memory: Memory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  for (const key of memory.orphans) {
    const target = rooms.targets.get(key);
    if (target !== undefined && isOrphanOf(es, target)) await remove(es, target, rooms, signal);
    memory.orphans = new Set([...memory.orphans].filter((other) => other !== key));
  }
}

async function remove(
  es: ExternalSecretRecord,
  { namespace, name, uid, resourceVersion }: ObservedTarget,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  rooms.guard();
  const preconditions = { uid, resourceVersion };
  await rooms.kube.delete(secretResource, { namespace, name }, { preconditions }, signal);
  rooms.targets.forget(`${namespace}/${name}`);
  rooms.metrics.secretWrites.add({ operation: 'delete' });
  rooms.reporter.event(es, 'Normal', 'Deleted', 'secret deleted because it was orphaned');
}

function keyOf({ namespace, name }: ObservedTarget): string {
  return `${namespace}/${name}`;
}
