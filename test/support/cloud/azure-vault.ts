// A double of what a workload meets at Azure: Entra's token endpoint (version 2), for a federated token or a client secret, and
// a Key Vault. Each checks what it is sent as Azure does; the texts are Azure's.
import type { Clock } from '../../../src/base/clock.ts';
import { type ClusterTrust, clusterTrust, judgeClusterToken } from './cluster-tokens.ts';
import { type CloudAnswer, type HttpDouble, startHttpDouble } from './http-double.ts';
import type { Routes } from './routed-door.ts';

export const azureLogin = {
  tenantId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  clientId: '99999999-8888-4777-8666-555555555555',
  subscriptionId: '12121212-3434-4565-8787-909090909090',
  clientSecret: 'client~secret~of~the~double',
};
export const azureVaultName = 'my-keyvault';
/** A vault on which the application has no right. */
export const hiddenVaultName = 'hidden-keyvault';

interface VaultSecret {
  /** Values by version, oldest first. */
  readonly versions: Readonly<Record<string, string>>;
  readonly isDisabled?: boolean;
  readonly isForbidden?: boolean;
}

export interface AzureVault {
  readonly entra: HttpDouble;
  readonly vault: HttpDouble;
  readonly routes: Routes;
  readonly secrets: Map<string, VaultSecret>;
  /** Subject and audience of the federated credential. */
  subject: string;
  audience: string;
  /** Whether tokens of Entra are of the vault's tenant. */
  isOwnTenant: boolean;
  /** Seconds by which Entra's clock is ahead. */
  aheadSeconds: number;
  /** Whether reads of secrets are never answered. */
  isSilent: boolean;
  endTokens(): void;
  stop(): Promise<void>;
}

export async function startAzureVault({
  clock,
  trust = clusterTrust,
}: {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly trust?: ClusterTrust;
}): Promise<AzureVault> {
  let count = 0;
  const tokens = new Map<string, number>();

  const entra = await startHttpDouble(async ({ method, path, body }) => {
    const form = Object.fromEntries(new URLSearchParams(body));
    const [, tenant, call] = /^\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (method === 'GET' && call === 'v2.0/.well-known/openid-configuration') return discovery(tenant ?? '');
    if (method !== 'POST' || call !== 'oauth2/v2.0/token') return { status: 404 };
    if (tenant !== azureLogin.tenantId) {
      return refused(
        400,
        'invalid_request',
        `AADSTS90002: Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`,
      );
    }
    const scopes = (form['scope'] ?? '').split(' '); // libraries of Microsoft add openid, profile and offline_access
    if (form['grant_type'] !== 'client_credentials' || !scopes.includes('https://vault.azure.net/.default')) {
      return refused(400, 'invalid_scope', 'AADSTS70011: The provided value for scope is not valid.');
    }
    if (form['client_id'] !== azureLogin.clientId) {
      const text = `AADSTS700016: Application with identifier '${form['client_id']}' was not found in the directory 'Shop'.`;
      return refused(400, 'unauthorized_client', text);
    }
    const { client_secret: secret, client_assertion: assertion = '', client_assertion_type: type } = form;
    if (secret !== undefined && secret !== azureLogin.clientSecret) {
      const text = `AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the client secret value, not the client secret ID.`;
      return refused(401, 'invalid_client', text);
    }
    if (secret === undefined) {
      if (type !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
        return refused(401, 'invalid_client', 'AADSTS7000216: client_assertion or client_secret is required.');
      }
      const theirs = { nowMs: () => clock.nowMs() + double.aheadSeconds * 1_000 };
      const judged = await judgeClusterToken(assertion, { audience: double.audience, clock: theirs, trust });
      if ('fault' in judged) return refused(401, 'invalid_client', faults[judged.fault]);
      if (judged.claims.sub !== double.subject) {
        const text = `AADSTS700213: No matching federated identity record found for presented assertion subject '${judged.claims.sub}'.`;
        return refused(401, 'invalid_client', text);
      }
    }
    const token = `entra-token-${++count}`;
    tokens.set(token, clock.nowMs() + 3_599_000);
    return {
      status: 200,
      body: { token_type: 'Bearer', expires_in: 3_599, ext_expires_in: 3_599, access_token: token },
    };
  });

  const vault = await startHttpDouble(({ method, path, query, headers }) => {
    if (double.isSilent) return new Promise<never>(() => {});
    const [, name = '', version] = /^\/secrets\/([A-Za-z0-9-]+)(?:\/([A-Za-z0-9]+)?)?$/.exec(path) ?? [];
    if (method !== 'GET' || name === '' || !apiVersions.test(query.get('api-version') ?? '')) return { status: 404 };
    const token = (headers['authorization'] ?? '').replace(/^Bearer /, '');
    if ((tokens.get(token) ?? 0) <= clock.nowMs()) {
      return {
        ...vaultError(401, 'Unauthorized', 'AKV10022: Invalid token.'),
        headers: { 'www-authenticate': challenge },
      };
    }
    if (!double.isOwnTenant)
      return vaultError(
        401,
        'Unauthorized',
        'AKV10032: Invalid issuer. Expected one of https://sts.windows.net/other/.',
      );
    const secret = double.secrets.get(name);
    const isHidden = headers['host'] === `${hiddenVaultName}.vault.azure.net`;
    if (isHidden || secret?.isForbidden === true) {
      const text = `Caller is not authorized to perform action on resource.\r\nIf role assignments were changed recently, please observe propagation time.\r\nVault: ${azureVaultName};location=westeurope\r\n`;
      return vaultError(403, 'Forbidden', text, 'ForbiddenByRbac');
    }
    const versions = Object.entries(secret?.versions ?? {});
    const found = version === undefined ? versions.at(-1) : versions.find(([each]) => each === version);
    if (secret === undefined || found === undefined) {
      return vaultError(404, 'SecretNotFound', `A secret with (name/id) ${name} was not found in this key vault.`);
    }
    if (secret.isDisabled === true) {
      return vaultError(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled');
    }
    const id = `https://${azureVaultName}.vault.azure.net/secrets/${name}/${found[0]}`;
    return { status: 200, body: { value: found[1], id, attributes: { enabled: true } } };
  });

  const double: AzureVault = {
    entra,
    vault,
    routes: {
      'login.microsoftonline.com': entra.url,
      [`${azureVaultName}.vault.azure.net`]: vault.url,
      [`${hiddenVaultName}.vault.azure.net`]: vault.url,
    },
    secrets: new Map(),
    subject: 'system:serviceaccount:shop:default',
    audience: 'api://AzureADTokenExchange',
    isOwnTenant: true,
    aheadSeconds: 0,
    isSilent: false,
    endTokens: () => tokens.clear(),
    stop: async () => void (await Promise.all([entra.stop(), vault.stop()])),
  };
  return double;
}

/** https://learn.microsoft.com/rest/api/keyvault/versions */
const apiVersions = /^(?:7\.\d|20\d\d-\d\d-\d\d)$/;
/** By which clients that are told only the vault find its tenant. */
const challenge = `Bearer authorization="https://login.microsoftonline.com/${azureLogin.tenantId}", resource="https://vault.azure.net"`;

function discovery(tenant: string): CloudAnswer {
  const root = `https://login.microsoftonline.com/${tenant}`;
  const at = { authorization_endpoint: `${root}/oauth2/v2.0/authorize`, token_endpoint: `${root}/oauth2/v2.0/token` };
  return { status: 200, body: { ...at, issuer: `${root}/v2.0`, jwks_uri: `${root}/discovery/v2.0/keys` } };
}

const faults = {
  signature:
    'AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application.',
  aud: 'AADSTS700212: No matching federated identity record found for presented assertion audience.',
  iss: 'AADSTS700211: No matching federated identity record found for presented assertion issuer.',
  time: 'AADSTS700024: Client assertion is not within its valid time range. Current time: 2026-01-01T10:00:00.0000000Z.',
} as const;

/** Entra's texts quote the time and ids of the request. */
function refused(status: number, error: string, text: string): CloudAnswer {
  const ids = `Trace ID: ${crypto.randomUUID()} Correlation ID: ${crypto.randomUUID()} Timestamp: ${new Date().toISOString()}`;
  return { status, body: { error, error_description: `${text} ${ids}`, trace_id: crypto.randomUUID() } };
}

function vaultError(status: number, code: string, message: string, inner?: string): CloudAnswer {
  return {
    status,
    body: { error: { code, message, ...(inner === undefined ? {} : { innererror: { code: inner } }) } },
  };
}
