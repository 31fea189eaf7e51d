// Finds the cluster: a kubeconfig named by flag, else those that KUBECONFIG names, else the pod we run in,
// else kubectl's own file in the home directory.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { ClusterAccess } from './access.ts';
import { inClusterAccess, type PodEnvironment } from './in-cluster.ts';

/** Where to look, in this order. Environment variables arrive here as arguments. */
export interface AccessSources {
  /** `--kubeconfig`: the path of one file. */
  readonly kubeconfigPath?: string | undefined;
  /** The context of the kubeconfig; the current one when absent. */
  readonly context?: string | undefined;
  /** The text of KUBECONFIG: paths joined as in PATH. */
  readonly kubeconfigVariable?: string | undefined;
  /** KUBERNETES_SERVICE_HOST and _PORT, when both are set. */
  readonly pod?: PodEnvironment | undefined;
  /** The home directory, whose `.kube/config` is looked for last. */
  readonly home?: string | undefined;
}

/** Throws `InvalidSpec` or `InvalidCredential`, naming file and field. */
export async function loadClusterAccess(sources: AccessSources, clock: Clock): Promise<ClusterAccess> {
  const paths = kubeconfigPaths(sources);
  if (paths.length > 0) return fromKubeconfig(paths, sources.context, clock);
  if (sources.pod !== undefined) return inClusterAccess(sources.pod, clock);
  const usual = sources.home === undefined ? undefined : join(sources.home, '.kube', 'config');
  if (usual !== undefined && existsSync(usual)) return fromKubeconfig([usual], sources.context, clock);
  throw new OperatorError(
    'InvalidSpec',
    'no cluster to talk to: give --kubeconfig, set KUBECONFIG, have ~/.kube/config, or run in a pod',
  );
}

/** The namespace of the context that would be used; undefined where there is no kubeconfig, or none that can be read. */
export async function contextNamespace(sources: AccessSources): Promise<string | undefined> {
  const paths = kubeconfigPaths(sources);
  const usual = sources.home === undefined ? undefined : join(sources.home, '.kube', 'config');
  const { chooseContext } = await import('./kubeconfig.ts');
  try {
    return chooseContext(paths.length > 0 || usual === undefined ? paths : [usual], sources.context).namespace;
  } catch {
    return undefined; // whoever then asks the cluster is told why
  }
}

function kubeconfigPaths({ kubeconfigPath, kubeconfigVariable }: AccessSources): readonly string[] {
  if (kubeconfigPath !== undefined && kubeconfigPath !== '') return [kubeconfigPath];
  const listed = (kubeconfigVariable ?? '').split(delimiter).filter((path) => path !== '');
  const present = listed.filter((path) => existsSync(path)); // as kubectl: absent ones are passed over …
  return present.length > 0 ? present : listed; // … but when none is there, reading says so
}

async function fromKubeconfig(
  paths: readonly string[],
  context: string | undefined,
  clock: Clock,
): Promise<ClusterAccess> {
  // Not needed in a pod, and the YAML parser alone takes 5 MB of memory.
  const { accessOf, chooseContext, needsPlugin } = await import('./kubeconfig.ts');
  const chosen = chooseContext(paths, context);
  if (!needsPlugin(chosen)) return accessOf(chosen, clock);
  const { loginByPlugin } = await import('./auth-plugin.ts');
  return accessOf(chosen, clock, await loginByPlugin(chosen, clock));
}
