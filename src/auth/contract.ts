// What a login method is, and what it is given. Methods hold no state; sessions do.
import { OperatorError } from '../base/operator-error.ts';
import type { Reason } from '../base/reasons.ts';
import type { SecretValue } from '../core/secret-value.ts';

/** A reference to one key of a Secret, as ESO's manifests write it. */
export interface SecretKeySelector {
  readonly name?: string;
  readonly key?: string;
  readonly namespace?: string;
}

export interface ServiceAccountSelector {
  readonly name: string;
  readonly namespace?: string;
  readonly audiences?: readonly string[];
  /** Life of the tokens that are minted; absent means the shortest that the API server gives, 600. */
  readonly expirationSeconds?: number;
}

/**
 * Where raw material comes from, already bound to one store: the namespace rules of its kind are inside. `field` is the
 * path of the reference below `spec.provider`, for messages. Throws OperatorError: `InvalidSpec` (incomplete reference),
 * `ReferenceDenied`, `ReferenceNotFound`, `InvalidCredential` (key absent or empty), `IdentityDenied`.
 */
export interface Credentials {
  secretKey(selector: SecretKeySelector, field: string, signal: AbortSignal): Promise<SecretValue>;
  /** A ServiceAccount that the store may use. Nothing is minted before a token is asked for. */
  serviceAccount(selector: ServiceAccountSelector, field: string, signal: AbortSignal): Promise<ServiceAccountTokens>;
  /**
   * The operator's own identities, for a login at `host`. Throws IdentityDenied, naming flag and Helm value, unless the
   * administrator lets this store use them and this host see them. `field` is the login block. To be called before the
   * login's own references are read: from then on, those that leave the namespace to the user are IdentityDenied.
   */
  ambient(host: string, field: string): AmbientSources;
}

/** Tokens minted by TokenRequest for one ServiceAccount. Name and audiences together say who they are. */
export interface ServiceAccountTokens {
  /** `namespace/name`. */
  readonly name: string;
  /** Empty for the audiences of the API server. */
  readonly audiences: readonly string[];
  /** Throws `ReferenceNotFound`, `ApiDenied` (no right to mint for it), `ApiUnavailable`. */
  mint(signal: AbortSignal): Promise<SecretValue>;
}

/** AWS credentials as the SDKs' chain finds them; `principal` says which source, and whose, without any secret. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretValue;
  readonly sessionToken?: SecretValue;
  readonly region: string;
  readonly principal: string;
}

/**
 * What the operator itself is. Read anew at each login: tokens are rotated. Throws OperatorError: `InvalidCredential`
 * (nothing there, or malformed), `IdentityDenied` (path outside the listed directories), `UpstreamUnavailable` (metadata
 * service down).
 */
export interface AmbientSources {
  /** A ServiceAccount token from a projected file, trimmed; the operator's own, where the kubelet puts it, without a path. */
  serviceAccountTokenFile(path: string | undefined, field: string, signal: AbortSignal): Promise<SecretValue>;
  /** A file in one of the directories that the administrator listed. `field` names what holds the path. */
  file(path: string, field: string, signal: AbortSignal): Promise<SecretValue>;
  aws(signal: AbortSignal): Promise<AwsCredentials>;
  /** An access token of a managed or workload identity for a resource (audience) URL. */
  azureToken(resource: string, signal: AbortSignal): Promise<SecretValue>;
  /** An identity token of the metadata server for an audience. */
  gcpIdToken(audience: string, signal: AbortSignal): Promise<SecretValue>;
  /**
   * A JWT of the service account whose key file this is, for an audience. `field` names the file's reference. A key that
   * Google refuses is LoginRejected.
   */
  gcpSignedJwt(
    keyFile: SecretValue,
    request: { readonly audience: string; readonly field: string },
    signal: AbortSignal,
  ): Promise<SecretValue>;
}

/** One POST to the provider's login API; `path` is below the API root. The answer is parsed by the caller's schema. */
export interface LoginApi {
  post<T>(path: string, body: unknown, parse: (json: unknown) => T, signal: AbortSignal): Promise<T>;
}

/** What a login gave. */
export interface Grant {
  readonly token: SecretValue;
  /** Epoch ms after which the token is of no use; absent when it has no known end. */
  readonly expiresAtMs?: number;
}

/** An identity whose material has been read: it can be told from others, and can log in. */
export interface Principal {
  /** Method, parameters and a digest of static material (or the principal's name for minted tokens). Holds no secret. */
  readonly key: string;
  /** True when a token that `login` gave is ours to revoke. */
  readonly revocable: boolean;
  login(api: LoginApi, nowMs: number, signal: AbortSignal): Promise<Grant>;
}

/** Where a login will go, and what it may draw on. */
export interface LoginSite {
  readonly credentials: Credentials;
  /** `host[:port]` of the upstream, as `URL.host` gives it. */
  readonly host: string;
}

/** A login method: reads its material through the site's ports and says who it is. Makes no call to the provider. */
export interface AuthMethod<Spec> {
  gather(spec: Spec, site: LoginSite, signal: AbortSignal): Promise<Principal>;
}

/** Thrown by a call that the upstream refused because of its token, not because of what the identity may do. */
export class TokenRejected extends OperatorError {
  constructor(message: string) {
    super('AccessDenied', message);
  }
}

/** How an identity logs in, as metrics count it. */
export interface LoginVia {
  /** The provider's block in a store, or who an Environment logs in to. */
  readonly provider: string;
  /** The login method, from the provider's closed table. */
  readonly method: string;
}

/** Told of a login that ended, with `success` or the reason of its failure. */
export type ObserveLogin = (via: LoginVia, outcome: 'success' | Reason) => void;

/** A principal at one host: what a session needs to know to log in there. */
export interface Identity {
  /** Equal for equal method, parameters, material, host, CA and organisation. Holds no secret. */
  readonly key: string;
  /** Throws OperatorError: `LoginRejected`, `UpstreamThrottled`, `UpstreamRejected`, `UpstreamUnavailable` … */
  login(nowMs: number, signal: AbortSignal): Promise<Grant>;
  /**
   * Asks the provider to let the token live on; undefined when it cannot. What hangs on the token then lives on with it,
   * and would have to be made anew with another. Absent logs in anew.
   */
  readonly renew?: (token: SecretValue, nowMs: number, signal: AbortSignal) => Promise<Grant | undefined>;
  /** The token that another process had before this one, in place of the first login; undefined when there is none that lives. */
  readonly resume?: (nowMs: number, signal: AbortSignal) => Promise<Grant | undefined>;
  /** Absent leaves its logins uncounted. */
  readonly via?: LoginVia;
  /** Ends a token at the provider; absent where tokens are not ours to end. */
  readonly revoke?: (token: SecretValue, signal: AbortSignal) => Promise<void>;
}

/** A logged-in identity, shared by all who open it. */
export interface Session {
  readonly key: string;
  /**
   * Runs `call` with a valid token. When `call` throws TokenRejected, the session logs in once more and runs it again.
   * Throws what `call` throws, and what the login throws: a refused login is remembered and repeated without a request.
   * `expiresAtMs` is monotonic; infinite for a token without a known end.
   */
  withToken<T>(call: (token: SecretValue, expiresAtMs: number) => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** All sessions of the process. A session lives as long as somebody holds it. */
export interface SessionPool {
  /**
   * `isGiven` says that the holder hands the token on as a value: whoever has it uses it to its end, so that it is not revoked
   * when nobody holds the session any more.
   */
  open(identity: Identity, holder: string, options?: { readonly isGiven: boolean }): Session;
  release(holder: string): void;
}
