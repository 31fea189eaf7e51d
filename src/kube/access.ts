// How to reach an API server: address, TLS material and who we are there. config.ts finds it; transport.ts uses it.

/** Who we are. `authorization` answers at once while what it knows is good, else by a promise. */
export interface Credentials {
  /** The Authorization header; undefined when a client certificate or nothing at all identifies us. */
  authorization(): string | undefined | Promise<string | undefined>;
  /** The server answered 401: what is cached is worth nothing. */
  refused(): void;
}

export interface TlsMaterial {
  /** Certificates that may vouch for the server; the system's roots when absent. */
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  /** Name to check the server's certificate against, when it is not the host of the address. */
  readonly serverName?: string;
  /** The kubeconfig says insecure-skip-tls-verify: the server's certificate is not checked. */
  readonly isUnverified?: boolean;
}

export interface ClusterAccess {
  /** http or https; a path is a prefix of every call. */
  readonly server: URL;
  /** Asked at each new connection, so that a rotated CA file is taken in. */
  readonly tls: () => TlsMaterial;
  /** A connection failed, perhaps because the certificates have been replaced: what is cached is worth another look. */
  readonly refreshTls?: () => void;
  /** A http(s) proxy that is asked to CONNECT. */
  readonly proxyUrl?: URL;
  /** The namespace of the context or of the pod; `default` when neither says. */
  readonly namespace: string;
  readonly credentials: Credentials;
}

/** Credentials that never change: a fixed token, or none. */
export function fixedCredentials(token: string | undefined): Credentials {
  const header = token === undefined ? undefined : `Bearer ${token}`;
  return { authorization: () => header, refused: () => {} };
}
