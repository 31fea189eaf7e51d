// Access for a pod: the API server's Service from the environment, token and CA from the ServiceAccount's files.
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { ClusterAccess, Credentials } from './access.ts';
import { type RereadFile, rereadFile } from './reread-file.ts';

/** What a pod is given: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, and where its files are. */
export interface PodEnvironment {
  readonly host: string;
  readonly port: string;
  /** Directory with `token`, `ca.crt` and `namespace`; the kubelet's own place when absent. */
  readonly directory?: string;
}

const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Reads token and CA once, so that what is missing is said at the start. Throws `InvalidCredential`. */
export function inClusterAccess(pod: PodEnvironment, clock: Clock): ClusterAccess {
  const directory = pod.directory ?? serviceAccountDirectory;
  const ca = rereadFile(join(directory, 'ca.crt'), clock);
  const token = rereadFile(join(directory, 'token'), clock);
  ca.text();
  token.text();
  const namespacePath = join(directory, 'namespace');
  const namespace = existsSync(namespacePath) ? rereadFile(namespacePath, clock).text() : '';
  const host = pod.host.includes(':') && !pod.host.startsWith('[') ? `[${pod.host}]` : pod.host; // IPv6
  return {
    server: new URL(`https://${host}:${pod.port}`),
    tls: () => ({ caPem: ca.text() }),
    refreshTls: () => ca.invalidate(),
    namespace: namespace === '' ? 'default' : namespace,
    credentials: tokenFileCredentials(token),
  };
}

/** Credentials from a file with a bearer token that is replaced from time to time. */
export function tokenFileCredentials(file: RereadFile): Credentials {
  let last = { token: '', header: '' };
  return {
    authorization() {
      const token = file.text();
      if (token !== last.token) last = { token, header: `Bearer ${token}` };
      return last.header;
    },
    refused: () => file.invalidate(),
  };
}
