// A double of what a workload meets at Google: the token service of workload identity federation, IAM's generateAccessToken,
// and Secret Manager. Each checks what it is sent as Google does; the texts are Google's.
import type { Clock } from '../../../src/base/clock.ts';
import { type ClusterTrust, clusterTrust, judgeClusterToken } from './cluster-tokens.ts';
import { type CloudAnswer, type CloudRequest, type HttpDouble, startHttpDouble } from './http-double.ts';
import type { Routes } from './routed-door.ts';

export const googleProject = '123456789012';
export const googlePool = { workloadPoolId: 'clusters', providerId: 'prod' };
export const googleReader = 'reader@demo.iam.gserviceaccount.com';
const provider = `//iam.googleapis.com/projects/${googleProject}/locations/global/workloadIdentityPools/${googlePool.workloadPoolId}/providers/${googlePool.providerId}`;
const scope = 'https://www.googleapis.com/auth/cloud-platform';

export interface GoogleFederation {
  readonly sts: HttpDouble;
  readonly iam: HttpDouble;
  readonly secretManager: HttpDouble;
  readonly routes: Routes;
  /** Values of versions by name of the secret, from 1 on; null is a version that is disabled. */
  readonly secrets: Map<string, readonly (string | Buffer | null)[]>;
  /** Secrets that the service account may not read. */
  readonly forbidden: Set<string>;
  /** Subject that the attribute condition lets pass. */
  subject: string;
  /** Audience that the provider allows. */
  audience: string;
  /** Whether the pool's principals may impersonate. */
  mayImpersonate: boolean;
  /** Whether reads of secrets are never answered. */
  isSilent: boolean;
  /** An access token of the service account, for an hour. */
  addToken(): string;
  /** Ends all tokens at once. */
  endTokens(): void;
  stop(): Promise<void>;
}

export async function startGoogleFederation({
  clock,
  trust = clusterTrust,
}: {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly trust?: ClusterTrust;
}): Promise<GoogleFederation> {
  let count = 0;
  /** End of tokens in epoch ms. */
  const federated = new Map<string, number>();
  const access = new Map<string, number>();
  const isGood = (tokens: ReadonlyMap<string, number>, { headers }: CloudRequest) =>
    (tokens.get((headers['authorization'] ?? '').replace(/^Bearer /, '')) ?? 0) > clock.nowMs();
  const unauthenticated = apiError(
    401,
    'UNAUTHENTICATED',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
  );

  const addToken = (seconds: number) => {
    const accessToken = `ya29.access-${++count}`;
    const endsAtMs = clock.nowMs() + seconds * 1_000;
    access.set(accessToken, endsAtMs);
    return { accessToken, endsAtMs };
  };

  const sts = await startHttpDouble(async ({ method, path, body }) => {
    const form = Object.fromEntries(new URLSearchParams(body));
    if (method !== 'POST' || path !== '/v1/token') return { status: 404 };
    const isRight =
      form['grant_type'] === 'urn:ietf:params:oauth:grant-type:token-exchange' &&
      form['requested_token_type'] === 'urn:ietf:params:oauth:token-type:access_token' &&
      form['subject_token_type'] === 'urn:ietf:params:oauth:token-type:jwt' &&
      form['scope'] === scope;
    if (!isRight) return oauthError('invalid_request', 'Invalid value for a parameter.');
    if (form['audience'] !== provider) {
      return oauthError(
        'invalid_target',
        'The target service indicated by the "audience" parameters is invalid. This might either be because the pool or provider is disabled or deleted or because it doesn\'t exist.',
      );
    }
    const judged = await judgeClusterToken(form['subject_token'] ?? '', { audience: double.audience, clock, trust });
    if ('fault' in judged) return oauthError('invalid_grant', stsFaults[judged.fault]);
    if (judged.claims.sub !== double.subject) {
      return oauthError('unauthorized_client', 'The given credential is rejected by the attribute condition.');
    }
    const token = `federated-${++count}`;
    federated.set(token, clock.nowMs() + 3_600_000);
    return {
      status: 200,
      body: {
        access_token: token,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3_600,
      },
    };
  });

  const iam = await startHttpDouble((request) => {
    const [, email] = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(request.path) ?? [];
    if (email === undefined || request.method !== 'POST') return { status: 404 };
    if (!isGood(federated, request)) return unauthenticated;
    if (decodeURIComponent(email) !== googleReader)
      return apiError(404, 'NOT_FOUND', 'Not found; Gaia id not found for email');
    if (!double.mayImpersonate) {
      const text = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
      return apiError(403, 'PERMISSION_DENIED', text, [
        { reason: 'IAM_PERMISSION_DENIED', domain: 'iam.googleapis.com' },
      ]);
    }
    const order = JSON.parse(request.body) as { readonly scope?: readonly string[]; readonly lifetime?: string };
    const seconds = Number(/^(\d+)s$/.exec(order.lifetime ?? '')?.[1]);
    if (order.scope?.[0] !== scope || !(seconds > 0 && seconds <= 3_600)) {
      return apiError(400, 'INVALID_ARGUMENT', 'The access token lifetime cannot exceed the maximum value of 1 hour.');
    }
    const { accessToken, endsAtMs } = addToken(seconds);
    return { status: 200, body: { accessToken, expireTime: new Date(endsAtMs).toISOString() } };
  });

  const secretManager = await startHttpDouble((request) => {
    if (double.isSilent) return new Promise<never>(() => {});
    const [, project, name = '', wanted] =
      /^\/v1\/projects\/(\d+)\/secrets\/([\w-]+)\/versions\/(\w+):access$/.exec(request.path) ?? [];
    if (wanted === undefined || request.method !== 'GET') return { status: 404 };
    if (!isGood(access, request)) return unauthenticated;
    const at = `projects/${project}/secrets/${name}`;
    if (project !== googleProject || double.forbidden.has(name)) {
      const text = `Permission 'secretmanager.versions.access' denied for resource '${at}/versions/${wanted}' (or it may not exist).`;
      return apiError(403, 'PERMISSION_DENIED', text, [{ reason: 'IAM_PERMISSION_DENIED' }]);
    }
    const versions = double.secrets.get(name) ?? [];
    if (versions.length === 0) return apiError(404, 'NOT_FOUND', `Secret [${at}] not found or has no versions.`);
    const number = wanted === 'latest' ? versions.length : Number(wanted);
    const value = versions[number - 1];
    if (value === undefined) return apiError(404, 'NOT_FOUND', `Secret Version [${at}/versions/${number}] not found.`);
    if (value === null) {
      return apiError(400, 'FAILED_PRECONDITION', `Secret Version [${at}/versions/${number}] is in DISABLED state.`);
    }
    const data = Buffer.from(value).toString('base64');
    return { status: 200, body: { name: `${at}/versions/${number}`, payload: { data, dataCrc32c: '0' } } };
  });

  const double: GoogleFederation = {
    sts,
    iam,
    secretManager,
    routes: {
      'sts.googleapis.com': sts.url,
      'iamcredentials.googleapis.com': iam.url,
      'secretmanager.googleapis.com': secretManager.url,
    },
    secrets: new Map(),
    forbidden: new Set(),
    subject: 'system:serviceaccount:shop:default',
    audience: `https:${provider}`,
    mayImpersonate: true,
    isSilent: false,
    addToken: () => addToken(3_600).accessToken,
    endTokens() {
      federated.clear();
      access.clear();
    },
    stop: async () => void (await Promise.all([sts.stop(), iam.stop(), secretManager.stop()])),
  };
  return double;
}

const stsFaults = {
  signature: 'Invalid JWT signature.',
  aud: 'The audience in ID Token does not match the expected audience.',
  iss: 'The issuer in ID Token does not match the expected ones.',
  time: 'ID Token issued at 1700000000 is stale to sign-in.',
} as const;

function oauthError(error: string, description: string): CloudAnswer {
  return { status: 400, body: { error, error_description: description } };
}

function apiError(code: number, status: string, message: string, infos: readonly object[] = []): CloudAnswer {
  const details = infos.map((info) => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', ...info }));
  return { status: code, body: { error: { code, status, message, details } } };
}
