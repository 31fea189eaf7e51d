// Tokens of the operator's own identity in Azure: workload identity where it is configured (a ServiceAccount token that
// Microsoft Entra exchanges), else a managed identity of the node by its metadata service.
//
// Both ask by `resource`, as version 1 of the protocol does: Infisical expects the issuer and audience of such tokens.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
// https://azure.github.io/azure-workload-identity

import * as z from 'zod/mini';
import { tryJson } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { Upstream, UpstreamAnswer } from '../../http/contract.ts';
import { ask, readJsonAs, refusal } from './answers.ts';
import { azureMetadata, namedUrl } from './endpoints.ts';
import type { CloudEnvironment } from './environment.ts';
import { type ReadFile, readNamedFile } from './files.ts';

export interface AzurePorts {
  readonly environment: CloudEnvironment;
  readonly metadata: Upstream;
  readonly upstream: Upstream;
  readonly readFile: ReadFile;
}

const tokenReply = z.object({ access_token: z.string().check(z.minLength(1)) });
const complaint = z.object({ error: z.string(), error_description: z.optional(z.string()) });

/**
 * An access token for a resource URL. Throws InvalidCredential (a malformed variable or file), LoginRejected (the identity
 * is refused or there is none), UpstreamUnavailable, UpstreamThrottled, UpstreamInvalid.
 */
export async function azureToken(ports: AzurePorts, resource: string, signal: AbortSignal): Promise<SecretValue> {
  const { AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE } = ports.environment;
  if (!AZURE_FEDERATED_TOKEN_FILE) return managedIdentityToken(ports, resource, signal);
  if (AZURE_CLIENT_ID && AZURE_TENANT_ID) {
    const identity = { clientId: AZURE_CLIENT_ID, tenantId: AZURE_TENANT_ID, tokenPath: AZURE_FEDERATED_TOKEN_FILE };
    return workloadIdentityToken(ports, identity, resource, signal);
  }
  const missing = AZURE_CLIENT_ID ? 'AZURE_TENANT_ID' : 'AZURE_CLIENT_ID';
  throw new OperatorError(
    'InvalidCredential',
    `AZURE_FEDERATED_TOKEN_FILE is set and ${missing} is not: workload identity needs both, and AZURE_CLIENT_ID`,
  );
}

async function managedIdentityToken(
  { environment, metadata }: AzurePorts,
  resource: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  const what = 'Azure instance metadata';
  const url = new URL('metadata/identity/oauth2/token', azureMetadata(environment));
  url.searchParams.set('api-version', '2018-02-01');
  url.searchParams.set('resource', resource);
  if (environment.AZURE_CLIENT_ID) url.searchParams.set('client_id', environment.AZURE_CLIENT_ID);
  const answer = await ask(metadata, what, { method: 'GET', url, headers: { metadata: 'true' } }, signal);
  // 410 says that the service is being updated and is to be asked again.
  if (answer.status === 410)
    throw new OperatorError('UpstreamUnavailable', `${what} answered HTTP 410: it is being updated`);
  const hint = environment.AZURE_CLIENT_ID
    ? 'attach the managed identity that AZURE_CLIENT_ID names to the nodes'
    : 'attach a managed identity to the nodes; where there are several, name one in AZURE_CLIENT_ID';
  return tokenOf(answer, what, hint);
}

interface WorkloadIdentity {
  readonly clientId: string;
  readonly tenantId: string;
  readonly tokenPath: string;
}

const publicCloud = 'https://login.microsoftonline.com/';

async function workloadIdentityToken(
  { environment, upstream, readFile }: AzurePorts,
  { clientId, tenantId, tokenPath }: WorkloadIdentity,
  resource: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  const what = 'Microsoft Entra (workload identity)';
  const authority = namedUrl(environment, 'AZURE_AUTHORITY_HOST') ?? new URL(publicCloud);
  const url = new URL(`${encodeURIComponent(tenantId)}/oauth2/token`, authority);
  const file = { variable: 'AZURE_FEDERATED_TOKEN_FILE', path: tokenPath };
  const assertion = await readNamedFile(readFile, file, signal);
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion.text(),
    resource,
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const answer = await ask(upstream, what, { method: 'POST', url, headers, body }, signal);
  return tokenOf(answer, what, 'check the federated credential of the application: issuer, subject and audience');
}

function tokenOf(answer: UpstreamAnswer, what: string, hint: string): SecretValue {
  if (answer.status === 200) return new SecretValue(readJsonAs(answer, what, tokenReply).access_token);
  const said = complaint.safeParse(tryJson(answer.body)).data;
  // The number in the text says more than the protocol's own word.
  const code = /\bAADSTS\d+\b/.exec(said?.error_description ?? '')?.[0] ?? said?.error;
  throw refusal(answer, what, { code, hint });
}
