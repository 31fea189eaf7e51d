// Infisical for those who are no store: a login that gives its token away, and a reader of one folder with a token that
// somebody has. Sessions, snapshots and the rules for hosts are those of stores.

import { createHash } from 'node:crypto';
import { type Credentials, type Session, TokenRejected } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import type { InfisicalAuthMethod } from '../../crds/auth/infisical/table.ts';
import { type InfisicalAuth, infisicalLogins } from '../../crds/infisical.ts';
import type { StoreReader } from '../contract.ts';
import { addBounded } from '../shared/bounded-set.ts';
import { counted } from '../shared/counted.ts';
import { digestOf } from '../shared/digest.ts';
import { taggedWith } from '../shared/whose.ts';
import { callName } from './call-count.ts';
import { parseHostApi } from './host.ts';
import { type InfisicalPorts, type InfisicalReads, identityAt } from './provider.ts';
import { createReader, readFolder } from './reader.ts';

export interface LoginOrder {
  readonly siteUrl: string;
  /** Certificates that the host is verified with beside the well-known ones. */
  readonly caPem: string | undefined;
  readonly auth: InfisicalAuth;
  readonly credentials: Credentials;
  /** Who holds the session; its end ends the token. */
  readonly holder: string;
  /** Who takes turns with others at the host. */
  readonly turn: string;
}

/** Where secrets are read, and with what. */
export interface SecretsPlace {
  readonly siteUrl: string;
  readonly caPem: string | undefined;
  readonly token: SecretValue;
  readonly projectId: string;
  readonly environment: string;
  readonly folder: string;
  /** Who takes turns with others at the host, and in whose share answers are kept: a namespace. */
  readonly turn: string;
}

export interface GivenToken {
  readonly token: SecretValue;
  /** How long it is good for, from now on; undefined for one without a known end. */
  readonly lifetimeMs: number | undefined;
}

export interface InfisicalAccess {
  /** A token that has not ended, as far as anybody knows. Throws what a login throws. */
  login(order: LoginOrder, signal: AbortSignal): Promise<GivenToken>;
  /** Reading throws TokenRejected when the token is refused; the next login of that identity then gives another. */
  reader(place: SecretsPlace): StoreReader;
}

/** Refused tokens that are remembered; the oldest is forgotten first. */
const mostRefused = 1_000;

export function createInfisicalAccess(ports: InfisicalPorts & { readonly reads: InfisicalReads }): InfisicalAccess {
  const { clock, door, gatherPrincipal, observeCall = () => {}, reads, sessions } = ports;
  const refused = new Set<string>();
  const refuse = (key: string) => addBounded(refused, key, mostRefused);
  const wayOf = (caPem: string | undefined, method?: InfisicalAuthMethod) =>
    counted(door.open(caPem === undefined ? {} : { caPem }), (request) => callName(request, method), observeCall);
  return {
    async login({ siteUrl, caPem, auth, credentials, holder, turn }, signal) {
      const host = parseHostApi(siteUrl);
      const method = infisicalLogins(auth)[0]?.method;
      const principal = await gatherPrincipal(auth, { credentials, host: host.host }, signal);
      const upstream = taggedWith(wayOf(caPem, method), { group: `${host.root} ${principal.key}`, turn });
      const parts = { host, upstream, principal, caPem, organizationSlug: undefined, method };
      // A holder that has let go meanwhile would hold the session for ever.
      signal.throwIfAborted();
      const session = sessions.open(identityAt(parts), holder, { isGiven: true });
      return await session.withToken(async (token, expiresAtMs) => {
        if (refused.has(keyOf(host.root, token))) throw new TokenRejected('the access token was refused');
        const lifetimeMs = expiresAtMs - clock.monotonicMs();
        return { token, lifetimeMs: Number.isFinite(lifetimeMs) ? lifetimeMs : undefined };
      }, signal);
    },
    reader({ siteUrl, caPem, token, projectId, environment, folder, turn }) {
      const host = parseHostApi(siteUrl);
      const key = keyOf(host.root, token);
      const group = `${host.root} ${key}`;
      const session: Session = {
        // What one trust was told is not read under another.
        key: caPem === undefined ? key : digestOf(key, caPem),
        async withToken(call) {
          try {
            return await call(token, Number.POSITIVE_INFINITY);
          } catch (thrown) {
            if (thrown instanceof TokenRejected) refuse(key);
            throw thrown;
          }
        },
      };
      const upstream = taggedWith(wayOf(caPem), { group, turn });
      const scope = {
        project: filled(projectId, 'projectId'),
        projectBy: 'id' as const,
        environment: filled(environment, 'environment'),
        folder: readFolder(folder),
        recursive: false,
        expand: true,
      };
      const access = { host, upstream, session, pauses: reads.pauses, group, turn, keeper: turn };
      return createReader(access, scope, reads.shared);
    },
  };
}

/** Tells a token at a site from others, without saying it. */
function keyOf(root: string, token: SecretValue): string {
  return `token:${createHash('sha256').update(root).update('\0').update(token.reveal()).digest('base64url')}`;
}

function filled(text: string, field: string): string {
  const trimmed = text.trim();
  if (trimmed !== '') return trimmed;
  throw new OperatorError('InvalidSpec', `${field} is empty`);
}
