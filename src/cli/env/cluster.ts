// The cluster as the person at the desk sees it: every read is a GET under that person's rights, made once. Nothing is asked,
// not even for a login, before somebody needs it.
import type { Credentials } from '../../auth/contract.ts';
import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { clusterSources } from '../../controller/stores/cluster-sources.ts';
import type { OperatorIdentity } from '../../credentials/operator-identity.ts';
import type { ObjectReader } from '../../credentials/store-credentials.ts';
import { createKube } from '../../kube/client.ts';
import { type AccessSources, loadClusterAccess } from '../../kube/config.ts';
import { createToken } from '../../kube/tokens.ts';
import { createTransport, type Transport } from '../../kube/transport.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from '../../kube/types.ts';
import type { ClusterSources } from '../../providers/contract.ts';

export interface DeskCluster {
  readonly sources: ClusterSources;
  close(): void;
}

export interface DeskClusterOptions {
  readonly access: AccessSources;
  readonly clock: Clock;
  readonly userAgent: string;
}

/** How messages of references call whoever refers. */
const referrer = 'escapement env';

export function openDeskCluster({ access, clock, userAgent }: DeskClusterOptions): DeskCluster {
  let transport: Transport | undefined;
  let connected: Promise<ClusterSources> | undefined;
  const connect = async (): Promise<ClusterSources> => {
    const opened = createTransport({ access: await loadClusterAccess(access, clock), clock, userAgent });
    transport = opened;
    const tokens = {
      createToken: async (...order: TokenArguments) => (await createToken(opened, ...order)).token,
    };
    return clusterSources(referrer, { objects: readOnce(opened), tokens, operator: nobody });
  };
  const sources = () => (connected ??= connect());
  return {
    sources: {
      readEnvironment: async (name, signal) => (await sources()).readEnvironment(name, signal),
      readRevision: async (name, signal) => (await sources()).readRevision(name, signal),
      readData: async (kind, name, signal) => (await sources()).readData(kind, name, signal),
      namespaceLabels: async (name, signal) => (await sources()).namespaceLabels(name, signal),
      credentialsIn: (namespace) => lateCredentials(async () => (await sources()).credentialsIn(namespace)),
    },
    close: () => transport?.close(),
  };
}

type TokenArguments = Parameters<typeof createToken> extends [Transport, ...infer Rest] ? Rest : never;

function readOnce(transport: Transport): ObjectReader {
  const kube = createKube(transport);
  const seen = new Map<string, Promise<KubeObject | undefined>>();
  return {
    async read<T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal) {
      const key = `${resource.plural} ${keyOf(name)}`;
      const known = seen.get(key) ?? kube.get<T>(resource, name, signal).catch(orAbsent);
      seen.set(key, known);
      return (await known) as T | undefined; // the resource says which type it is
    },
  };
}

function orAbsent(thrown: unknown): undefined {
  if (thrown instanceof OperatorError && thrown.reason === 'ReferenceNotFound') return undefined;
  throw thrown;
}

function lateCredentials(open: () => Promise<Credentials>): Credentials {
  return {
    secretKey: async (...args) => (await open()).secretKey(...args),
    serviceAccount: async (...args) => (await open()).serviceAccount(...args),
    ambient: (_, field) => refuse(field),
  };
}

/** A person has no identity of an operator to lend. */
const nobody: OperatorIdentity = {
  sources: (_user, _host, field) => refuse(field),
  checkChooser: (_user, field) => refuse(field),
};

function refuse(field: string): never {
  throw new OperatorError(
    'IdentityDenied',
    `${field}: the identity of the operator is not to be had on the command line`,
  );
}
