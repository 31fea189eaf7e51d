// `gcp-login` and `gcp-secrets`, by the published schemas. In the cluster, `oidc` exchanges a token of a ServiceAccount of the
// Environment's own namespace at Google's token service (workload identity federation) and then impersonates the service
// account of Google. `serviceAccount` is Google's, as published; `kubernetesServiceAccount` (default `default`) and `audience`
// (default the provider of the pool, as Google expects it) are additions.
// https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
// https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
// https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access

import * as z from 'zod/mini';
import { TokenRejected } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { bytesValue, type EscValue, numberValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { digestOf } from '../../shared/digest.ts';
import { sizeOfEsc } from '../../shared/kept-size.ts';
import { type Outcome, outcomeOf, valueIn } from '../../shared/outcome.ts';
import { memoryOf, Snapshots } from '../../shared/snapshots.ts';
import { CloudCalls, type Complaint, type Verdict } from './cloud-calls.ts';
import { openEntries, secondsOf, wholeNumberOf } from './cloud-inputs.ts';
import { anySite, type CheckSite, type EscProvider, type HostPorts, type OpenContext } from './contract.ts';
import { chosenOf, member, textOf } from './inputs.ts';
import { KeptLogins, type LoggedIn, type LoginOrder } from './kept-logins.ts';

const stsUrl = new URL('https://sts.googleapis.com/v1/token');
const iamRoot = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/';
const secretManagerRoot = 'https://secretmanager.googleapis.com/v1/';
const cloudScope = 'https://www.googleapis.com/auth/cloud-platform';
/** How long a value is kept that nobody asks for. */
const keepMs = 60_000;
const usualLifeSeconds = 3_600;

const string = { type: 'string', minLength: 1 } as const;
const number = { type: 'number' } as const;
const duration = { type: 'string', pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$' } as const;

/** Ways to log in, of which one is set. */
const ways = ['oidc', 'accessToken'] as const;

interface Parts {
  readonly checkSite: CheckSite;
  readonly calls: CloudCalls;
  readonly logins: KeptLogins<GoogleToken>;
  readonly values: Snapshots<Outcome<EscValue>>;
}

interface GoogleToken extends LoggedIn {
  readonly tokenType: string;
  /** RFC 3339. */
  readonly expiry?: string;
}

/** Both providers by name; a token that `gcp-secrets` was refused with is not given again by `gcp-login`. */
export function gcpProviders(ports: HostPorts): readonly (readonly [string, EscProvider])[] {
  const { account, clock, shares } = ports;
  const parts: Parts = {
    checkSite: ports.checkSite ?? anySite,
    calls: new CloudCalls(ports),
    logins: new KeptLogins({ ...ports, provider: 'gcp' }),
    values: new Snapshots({ clock, keepMs, memory: memoryOf(account, sizeOfEsc), shares }),
  };
  return [
    ['gcp-login', gcpLogin(parts)],
    ['gcp-secrets', gcpSecrets(parts)],
  ];
}

function gcpLogin(parts: Parts): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        project: number,
        oidc: {
          type: 'object',
          properties: {
            workloadPoolId: string,
            providerId: string,
            serviceAccount: string,
            region: string,
            tokenLifetime: duration,
            subjectAttributes: { type: 'array', items: string },
            kubernetesServiceAccount: string,
            audience: string,
          },
          required: ['workloadPoolId', 'providerId', 'serviceAccount'],
        },
        accessToken: {
          type: 'object',
          properties: { accessToken: string, serviceAccount: string, tokenLifetime: duration },
          required: ['accessToken'],
        },
      },
      required: ['project'],
      exactlyOne: ways,
    },
    outputs: {
      type: 'object',
      properties: { accessToken: string, project: number, tokenType: string, expiry: string },
      required: ['accessToken', 'project', 'tokenType'],
    },
    secret: true,
    async open(inputs, context, signal) {
      if (inputs.members.has('oidc')) await parts.checkSite(context.namespace, new URL(stsUrl.origin), signal);
      await parts.checkSite(context.namespace, new URL(new URL(iamRoot).origin), signal);
      const project = wholeNumberOf(inputs, 'project', 'gcp-login') ?? '';
      const { token, tokenType, expiry, lifetimeMs } = await logIn(parts, { inputs, project, context }, signal);
      if (lifetimeMs !== undefined) context.noteLifetime?.(lifetimeMs);
      return objectValue([
        ['accessToken', textValue(token.text(), { secret: true })],
        ['project', numberValue(project)],
        ['tokenType', textValue(tokenType)],
        ...(expiry === undefined ? [] : [['expiry', textValue(expiry)] as const]),
      ]);
    },
  };
}

interface LoginParts {
  readonly inputs: EscValue;
  readonly project: string;
  readonly context: OpenContext;
}

async function logIn(
  parts: Parts,
  { inputs, project, context }: LoginParts,
  signal: AbortSignal,
): Promise<GoogleToken> {
  if (chosenOf(inputs, ways) === 'oidc') {
    return parts.logins.get(await federatedLogin(parts.calls, { inputs, project, context }, signal), signal);
  }
  const block = member(inputs, 'accessToken');
  const token = new SecretValue(textOf(block, 'accessToken') ?? '');
  const email = textOf(block, 'serviceAccount');
  if (email === undefined) return { token, tokenType: 'Bearer', lifetimeMs: undefined };
  const lifeSeconds = lifeOf(block);
  const { namespace: turn } = context;
  const order: LoginOrder<GoogleToken> = {
    key: digestOf('accessToken', token.text(), email, String(lifeSeconds)),
    origin: turn,
    keeper: turn,
    method: 'accessToken',
    login: (shared) =>
      impersonate(
        parts.calls,
        { token, email, lifeSeconds, turn, missing: 'grant its bearer roles/iam.serviceAccountTokenCreator on it' },
        shared,
      ),
  };
  return parts.logins.get(order, signal);
}

function lifeOf(block: EscValue): number {
  return secondsOf(block, 'tokenLifetime', { provider: 'gcp-login', otherwise: usualLifeSeconds });
}

async function federatedLogin(
  calls: CloudCalls,
  { inputs, project, context }: LoginParts,
  signal: AbortSignal,
): Promise<LoginOrder<GoogleToken>> {
  const block = member(inputs, 'oidc');
  const pool = `//iam.googleapis.com/projects/${project}/locations/global/workloadIdentityPools/${textOf(block, 'workloadPoolId')}`;
  const provider = `${pool}/providers/${textOf(block, 'providerId')}`;
  const email = textOf(block, 'serviceAccount') ?? '';
  const lifeSeconds = lifeOf(block);
  const audience = textOf(block, 'audience') ?? `https:${provider}`;
  const name = textOf(block, 'kubernetesServiceAccount') ?? 'default';
  const field = 'gcp-login: oidc.kubernetesServiceAccount';
  const account = await context.credentials.serviceAccount({ name, audiences: [audience] }, field, signal);
  const subject = `system:serviceaccount:${account.name.replace('/', ':')}`;
  const { namespace: turn } = context;
  return {
    key: digestOf('oidc', account.name, audience, provider, email, String(lifeSeconds)),
    origin: turn,
    keeper: turn,
    method: 'oidc',
    async login(shared) {
      const jwt = await account.mint(shared);
      const token = await exchange(calls, { jwt, provider, subject, audience, turn }, shared);
      const missing = `grant roles/iam.workloadIdentityUser on it to principal:${pool}/subject/${subject}`;
      return await impersonate(calls, { token, email, lifeSeconds, turn, missing }, shared);
    },
  };
}

interface Exchange {
  readonly jwt: SecretValue;
  readonly provider: string;
  readonly subject: string;
  readonly audience: string;
  readonly turn: string;
}

const stsReply = z.object({ access_token: z.string().check(z.minLength(1)) });
const stsComplaint = z.object({ error: z.string(), error_description: z.optional(z.string()) });

/** A federated token for the token of a ServiceAccount. Throws LoginRejected. */
async function exchange(
  calls: CloudCalls,
  { jwt, provider, subject, audience, turn }: Exchange,
  signal: AbortSignal,
): Promise<SecretValue> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: provider,
    scope: cloudScope,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: jwt.text(),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
  const advice: Readonly<Record<string, string>> = {
    invalid_target: `check project, workloadPoolId and providerId: there is no ${provider}, or it is disabled`,
    unauthorized_client: `check the attribute condition of the pool's provider: it does not let ${subject} pass`,
  };
  const { reply } = await calls.ask(
    {
      what: 'gcp-login: Google STS',
      request: {
        method: 'POST',
        url: stsUrl,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: form.toString(),
        turn,
      },
      sent: [jwt],
      quota: `sts ${provider}`,
      reply: stsReply,
      complaintOf(json) {
        const said = stsComplaint.safeParse(json).data;
        return said && { codes: [said.error], text: said.error_description ?? '' };
      },
      judge: (_, [code = '']) => ({
        reason: 'LoginRejected',
        advice:
          advice[code] ??
          `check that the pool's provider trusts the issuer of the cluster and allows the audience ${JSON.stringify(audience)}`,
      }),
    },
    signal,
  );
  return new SecretValue(reply.access_token);
}

interface Impersonation {
  readonly token: SecretValue;
  readonly email: string;
  readonly lifeSeconds: number;
  readonly turn: string;
  /** What to do where the right is missing. */
  readonly missing: string;
}

const impersonationReply = z.object({ accessToken: z.string().check(z.minLength(1)), expireTime: z.string() });

/** An access token of a service account of Google. Throws LoginRejected. */
async function impersonate(
  calls: CloudCalls,
  { token, email, lifeSeconds, turn, missing }: Impersonation,
  signal: AbortSignal,
): Promise<GoogleToken> {
  const advice: Readonly<Record<number, string>> = {
    401: 'the token that impersonates is not valid, or has expired',
    403: missing,
    404: 'there is no such service account',
  };
  const { reply, answeredAtMs } = await calls.ask(
    {
      what: `gcp-login: Google IAM (service account ${JSON.stringify(email)})`,
      request: {
        method: 'POST',
        url: new URL(`${iamRoot}${encodeURIComponent(email)}:generateAccessToken`),
        headers: bearer(token, { 'content-type': 'application/json' }),
        body: JSON.stringify({ scope: [cloudScope], lifetime: `${lifeSeconds}s` }),
        turn,
      },
      sent: [token],
      quota: `iam ${email}`,
      reply: impersonationReply,
      complaintOf: googleComplaint,
      judge: (status) => ({
        reason: 'LoginRejected',
        advice: advice[status] ?? 'check serviceAccount and tokenLifetime',
      }),
    },
    signal,
  );
  const endsAtMs = Date.parse(reply.expireTime);
  // By the cloud's own clock, and never longer than was asked for.
  const leftMs = Number.isNaN(endsAtMs) ? Number.POSITIVE_INFINITY : Math.max(0, endsAtMs - answeredAtMs);
  const lifetimeMs = Math.min(lifeSeconds * 1_000, leftMs);
  return { token: new SecretValue(reply.accessToken), tokenType: 'Bearer', expiry: reply.expireTime, lifetimeMs };
}

function gcpSecrets(parts: Parts): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        login: {
          type: 'object',
          properties: { accessToken: string, project: number, tokenType: string, expiry: string },
          required: ['accessToken', 'project'],
        },
        access: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { name: string, version: number }, required: ['name'] },
          minProperties: 1,
        },
      },
      required: ['access', 'login'],
    },
    outputs: { type: 'object', additionalProperties: { type: 'string' } },
    secret: true,
    async open(inputs, context, signal) {
      await parts.checkSite(context.namespace, new URL(new URL(secretManagerRoot).origin), signal);
      const login = member(inputs, 'login');
      const token = new SecretValue(textOf(login, 'accessToken') ?? '');
      const project = wholeNumberOf(login, 'project', 'gcp-secrets') ?? '';
      return await openEntries(member(inputs, 'access'), async (entry) => {
        const name = textOf(entry, 'name') ?? '';
        const version = wholeNumberOf(entry, 'version', 'gcp-secrets') ?? 'latest';
        return readShared(parts, { token, project, name, version, context }, signal);
      });
    },
  };
}

interface SecretVersion {
  readonly token: SecretValue;
  readonly project: string;
  readonly name: string;
  readonly version: string;
  readonly context: OpenContext;
}

/** One request for all who read the same with the same token at the same time. */
async function readShared({ calls, logins, values }: Parts, wanted: SecretVersion, signal: AbortSignal) {
  const { token, project, name, version, context } = wanted;
  const outcome = await values.get(
    {
      key: digestOf(token.text(), project, name, version),
      origin: project,
      holder: context.namespace,
      notBeforeMs: context.notBeforeMs,
      async fetch(_, shared) {
        try {
          return { value: await outcomeOf(() => access(calls, wanted, shared)) };
        } catch (thrown) {
          if (thrown instanceof TokenRejected) logins.refuse(token);
          throw thrown;
        }
      },
    },
    signal,
  );
  return valueIn(outcome);
}

const base64 = z.string().check(z.regex(/^[A-Za-z0-9+/]*={0,2}$/));
const accessReply = z.object({ payload: z.object({ data: z.optional(base64) }) });

async function access(
  calls: CloudCalls,
  { token, project, name, version, context }: SecretVersion,
  signal: AbortSignal,
): Promise<EscValue> {
  if (!/^[\w-]{1,255}$/.test(name)) {
    throw new OperatorError(
      'InvalidSpec',
      `gcp-secrets: ${JSON.stringify(name)} is no name of a secret: only letters, digits, "-" and "_"; the project is the login's`,
    );
  }
  const { reply } = await calls.ask(
    {
      what: `gcp-secrets: Secret Manager (secret ${JSON.stringify(name)} of project ${project})`,
      request: {
        method: 'GET',
        url: new URL(`projects/${project}/secrets/${name}/versions/${version}:access`, secretManagerRoot),
        headers: bearer(token),
        turn: context.namespace,
      },
      sent: [token],
      quota: `secretmanager ${project}`,
      reply: accessReply,
      complaintOf: googleComplaint,
      judge: (status, codes) => judgeAccess(status, codes),
    },
    signal,
  );
  return bytesValue(Buffer.from(reply.payload.data ?? '', 'base64'), { secret: true });
}

function judgeAccess(status: number, codes: readonly string[]): Verdict {
  if (status === 401) return { token: 'the token is not valid, or has expired' };
  if (status === 404)
    return { reason: 'SecretNotFound', advice: 'create the secret or the version, or correct its name' };
  if (status === 403) return { reason: 'AccessDenied', advice: missingRight(codes) };
  if (codes.includes('FAILED_PRECONDITION')) {
    return { reason: 'InvalidValue', advice: 'enable the version, or name another one' };
  }
  return { reason: 'UpstreamRejected', advice: 'see what Google says' };
}

function missingRight(codes: readonly string[]): string {
  if (codes.includes('SERVICE_DISABLED')) return 'enable the Secret Manager API in the project';
  if (codes.includes('CONSUMER_INVALID')) return 'check the number of the project in the login';
  return 'grant the identity roles/secretmanager.secretAccessor on the secret; a project of another number looks the same';
}

const errorInfo = z.object({ reason: z.optional(z.string()), retryDelay: z.optional(z.string()) });
const apiComplaint = z.object({
  error: z.object({
    status: z.optional(z.string()),
    message: z.optional(z.string()),
    details: z.optional(z.array(z.unknown())),
  }),
});

/** https://google.aip.dev/193 */
function googleComplaint(json: unknown): Complaint | undefined {
  const said = apiComplaint.safeParse(json).data?.error;
  if (said === undefined) return undefined;
  const details = (said.details ?? []).slice(0, 10).flatMap((each) => errorInfo.safeParse(each).data ?? []);
  const delay = details.map(({ retryDelay }) => /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(retryDelay ?? '')?.[1]).find(Boolean);
  return {
    codes: [said.status, ...details.map(({ reason }) => reason)].filter((code) => code !== undefined),
    text: said.message ?? '',
    retryAfterMs: delay === undefined ? undefined : Number(delay) * 1_000,
  };
}

function bearer(token: SecretValue, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token.text()}`, accept: 'application/json', ...more };
}
