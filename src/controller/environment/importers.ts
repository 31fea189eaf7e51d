// Who names an Environment and may: those of its own namespace, and those of namespaces that it is shared with.
import { asOperatorError } from '../../base/operator-error.ts';
import { mayUseEnvironment, sharesByLabel } from '../../core/environment-access.ts';
import type { ClusterSources } from '../../providers/contract.ts';
import type { EnvironmentRecord } from '../records.ts';

/** A status is read by people. */
const mostNamed = 50;
/** Foreign namespaces whose labels are looked at: who names an Environment is for others to choose. */
const mostNamespaces = 50;

/** `namers` are keys, `namespace/name`. */
export async function importersOf(
  { namespace, spec }: EnvironmentRecord,
  namers: readonly string[],
  cluster: Pick<ClusterSources, 'namespaceLabels'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const byNamespace = Map.groupBy(namers.toSorted(), (key) => key.slice(0, key.indexOf('/')));
  const sharedWith = 'ok' in spec ? spec.ok.sharedWith : undefined;
  const found: string[] = [...(byNamespace.get(namespace) ?? [])];
  const others = [...byNamespace].filter(([name]) => name !== namespace).slice(0, mostNamespaces);
  for (const [name, keys] of others) {
    const isByName = sharedWith?.namespaces?.includes(name) === true;
    const labels = !isByName && sharesByLabel(sharedWith) ? await cluster.namespaceLabels(name, signal) : undefined;
    if (isByName || (labels !== undefined && isShared(sharedWith, namespace, { name, labels }))) found.push(...keys);
  }
  return found.sort().slice(0, mostNamed);
}

function isShared(...question: Parameters<typeof mayUseEnvironment>): boolean {
  try {
    return mayUseEnvironment(...question);
  } catch (thrown) {
    if (asOperatorError(thrown).reason === 'InvalidSpec') return false; // a selector that nobody understands shares nothing
    throw thrown;
  }
}
