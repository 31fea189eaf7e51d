// Asks before anything is sent in a namespace's name whether it may name the host: stores at every connect, openings of
// Environments and Webhooks at every call. What an administrator names (ClusterSecretStores) is bounded by --upstream-hosts.
import { OperatorError } from '../base/operator-error.ts';
import { checkNamespaceHost, type NamespaceHosts } from '../core/namespace-hosts.ts';
import { portOf } from '../http/egress.ts';
import type { Provider } from '../providers/contract.ts';

type Labels = Readonly<Record<string, string>> | undefined;

/** Throws HostDenied. `namespace` is undefined for what the administrator wrote. */
export type CheckHost = (namespace: string | undefined, url: URL, signal: AbortSignal) => Promise<void>;

/** Where nobody has rules. */
export const anyHost: CheckHost = async () => {};

export function createCheckHost(
  rules: NamespaceHosts,
  labelsOf: (namespace: string, signal: AbortSignal) => Promise<Labels>,
): CheckHost {
  if (rules.length === 0) return anyHost;
  return async (namespace, url, signal) => {
    if (namespace === undefined) return;
    const labels = await labelsOf(namespace, signal);
    // A namespace that is not known yet may be one that a rule speaks of.
    if (labels === undefined) throw new OperatorError('ApiUnavailable', `namespace "${namespace}" is not known yet`);
    checkNamespaceHost(rules, { name: namespace, labels }, { hostname: url.hostname, port: portOf(url) });
  };
}

/** The provider, for stores whose namespace may name the host. */
export function withHostCheck<Spec>(
  provider: Provider<Spec>,
  urlOf: (spec: Spec) => string,
  checkHost: CheckHost,
): Provider<Spec> {
  return {
    ...provider,
    async connect(spec, context, signal) {
      await checkHost(context.storeNamespace, new URL(urlOf(spec)), signal);
      return await provider.connect(spec, context, signal);
    },
  };
}
