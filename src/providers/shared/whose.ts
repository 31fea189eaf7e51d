// Whose a request is, and in whose share an answer is kept: what bounds and takes turns goes by these names.
import type { Upstream, UpstreamAnswer, UpstreamRequest } from '../../http/contract.ts';
import type { ConnectContext } from '../contract.ts';

/** What is said with a request. */
export interface Whose {
  /** What fails and recovers together: the API root and the identity. */
  readonly group: string;
  /** Who takes turns with others at the host: a namespace, or a cluster store. */
  readonly turn: string;
}

/** From here on reading an answer takes what a few of its kind would end the process by. */
const largeBytes = 256 * 1024;

/** The same way, with every request saying whose it is; `readsLarge` hears of each large answer that is read. */
export function taggedWith(
  upstream: Upstream,
  { group, turn }: Whose,
  readsLarge?: ConnectContext['readsLarge'],
): Upstream {
  const noted = (digest: NonNullable<UpstreamRequest['digest']>) => async (answer: UpstreamAnswer) => {
    const end = answer.body.length > largeBytes ? readsLarge?.() : undefined;
    try {
      await digest(answer);
    } finally {
      end?.();
    }
  };
  return {
    send(request, signal) {
      const { digest } = request;
      const taken = digest === undefined ? {} : { digest: noted(digest) };
      return upstream.send({ ...request, ...taken, group, turn }, signal);
    },
  };
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
