// `azure-login` and `azure-secrets`, by the published schemas. In the cluster, `oidc: true` gives a token of a ServiceAccount of
// the Environment's own namespace, which Microsoft Entra takes as a client assertion; `serviceAccount` (default `default`) and
// `audience` are additions. The login itself asks nobody: by its schema it hands out what others log in with. `azure-secrets`
// exchanges it for a token of Key Vault.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret

import * as z from 'zod/mini';
import { TokenRejected } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { digestOf } from '../../shared/digest.ts';
import { sizeOfEsc } from '../../shared/kept-size.ts';
import { type Outcome, outcomeOf, valueIn } from '../../shared/outcome.ts';
import { memoryOf, Snapshots } from '../../shared/snapshots.ts';
import { CloudCalls, type Complaint, type Verdict } from './cloud-calls.ts';
import { openEntries } from './cloud-inputs.ts';
import { anySite, type CheckSite, type EscProvider, type HostPorts, type OpenContext } from './contract.ts';
import { member, textOf } from './inputs.ts';
import { KeptLogins, type LoggedIn } from './kept-logins.ts';

/** What Entra expects of federated tokens, unless an application says otherwise. */
const usualAudience = 'api://AzureADTokenExchange';
/** Life of the tokens that are handed out, in seconds; the API server may give less. */
const assertionLifeSeconds = 3_600;
const apiVersion = '7.4';
/** How long a value is kept that nobody asks for. */
const keepMs = 60_000;

/** Clouds by the domain of their vaults, with the host of their Entra. */
const authorities: Readonly<Record<string, string>> = {
  'vault.azure.net': 'login.microsoftonline.com',
  'vault.azure.cn': 'login.partner.microsoftonline.cn',
  'vault.usgovcloudapi.net': 'login.microsoftonline.us',
};

const string = { type: 'string', minLength: 1 } as const;
const oidcToken = { type: 'object', properties: { token: string }, required: ['token'] } as const;
const loginProperties = { clientId: string, tenantId: string, subscriptionId: string, clientSecret: string } as const;
const loginOutputs = {
  type: 'object',
  properties: { ...loginProperties, oidc: oidcToken },
  required: ['clientId', 'tenantId'],
} as const;

/** A token, a client secret, or both, of which the token counts. */
const credentials = ['oidc', 'clientSecret'] as const;

interface Parts {
  readonly checkSite: CheckSite;
  readonly calls: CloudCalls;
  /** Tokens of ServiceAccounts. */
  readonly assertions: KeptLogins<LoggedIn>;
  /** Tokens of Entra. */
  readonly tokens: KeptLogins<LoggedIn>;
  readonly values: Snapshots<Outcome<EscValue>>;
}

/** Both providers by name; an assertion that Entra finds expired is not given again by `azure-login`. */
export function azureProviders(ports: HostPorts): readonly (readonly [string, EscProvider])[] {
  const { account, clock, shares } = ports;
  const parts: Parts = {
    checkSite: ports.checkSite ?? anySite,
    calls: new CloudCalls(ports),
    assertions: new KeptLogins(ports),
    tokens: new KeptLogins({ ...ports, provider: 'azure' }),
    values: new Snapshots({ clock, keepMs, memory: memoryOf(account, sizeOfEsc), shares }),
  };
  return [
    ['azure-login', azureLogin(parts)],
    ['azure-secrets', azureSecrets(parts)],
  ];
}

function azureLogin({ assertions }: Parts): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        ...loginProperties,
        oidc: { type: 'boolean' },
        subjectAttributes: { type: 'array', items: string },
        serviceAccount: string,
        audience: string,
      },
      required: ['clientId', 'tenantId'],
      atLeastOne: credentials,
    },
    outputs: loginOutputs,
    secret: true,
    async open(inputs, context, signal) {
      const oidc = inputs.members.get('oidc')?.data;
      const isFederated = oidc?.kind === 'boolean' && oidc.value;
      const clientSecret = textOf(inputs, 'clientSecret');
      const plain = ['clientId', 'tenantId', 'subscriptionId'].flatMap((name) => {
        const text = textOf(inputs, name);
        return text === undefined ? [] : [[name, textValue(text)] as const];
      });
      const assertion = isFederated ? [['oidc', await federated(assertions, inputs, context, signal)] as const] : [];
      const secret =
        clientSecret === undefined ? [] : [['clientSecret', textValue(clientSecret, { secret: true })] as const];
      return objectValue([...plain, ...secret, ...assertion]);
    },
  };
}

async function federated(
  assertions: KeptLogins<LoggedIn>,
  inputs: EscValue,
  context: OpenContext,
  signal: AbortSignal,
): Promise<EscValue> {
  const name = textOf(inputs, 'serviceAccount') ?? 'default';
  const audience = textOf(inputs, 'audience') ?? usualAudience;
  const wish = { name, audiences: [audience], expirationSeconds: assertionLifeSeconds };
  const account = await context.credentials.serviceAccount(wish, 'azure-login: serviceAccount', signal);
  const order = {
    key: digestOf(account.name, audience),
    origin: context.namespace,
    keeper: context.namespace,
    method: 'assertion',
    async login(shared: AbortSignal) {
      const token = await account.mint(shared);
      return { token, lifetimeMs: lifetimeOf(token) };
    },
  };
  const { token, lifetimeMs } = await assertions.get(order, signal);
  if (lifetimeMs !== undefined) context.noteLifetime?.(lifetimeMs);
  return objectValue([['token', textValue(token.text(), { secret: true })]]);
}

const claims = z.object({ exp: z.number(), iat: z.number() });

/** What the API server wrote into the token; from `iat`, so that a clock that is off does not matter. */
function lifetimeOf(token: SecretValue): number | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.text().split('.')[1] ?? '', 'base64url').toString('utf8'));
    const { exp, iat } = claims.parse(payload);
    return (exp - iat) * 1_000;
  } catch {
    return undefined;
  }
}

function azureSecrets(parts: Parts): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        login: { ...loginOutputs, atLeastOne: credentials },
        vault: string,
        get: {
          type: 'object',
          additionalProperties: {
            anyOf: [
              { type: 'object', properties: { name: string, version: string }, required: ['name'] },
              // The identifier of a secret, which names the vault as well: an example of Pulumi's writes it so.
              string,
            ],
          },
          minProperties: 1,
        },
      },
      required: ['get', 'login'],
    },
    outputs: { type: 'object', additionalProperties: { type: 'string' } },
    secret: true,
    async open(inputs, context, signal) {
      const identity = identityOf(member(inputs, 'login'));
      const vault = textOf(inputs, 'vault');
      return await openEntries(member(inputs, 'get'), async (entry) =>
        readShared(parts, { ...identity, ...placeOf(entry, vault), context }, signal),
      );
    },
  };
}

interface Identity {
  readonly clientId: string;
  readonly tenantId: string;
  readonly credential: SecretValue;
  /** The credential is a token, and no client secret. */
  readonly isAssertion: boolean;
}

/** A token counts before a client secret. */
function identityOf(login: EscValue): Identity {
  const tenantId = textOf(login, 'tenantId') ?? '';
  if (!/^[\w-][\w.-]*$/.test(tenantId)) {
    throw new OperatorError('InvalidSpec', 'azure-secrets: login.tenantId is neither an id nor a domain');
  }
  const token = textOf(member(login, 'oidc'), 'token');
  const credential = token ?? textOf(login, 'clientSecret') ?? '';
  const clientId = textOf(login, 'clientId') ?? '';
  return { clientId, tenantId, credential: new SecretValue(credential), isAssertion: token !== undefined };
}

interface SecretPlace {
  /** Such as `shop.vault.azure.net`. */
  readonly host: string;
  readonly name: string;
  /** Absent for the newest. */
  readonly version: string | undefined;
}

function placeOf(entry: EscValue, vault: string | undefined): SecretPlace {
  if (entry.data.kind === 'string') return placeOfId(entry.data.text);
  const name = checkedName(textOf(entry, 'name') ?? '', 'name');
  const version = textOf(entry, 'version');
  if (vault === undefined) throw invalid('vault is missing: the name of the vault');
  return {
    host: hostOf(vault),
    name,
    version: version === undefined ? undefined : checkedName(version, 'version'),
  };
}

/** `https://VAULT.vault.azure.net/secrets/NAME`, perhaps with a version behind it. */
function placeOfId(text: string): SecretPlace {
  const [, vault = '', name, version] = /^(https:\/\/[^/]+)\/secrets\/([\w-]+)(?:\/([\w-]+))?\/?$/.exec(text) ?? [];
  if (name === undefined) {
    throw invalid(
      'a text in get is the identifier of a secret, such as "https://my-vault.vault.azure.net/secrets/name"',
    );
  }
  return { host: hostOf(vault), name, version };
}

/** A name, or an address whose domain is that of the vaults of a known cloud: a token is sent nowhere else. */
function hostOf(vault: string): string {
  const [, name = '', domain = 'vault.azure.net'] =
    /^(?:https:\/\/)?([A-Za-z0-9][A-Za-z0-9-]{0,62})(?:\.([a-z.]+))?\/?$/.exec(vault) ?? [];
  if (name !== '' && Object.hasOwn(authorities, domain)) return `${name.toLowerCase()}.${domain}`;
  const domains = Object.keys(authorities).join(', ');
  throw invalid(`vault ${JSON.stringify(vault)} is neither the name of a vault nor an address below ${domains}`);
}

function checkedName(text: string, field: string): string {
  if (/^[A-Za-z0-9-]{1,127}$/.test(text)) return text;
  throw invalid(`${field} ${JSON.stringify(text)} may hold letters, digits and "-" only`);
}

function invalid(problem: string): OperatorError {
  return new OperatorError('InvalidSpec', `azure-secrets: ${problem}`);
}

interface Wanted extends Identity, SecretPlace {
  readonly context: OpenContext;
}

/** One request for all who read the same with the same credential at the same time. */
async function readShared(parts: Parts, wanted: Wanted, signal: AbortSignal): Promise<EscValue> {
  const { clientId, tenantId, credential, host, name, version = '', context } = wanted;
  const authority = authorities[host.slice(host.indexOf('.') + 1)];
  for (const each of [authority, host]) await parts.checkSite(context.namespace, new URL(`https://${each}`), signal);
  const outcome = await parts.values.get(
    {
      key: digestOf(tenantId, clientId, credential.text(), host, name, version),
      origin: host,
      holder: context.namespace,
      notBeforeMs: context.notBeforeMs,
      fetch: async (_, shared) => ({ value: await outcomeOf(() => read(parts, wanted, shared)) }),
    },
    signal,
  );
  return valueIn(outcome);
}

/** With a new token where the first one is refused. */
async function read(parts: Parts, wanted: Wanted, signal: AbortSignal): Promise<EscValue> {
  const first = await vaultToken(parts, wanted, signal);
  try {
    return await readWith(parts.calls, first, wanted, signal);
  } catch (thrown) {
    if (!(thrown instanceof TokenRejected)) throw thrown;
    parts.tokens.refuse(first);
  }
  const second = await vaultToken(parts, wanted, signal);
  try {
    return await readWith(parts.calls, second, wanted, signal);
  } catch (thrown) {
    if (!(thrown instanceof TokenRejected)) throw thrown;
    parts.tokens.refuse(second);
    throw new OperatorError('AccessDenied', thrown.message); // another login would give the same
  }
}

const tokenReply = z.object({
  access_token: z.string().check(z.minLength(1)),
  expires_in: z.optional(z.union([z.number(), z.string()])),
});
const entraComplaint = z.object({ error: z.string(), error_description: z.optional(z.string()) });
/** The assertion is expired, or not valid yet. */
const outOfTime = 'AADSTS700024';

/** A token for vaults of the cloud that the host belongs to. Throws LoginRejected, and TokenRejected for an expired assertion. */
async function vaultToken(parts: Parts, wanted: Wanted, signal: AbortSignal): Promise<SecretValue> {
  const { clientId, tenantId, credential, host, isAssertion, context } = wanted;
  const domain = host.slice(host.indexOf('.') + 1);
  const login = async (shared: AbortSignal) => {
    const proof = isAssertion
      ? {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: credential.text(),
        }
      : { client_secret: credential.text() };
    const scope = `https://${domain}/.default`;
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, scope, ...proof });
    const { reply } = await parts.calls.ask(
      {
        what: 'azure-secrets: Microsoft Entra',
        request: {
          method: 'POST',
          url: new URL(`https://${authorities[domain]}/${tenantId}/oauth2/v2.0/token`),
          headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
          body: form.toString(),
          turn: context.namespace,
        },
        sent: [credential],
        quota: `entra ${tenantId} ${clientId}`,
        reply: tokenReply,
        complaintOf(json) {
          const said = entraComplaint.safeParse(json).data;
          if (said === undefined) return undefined;
          const text = said.error_description ?? '';
          const [number, rest = text] = /^(AADSTS\d+):\s*([\s\S]*)$/.exec(text)?.slice(1) ?? [];
          return { codes: number === undefined ? [said.error] : [said.error, number], text: rest };
        },
        judge: (_, codes) => judgeLogin(codes, isAssertion),
      },
      shared,
    );
    const seconds = Number(reply.expires_in);
    return {
      token: new SecretValue(reply.access_token),
      lifetimeMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
    };
  };
  const key = digestOf(tenantId, clientId, credential.text(), domain);
  const method = isAssertion ? 'oidc' : 'clientSecret';
  try {
    const { namespace } = context;
    return (await parts.tokens.get({ key, origin: namespace, keeper: namespace, method, login }, signal)).token;
  } catch (thrown) {
    if (thrown instanceof TokenRejected) parts.assertions.refuse(credential);
    throw thrown;
  }
}

function judgeLogin(codes: readonly string[], isAssertion: boolean): Verdict {
  if (isAssertion && codes.includes(outOfTime)) return { token: 'the token of the ServiceAccount has expired' };
  return {
    reason: 'LoginRejected',
    advice: isAssertion
      ? 'check clientId and tenantId, and issuer, subject and audience of the federated credential of the application'
      : 'check clientId, tenantId and clientSecret',
  };
}

const secretReply = z.object({ value: z.string() });

async function readWith(
  calls: CloudCalls,
  token: SecretValue,
  { host, name, version, context }: Wanted,
  signal: AbortSignal,
): Promise<EscValue> {
  const url = new URL(`https://${host}/secrets/${name}${version === undefined ? '' : `/${version}`}`);
  url.searchParams.set('api-version', apiVersion);
  const { reply } = await calls.ask(
    {
      what: `azure-secrets: Key Vault (secret ${JSON.stringify(name)} of ${host})`,
      request: {
        method: 'GET',
        url,
        headers: { authorization: `Bearer ${token.text()}`, accept: 'application/json' },
        turn: context.namespace,
      },
      sent: [token],
      quota: `vault ${host}`,
      reply: secretReply,
      complaintOf: vaultComplaint,
      judge: judgeRead,
    },
    signal,
  );
  return textValue(reply.value, { secret: true });
}

function judgeRead(status: number, codes: readonly string[]): Verdict {
  if (status === 401) return { token: 'check that the application is of the tenant of the vault' };
  if (status === 404)
    return { reason: 'SecretNotFound', advice: 'create the secret or the version, or correct its name' };
  if (status !== 403) return { reason: 'UpstreamRejected', advice: 'see what Key Vault says' };
  if (codes.includes('SecretDisabled')) {
    return { reason: 'InvalidValue', advice: 'enable the secret, or name another version' };
  }
  if (codes.includes('ForbiddenByFirewall') || codes.includes('ForbiddenByConnection')) {
    return { reason: 'AccessDenied', advice: 'let the nodes of the cluster through the firewall of the vault' };
  }
  return {
    reason: 'AccessDenied',
    advice:
      'grant the application the role "Key Vault Secrets User", or the permission "get" where the vault has access policies',
  };
}

const apiComplaint = z.object({
  error: z.object({
    code: z.optional(z.string()),
    message: z.optional(z.string()),
    innererror: z.optional(z.nullable(z.object({ code: z.optional(z.string()) }))),
  }),
});

function vaultComplaint(json: unknown): Complaint | undefined {
  const said = apiComplaint.safeParse(json).data?.error;
  if (said === undefined) return undefined;
  return {
    codes: [said.code, said.innererror?.code].filter((code) => code !== undefined),
    text: said.message ?? '',
  };
}
