// What becomes of a Secret that somebody else made when an ExternalSecret takes it over: which of its keys go, and whether
// these are the very credentials that the ExternalSecret's store logs in with. Pure.
import { OperatorError } from '../base/operator-error.ts';
import type { SecretStoreSpec } from '../crds/secret-store.ts';
import type { PresentData, TargetSource, WantedSecret } from './target-plan.ts';

/** How many keys a message names. */
const namedKeys = 5;

/** What the warning says about foreign keys that a write wipes or replaces; undefined when it does neither. */
export function takenOverMessage(
  { name, data }: Pick<WantedSecret, 'name' | 'data'>,
  { data: before, ours }: Pick<PresentData, 'data' | 'ours'>,
): string | undefined {
  const foreign = [...before].filter(([key]) => !ours.has(key)).sort(([left], [right]) => (left < right ? -1 : 1));
  const gone = foreign.filter(([key]) => !data.has(key)).map(([key]) => key);
  const replaced = foreign
    .filter(([key, value]) => data.get(key)?.reveal().equals(value.reveal()) === false)
    .map(([key]) => key);
  if (gone.length + replaced.length === 0) return undefined;
  const parts = [
    ...(gone.length === 0 ? [] : [`keys that went: ${named(gone)}`]),
    ...(replaced.length === 0 ? [] : [`keys with another value now: ${named(replaced)}`]),
  ];
  return `Secret "${name}" was there already and is taken over; ${parts.join('; ')}`;
}

/** A store by kind, name and spec. */
export interface ReadStore {
  readonly kind: 'SecretStore' | 'ClusterSecretStore';
  readonly name: string;
  readonly spec: SecretStoreSpec;
}

/**
 * Throws TargetConflict for a write that takes keys out of the Secret that a store of the object reads its own credentials
 * from: the next login would fail, and nothing could bring them back. New values of such keys are a rotation, and pass.
 */
export function refuseLockOut(
  source: Pick<TargetSource, 'namespace'>,
  { name, data }: Pick<WantedSecret, 'name' | 'data'>,
  keysBefore: readonly string[],
  stores: readonly ReadStore[],
): void {
  for (const { kind, name: store, spec } of stores) {
    const referred = keysReferredTo(spec.provider, { namespace: source.namespace, name });
    const lost = keysBefore.filter((key) => referred.has(key) && !data.has(key)).sort();
    if (lost.length === 0) continue;
    throw new OperatorError(
      'TargetConflict',
      `target Secret "${name}" holds the credentials of ${kind} "${store}", and would lose ${named(lost)}: the store would lock itself out`,
    );
  }
}

/**
 * Keys of the Secret that any reference of a store names, whatever its provider. A reference without a namespace means that of
 * the store, or of the ExternalSecret: this one in both cases.
 */
function keysReferredTo(node: unknown, secret: { namespace: string; name: string }): ReadonlySet<string> {
  const keys = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { name, key, namespace = '', type = 'Secret' } = value as Readonly<Record<string, unknown>>;
    const isThere = namespace === '' || namespace === secret.namespace;
    if (name === secret.name && typeof key === 'string' && isThere && type === 'Secret') keys.add(key);
    for (const child of Object.values(value)) visit(child);
  };
  visit(node);
  return keys;
}

function named(keys: readonly string[]): string {
  const rest = keys.length > namedKeys ? ` and ${keys.length - namedKeys} more` : '';
  return `${keys
    .slice(0, namedKeys)
    .map((key) => JSON.stringify(key.slice(0, 60)))
    .join(', ')}${rest}`;
}
