// Opens Environments of namespace `shop` that log in to a Vault and read there, over the real door. For the tests beside this
// file, and for the conformance of doubles and real servers.
import type { JwtIssuer } from '../../../../test/support/jwt-issuer.ts';
import type { Credentials, ObserveLogin } from '../../../auth/contract.ts';
import { Sessions } from '../../../auth/session.ts';
import { systemClock } from '../../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../../base/operator-error.ts';
import type { Shares } from '../../../base/shares.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { createEgressPolicy } from '../../../http/egress.ts';
import { createUpstreamDoor } from '../../../http/upstream.ts';
import { clusterOf, openInline } from '../esc.fixture.ts';
import type { CheckSite } from './contract.ts';
import { escProviders } from './table.ts';
import type { LastingText } from './vault-leases.ts';

export interface VaultDeskOptions {
  readonly url: string;
  /** Who mints the tokens of ServiceAccounts. */
  readonly issuer: JwtIssuer;
  readonly checkSite?: CheckSite | undefined;
  /** What the process before left; absent begins with nothing. */
  readonly lasting?: LastingText | undefined;
  readonly shares?: Shares | undefined;
}

export interface VaultWanted {
  /** The way to log in, and what else `vault-login` takes; by default role `reader` by JWT. */
  readonly login?: object;
  readonly read?: object;
  /** Values beside `login` and `vault`. */
  readonly more?: object;
  readonly notBeforeMs?: number;
  readonly signal?: AbortSignal;
}

export interface VaultFailure {
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

export interface VaultDesk {
  readonly sessions: Sessions;
  /** Logins as metrics count them: `provider method outcome`. */
  readonly logins: readonly string[];
  /** ServiceAccounts whose tokens were minted. */
  readonly minted: readonly string[];
  opened(wanted?: VaultWanted): ReturnType<typeof openInline>;
  /** All values as plain JSON, secrets laid open. Throws what opening throws. */
  values(wanted?: VaultWanted): Promise<VaultValues>;
  /** What `vault` became as plain JSON; or the failure. */
  open(wanted?: VaultWanted): Promise<unknown>;
  /** Throws when it opens. */
  fails(wanted?: VaultWanted): Promise<VaultFailure>;
  /** A process that comes after this one and knows what it left. */
  next(): VaultDesk;
  stop(): Promise<void>;
}

export interface VaultValues {
  readonly login: { readonly token: string };
  readonly vault: Record<string, unknown>;
}

export const readerJwt = { role: 'reader', serviceAccount: 'robot', audience: 'vault' };

function none(): never {
  throw new OperatorError('Internal', 'none here');
}

/** A place for a text that outlives what uses it. */
export function lastingText(): LastingText & { readonly saves: number; text: string | undefined } {
  const place = {
    saves: 0,
    text: undefined as string | undefined,
    load: async () => (place.text === undefined ? undefined : new SecretValue(place.text)),
    async save(text: SecretValue) {
      place.saves++;
      place.text = text.text();
    },
  };
  return place;
}

export function vaultDesk({ url, issuer, checkSite, shares, lasting = lastingText() }: VaultDeskOptions): VaultDesk {
  const logins: string[] = [];
  const observeLogin: ObserveLogin = ({ provider, method }, outcome) =>
    void logins.push(`${provider} ${method} ${outcome}`);
  const sessions = new Sessions({ clock: systemClock, observeLogin });
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: [new URL(url).host] }),
    proxy: () => undefined,
    userAgent: 'escapement/test',
    clock: systemClock,
  });
  const minted: string[] = [];
  const accounts: Credentials = {
    secretKey: () => Promise.reject(new OperatorError('ReferenceNotFound', 'none here')),
    ambient: none,
    async serviceAccount({ name, audiences = [] }) {
      const mint = async () => {
        minted.push(`shop/${name}`);
        const nowSeconds = Math.floor(Date.now() / 1_000);
        const times = { iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 600 }; // as the API server writes them
        const claims = { ...times, aud: [...audiences], sub: `system:serviceaccount:shop:${name}` };
        return new SecretValue(await issuer.sign(claims));
      };
      return { name: `shop/${name}`, audiences, mint };
    },
  };
  const others = { infisical: { login: none, reader: none }, pulumi: { open: none } };
  const ports = { door, clock: systemClock, sessions, checkSite, shares, lastingLeases: lasting };
  const providers = escProviders({ ...others, ...ports });
  const successors: VaultDesk[] = [];
  const opened = async (wanted: VaultWanted = {}) => {
    const { login = { jwt: readerJwt }, read = { app: { path: 'kv/app' } }, more = {}, notBeforeMs } = wanted;
    const { signal = new AbortController().signal } = wanted;
    const values = {
      login: { 'fn::open::vault-login': { address: url, ...login } },
      vault: { 'fn::open::vault-secrets': { login: '${login}', read } },
      ...more,
    };
    const sources = { ...clusterOf({ environments: { 'shop/app': { values } } }), credentialsIn: () => accounts };
    const order = {
      name: 'shop/app',
      consumer: 'shop',
      holder: 'store',
      notBeforeMs: notBeforeMs ?? performance.now(),
    };
    return await openInline(order, { cluster: sources, providers }, signal);
  };
  const values = async (wanted?: VaultWanted) =>
    plainJson((await opened(wanted)).value, { redact: false }) as unknown as VaultValues; // the document is made above
  return {
    sessions,
    logins,
    minted,
    opened,
    values,
    async open(wanted) {
      try {
        return (await values(wanted)).vault;
      } catch (thrown) {
        return asOperatorError(thrown);
      }
    },
    async fails(wanted) {
      try {
        await opened(wanted);
      } catch (thrown) {
        const { reason, message, retryAfterMs } = asOperatorError(thrown);
        return { reason, message, retryAfterMs };
      }
      throw new Error('it was opened');
    },
    next() {
      const successor = vaultDesk({ url, issuer, checkSite, lasting });
      successors.push(successor);
      return successor;
    },
    async stop() {
      door.close();
      await Promise.all(successors.map((successor) => successor.stop()));
    },
  };
}
