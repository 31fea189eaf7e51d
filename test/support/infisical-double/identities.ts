// Machine identities: how each logs in, for how long, and what it may do where.
// Universal auth is judged here; the other methods hand the login's body to a verifier (verifiers.ts, or the test's own).
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import type { Access } from './access.ts';
import { type ApiError, type Generation, notFound, unauthorized } from './api-error.ts';
import type { Projects } from './projects.ts';
import type { TokenAnswer, Tokens, TokenTerms } from './tokens.ts';

/** Login methods that carry an identity id and a proof by somebody else. Those after `gcp` are of newer servers only. */
export type ProofMethod = 'kubernetes' | 'oidc' | 'aws' | 'azure' | 'gcp' | 'jwt' | 'ldap' | 'oci';

/** Judges a login's body. Returns when it is good; throws an ApiError (api-error.ts) when not. */
export type Verifier = (body: LoginBody) => void | Promise<void>;
export type LoginBody = Readonly<Record<string, string>> & { readonly identityId: string };

export interface ClientSecretInput {
  readonly secret?: string;
  /** Seconds; 0 or absent means no end. */
  readonly ttlSeconds?: number;
  /** Logins it is good for; 0 or absent means any number. */
  readonly usesLimit?: number;
}

export interface NewIdentity extends TokenTerms {
  readonly name: string;
  readonly id?: string;
  /** Gives it universal auth, with these client secrets (one made-up secret when the list is absent). */
  readonly universal?: {
    readonly clientId?: string;
    readonly clientSecrets?: readonly ClientSecretInput[];
    /** Newer servers: refused logins before lockout, 3 when absent; 0 switches lockout off. */
    readonly lockoutThreshold?: number;
  };
  readonly methods?: Readonly<Partial<Record<ProofMethod, Verifier>>>;
  /** By project slug. */
  readonly access?: Readonly<Record<string, Access>>;
}

/** What a test learns of an identity. Client id and secret are those of universal auth, else empty. */
export interface IdentityView {
  readonly id: string;
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

interface ClientSecret {
  readonly id: string;
  readonly secret: string;
  readonly createdAtMs: number;
  readonly ttlMs: number;
  readonly usesLimit: number;
  uses: number;
}

interface Universal {
  readonly clientId: string;
  readonly lockoutThreshold: number;
  clientSecrets: ClientSecret[];
  refusals: number;
  lastRefusalAtMs: number;
  lockedUntilMs: number;
}

interface Identity {
  readonly id: string;
  readonly name: string;
  readonly terms: TokenTerms;
  /** By project id. */
  readonly access: Map<string, Access>;
  readonly methods: Map<ProofMethod, Verifier>;
  universal: Universal | undefined;
}

const lockoutMs = 300_000;
const refusalsForgottenMs = 30_000;

export class Identities {
  readonly #clock: Clock;
  readonly #generation: Generation;
  readonly #projects: Projects;
  readonly #tokens: Tokens;
  readonly #byId = new Map<string, Identity>();

  constructor(parts: { clock: Clock; generation: Generation; projects: Projects; tokens: Tokens }) {
    this.#clock = parts.clock;
    this.#generation = parts.generation;
    this.#projects = parts.projects;
    this.#tokens = parts.tokens;
  }

  add(wanted: NewIdentity): IdentityView {
    const { name, id = randomUUID(), universal, methods = {}, access = {}, ...terms } = wanted;
    const projects = Object.entries(access).map(([slug, one]) => [this.#projects.named(slug).id, one] as const);
    const identity: Identity = {
      id,
      name,
      terms,
      access: new Map(projects),
      methods: new Map(Object.entries(methods) as [ProofMethod, Verifier][]), // the type lists the keys
      universal: undefined,
    };
    this.#byId.set(id, identity);
    if (universal) identity.universal = this.#universal(universal);
    return viewOf(identity);
  }

  /** By name or id. */
  get(name: string): IdentityView {
    return viewOf(this.#named(name));
  }

  remove(name: string): void {
    const { id } = this.#named(name);
    this.#byId.delete(id);
    this.#tokens.endWhere((row) => row.identityId === id);
  }

  /** Membership in a project; `undefined` takes the identity out of it. Acts on the next request of a living token. */
  setAccess(name: string, projectSlug: string, access: Access | undefined): void {
    const identity = this.#named(name);
    const project = this.#projects.named(projectSlug);
    if (access) identity.access.set(project.id, access);
    else identity.access.delete(project.id);
  }

  setVerifier(name: string, method: ProofMethod, verifier: Verifier): void {
    this.#named(name).methods.set(method, verifier);
  }

  addClientSecret(name: string, input: ClientSecretInput = {}): string {
    const universal = this.#named(name).universal;
    if (!universal) throw new Error(`infisical double: identity '${name}' has no universal auth`);
    const added = this.#clientSecret(input);
    universal.clientSecrets.push(added);
    return added.secret;
  }

  /** In October 2024 tokens of a revoked client secret live on; in newer servers they end. */
  revokeClientSecret(name: string, secret: string): void {
    const universal = this.#named(name).universal;
    const revoked = universal?.clientSecrets.find((one) => one.secret === secret);
    if (!universal || !revoked) throw new Error(`infisical double: identity '${name}' has no such client secret`);
    this.#dropSecret(universal, revoked);
    if (this.#generation === 'newest') this.#tokens.endWhere((row) => row.clientSecretId === revoked.id);
  }

  /** Takes universal auth and every other method off the identity; its tokens end at once. */
  removeMethods(name: string): void {
    const identity = this.#named(name);
    identity.universal = undefined;
    identity.methods.clear();
    this.#tokens.endWhere((row) => row.identityId === identity.id);
  }

  /** A token without a login: what an administrator does for token auth. `terms` replace the identity's. */
  issueToken(name: string, terms?: TokenTerms): string {
    const identity = this.#named(name);
    return this.#tokens.issue(identity.id, terms ?? identity.terms).accessToken;
  }

  /** Ends all tokens, or those of one identity: the next use of each says that it is not known. */
  endTokens(name?: string): void {
    const id = name === undefined ? undefined : this.#named(name).id;
    this.#tokens.endWhere((row) => id === undefined || row.identityId === id);
  }

  /** Membership of the identity in the project; undefined when it is no member. */
  accessOf(identityId: string, projectId: string): Access | undefined {
    return this.#byId.get(identityId)?.access.get(projectId);
  }

  nameOf(identityId: string): string | undefined {
    return this.#byId.get(identityId)?.name;
  }

  loginUniversal(clientId: string, secret: string): TokenAnswer {
    const identity = [...this.#byId.values()].find((one) => one.universal?.clientId === clientId);
    const universal = identity?.universal;
    if (!identity || !universal) throw this.#unknownClient();
    this.#refuseWhenLocked(universal);
    const found = universal.clientSecrets.find((one) => one.secret === secret);
    if (!found) throw this.#refuse(universal);
    this.#refuseWhenSpent(universal, found);
    found.uses += 1;
    universal.refusals = 0;
    return this.#tokens.issue(identity.id, identity.terms, found.id);
  }

  /** A login by somebody else's proof. The identity must exist and have the method. */
  async loginByProof(method: ProofMethod, body: LoginBody): Promise<TokenAnswer> {
    const identity = this.#byId.get(body.identityId);
    const verify = identity?.methods.get(method);
    if (!identity || !verify)
      throw notFound(this.#generation !== '2024-10' && method === 'oidc' ? oidcMissing : methodMissing[method]);
    await verify(body);
    return this.#tokens.issue(identity.id, identity.terms);
  }

  #unknownClient(): ApiError {
    if (this.#generation === 'newest') return unauthorized('Invalid credentials');
    return notFound('No identity with specified client ID was found');
  }

  #refuseWhenLocked(universal: Universal): void {
    if (this.#generation === 'newest' && this.#clock.nowMs() < universal.lockedUntilMs) {
      throw unauthorized('This identity auth method is temporarily locked, please try again later');
    }
  }

  #refuse(universal: Universal): ApiError {
    const nowMs = this.#clock.nowMs();
    if (nowMs - universal.lastRefusalAtMs > refusalsForgottenMs) universal.refusals = 0;
    universal.refusals += 1;
    universal.lastRefusalAtMs = nowMs;
    const { lockoutThreshold } = universal;
    if (lockoutThreshold > 0 && universal.refusals >= lockoutThreshold) universal.lockedUntilMs = nowMs + lockoutMs;
    return unauthorized('Invalid credentials');
  }

  /** An expired or used-up secret is revoked by the first refusal, and reads as wrong from then on. */
  #refuseWhenSpent(universal: Universal, secret: ClientSecret): void {
    const isExpired = secret.ttlMs > 0 && this.#clock.nowMs() > secret.createdAtMs + secret.ttlMs;
    const isUsedUp = secret.usesLimit > 0 && secret.uses >= secret.usesLimit;
    if (!isExpired && !isUsedUp) return;
    this.#dropSecret(universal, secret);
    const why = isExpired ? 'expired client secret' : 'client secret usage limit reached';
    throw unauthorized(`Access denied due to ${why}`);
  }

  #dropSecret(universal: Universal, secret: ClientSecret): void {
    universal.clientSecrets = universal.clientSecrets.filter((one) => one !== secret);
  }

  #universal({ clientId = randomUUID(), clientSecrets = [{}], lockoutThreshold = 3 }: UniversalInput): Universal {
    return {
      clientId,
      lockoutThreshold,
      clientSecrets: clientSecrets.map((input) => this.#clientSecret(input)),
      refusals: 0,
      lastRefusalAtMs: 0,
      lockedUntilMs: 0,
    };
  }

  #clientSecret({ secret = randomBytes(32).toString('hex'), ttlSeconds = 0, usesLimit = 0 }: ClientSecretInput) {
    const createdAtMs = this.#clock.nowMs();
    return { id: randomUUID(), secret, createdAtMs, ttlMs: ttlSeconds * 1000, usesLimit, uses: 0 };
  }

  #named(name: string): Identity {
    const identity = this.#byId.get(name) ?? [...this.#byId.values()].find((one) => one.name === name);
    if (!identity) throw new Error(`infisical double: there is no identity '${name}'`);
    return identity;
  }
}

type UniversalInput = NonNullable<NewIdentity['universal']>;

const oidcMissing = 'OIDC auth method not found for identity, did you configure OIDC auth?';

const methodMissing: Readonly<Record<ProofMethod, string>> = {
  kubernetes: 'Kubernetes auth method not found for identity, did you configure Kubernetes auth?',
  // The server names GCP here, by mistake.
  oidc: 'GCP auth method not found for identity, did you configure GCP auth?',
  aws: 'AWS auth method not found for identity, did you configure AWS auth?',
  azure: 'Azure auth method not found for identity, did you configure Azure Auth?',
  gcp: 'GCP auth method not found for identity, did you configure GCP auth?',
  jwt: 'JWT auth method not found for identity, did you configure JWT auth?',
  ldap: 'LDAP auth method not found for identity, did you configure LDAP auth?',
  oci: 'OCI auth method not found for identity, did you configure OCI auth?',
};

function viewOf({ id, name, universal }: Identity): IdentityView {
  const clientSecret = universal?.clientSecrets[0]?.secret ?? '';
  return { id, name, clientId: universal?.clientId ?? '', clientSecret };
}
