// `gh-login`: a token of a GitHub App's installation, by the published schema. The app proves itself by a JWT that its key
// signs; the token that it gets ends after an hour, and is given until two thirds of it to all who ask for the same.
// `ghe.caBundle` is an addition.
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
import * as z from 'zod/mini';
import { readRsaKey, signRs256 } from '../../../auth/signing/rs256-jwt.ts';
import type { Clock } from '../../../base/clock.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { type EscValue, numberValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { Upstream } from '../../../http/contract.ts';
import { digestOf } from '../../shared/digest.ts';
import { Pauses } from '../../shared/pauses.ts';
import { anySite, type EscProvider, type HostPorts } from './contract.ts';
import { caPemOf, mapOf, member, textOf } from './inputs.ts';
import { KeptLogins, type LoggedIn } from './kept-logins.ts';
import { apiRoot, callJson, failure, type JsonCall, type Meanings } from './rest.ts';

const string = { type: 'string', minLength: 1 } as const;
const number = { type: 'number' } as const;

/** Longest life of a token of an installation. */
const longestLifeMs = 3_600_000;

interface InstallationToken extends LoggedIn {
  readonly appSlug: string;
  readonly installationId: number;
  /** RFC 3339. */
  readonly expiry: string;
}

export function githubLogin(ports: HostPorts): EscProvider {
  const { door, clock, checkSite = anySite } = ports;
  const logins = new KeptLogins<InstallationToken>({ ...ports, provider: 'github' });
  const pauses = new Pauses({ clock });
  return {
    inputs: {
      type: 'object',
      properties: {
        appId: number,
        privateKey: string,
        owner: string,
        repositories: { type: 'array', items: string },
        permissions: mapOf(string),
        ghe: { type: 'object', properties: { host: string, caBundle: string }, required: ['host'] },
      },
      required: ['appId', 'owner', 'privateKey'],
    },
    outputs: {
      type: 'object',
      properties: {
        accessToken: string,
        appId: number,
        appSlug: string,
        installationId: number,
        expiry: string,
        type: string,
      },
      required: ['accessToken', 'appId', 'appSlug', 'expiry', 'installationId', 'type'],
    },
    secret: true,
    async open(inputs, { namespace, noteLifetime }, signal) {
      const order = orderOf(inputs);
      const root = apiRootOf(member(inputs, 'ghe'));
      await checkSite(namespace, new URL(new URL(root).origin), signal);
      const caPem = caPemOf(member(inputs, 'ghe'), 'ghe');
      const { appId, privateKey, owner, terms } = order;
      const proof = digestOf(root, appId, privateKey.text(), caPem ?? '');
      const login = async (shared: AbortSignal) => {
        const site = {
          upstream: door.open(caPem === undefined ? {} : { caPem }),
          root,
          headers: { authorization: `Bearer ${appToken(order, clock)}`, 'x-github-api-version': '2022-11-28' },
          group: `github ${proof}`,
          turn: namespace,
        };
        return await pauses.around(site.group, () => makeToken(site, order, clock, shared));
      };
      const key = digestOf(proof, owner, terms);
      const given = await logins.get({ key, origin: namespace, keeper: namespace, method: 'app', login }, signal);
      if (given.lifetimeMs !== undefined) noteLifetime?.(given.lifetimeMs);
      return objectValue([
        ['accessToken', textValue(given.token.text(), { secret: true })],
        ['appId', numberValue(appId)],
        ['appSlug', textValue(given.appSlug)],
        ['installationId', numberValue(String(given.installationId))],
        ['expiry', textValue(given.expiry)],
        ['type', textValue('installation')],
      ]);
    },
  };
}

interface Order {
  readonly appId: string;
  readonly privateKey: SecretValue;
  readonly owner: string;
  /** What the token is narrowed to. */
  readonly terms: object;
}

function orderOf(inputs: EscValue): Order {
  const appId = inputs.members.get('appId')?.data;
  const repositories = inputs.members.get('repositories')?.data;
  const names = repositories?.kind === 'array' ? repositories.elements.map(({ data }) => textIn(data)) : undefined;
  const permissions = [...member(inputs, 'permissions').members].map(([name, { data }]) => [name, textIn(data)]);
  return {
    appId: appId?.kind === 'number' ? appId.text : '',
    privateKey: new SecretValue(textOf(inputs, 'privateKey') ?? ''),
    owner: textOf(inputs, 'owner') ?? '',
    terms: {
      ...(names === undefined || names.length === 0 ? {} : { repositories: names }),
      ...(permissions.length === 0 ? {} : { permissions: Object.fromEntries(permissions) }),
    },
  };
}

function textIn(data: EscValue['data']): string {
  return data.kind === 'string' ? data.text : '';
}

/** `ghe.host` is a host, or a URL. Enterprise Cloud with its own domain has the API beside the site, a server below it. */
function apiRootOf(ghe: EscValue): string {
  const host = textOf(ghe, 'host');
  if (host === undefined) return 'https://api.github.com';
  const root = apiRoot(/^https?:\/\//.test(host) ? host : `https://${host}`, 'ghe.host');
  const { hostname } = new URL(root);
  if (hostname.endsWith('.ghe.com')) return hostname.startsWith('api.') ? root : root.replace('://', '://api.');
  return root.endsWith('/api/v3') ? root : `${root}/api/v3`;
}

/** Within GitHub's bound of ten minutes, with room for clocks that differ. */
const proofAgeSeconds = 60;
const proofLifeSeconds = 540;

function appToken({ appId, privateKey }: Order, clock: Pick<Clock, 'nowMs'>): string {
  const nowSeconds = Math.floor(clock.nowMs() / 1_000);
  const claims = { iss: appId, iat: nowSeconds - proofAgeSeconds, exp: nowSeconds + proofLifeSeconds };
  return signRs256(claims, readRsaKey(privateKey, 'privateKey'));
}

interface Site {
  readonly upstream: Upstream;
  readonly root: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly group: string;
  readonly turn: string;
}

const proofRefused = { 401: ['LoginRejected', 'the app is refused: check appId and privateKey'] } as const;
const installationSchema = z.object({ id: z.int(), app_slug: z.string() });
const tokenSchema = z.object({ token: z.string().check(z.minLength(1)), expires_at: z.iso.datetime({ offset: true }) });

async function makeToken(
  site: Site,
  order: Order,
  clock: Pick<Clock, 'nowMs'>,
  signal: AbortSignal,
): Promise<InstallationToken> {
  const { id: installationId, app_slug: appSlug } = await installationOf(site, order.owner, signal);
  const { token, expires_at: expiry } = await tokenOf(site, installationId, order, signal);
  // A clock of ours that is behind would make it longer.
  const lifetimeMs = Math.min(longestLifeMs, Math.max(0, Date.parse(expiry) - clock.nowMs()));
  return { token: new SecretValue(token), appSlug, installationId, expiry, lifetimeMs };
}

/** An owner is an organization, or a user: GitHub keeps them apart. */
async function installationOf(site: Site, owner: string, signal: AbortSignal) {
  if (!/^[\w.-]{1,100}$/.test(owner) || /^\.+$/.test(owner)) {
    throw new OperatorError('InvalidSpec', 'owner is no name of an organization or a user');
  }
  const find = (kind: 'orgs' | 'users') => {
    const meanings: Meanings = {
      ...proofRefused,
      404: ['ScopeNotFound', 'the app is not installed there: install it, or correct owner'],
    };
    const call = callOf(
      site,
      `find the installation of the app at "${owner}"`,
      `/${kind}/${owner}/installation`,
      meanings,
    );
    return send(site, call, installationSchema, signal);
  };
  try {
    return await find('orgs');
  } catch (thrown) {
    if (!(thrown instanceof OperatorError) || thrown.reason !== 'ScopeNotFound') throw thrown;
    return await find('users');
  }
}

async function tokenOf(site: Site, installationId: number, { terms, owner }: Order, signal: AbortSignal) {
  const path = `/app/installations/${installationId}/access_tokens`;
  const call = callOf(site, `make a token of the installation at "${owner}"`, path, {
    ...proofRefused,
    403: ['AccessDenied', 'the installation is suspended, or gives the app no such right'],
    404: ['ScopeNotFound', 'the installation is gone'],
    422: ['AccessDenied', 'the installation has not all of these repositories and permissions'],
  });
  return await send(site, { ...call, method: 'POST', body: terms }, tokenSchema, signal);
}

function callOf({ root, headers, group, turn }: Site, operation: string, path: string, meanings: Meanings): JsonCall {
  return { operation, method: 'GET', url: new URL(`${root}${path}`), headers, meanings, group, turn };
}

async function send<T>({ upstream }: Site, call: JsonCall, schema: z.ZodMiniType<T>, signal: AbortSignal): Promise<T> {
  const { data, success } = schema.safeParse(await callJson(upstream, call, signal));
  if (success) return data;
  throw failure('UpstreamInvalid', call, 'the answer is none of GitHub: check ghe.host');
}
