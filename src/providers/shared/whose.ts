// Whose a request is, and in whose share an answer is kept: what bounds and takes turns goes by these names.
import type { Upstream } from '../../http/contract.ts';
import type { ConnectContext } from '../contract.ts';

/** What is said with a request. */
export interface Whose {
  /** What fails and recovers together: the API root and the identity. */
  readonly group: string;
  /** Who takes turns with others at the host: a namespace, or a cluster store. */
  readonly turn: string;
}

/** The same way, with every request saying whose it is. */
export function taggedWith(upstream: Upstream, { group, turn }: Whose): Upstream {
  return { send: (request, signal) => upstream.send({ ...request, group, turn }, signal) };
}

/** Who takes turns for a store. */
export function turnOf({ storeNamespace, storeName }: Pick<ConnectContext, 'storeNamespace' | 'storeName'>): string {
  return storeNamespace ?? `ClusterSecretStore ${storeName}`;
}

/**
 * In whose share the answers of a store are kept: a namespace that reads through a cluster store asks what it likes there, and
 * takes none of the share of others.
 */
export function keeperOf(context: Pick<ConnectContext, 'storeNamespace' | 'consumerNamespace' | 'storeName'>): string {
  return context.storeNamespace ?? context.consumerNamespace ?? turnOf(context);
}
