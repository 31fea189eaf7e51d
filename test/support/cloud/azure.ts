// Doubles of Azure: the metadata service's token endpoint for managed identities, and Microsoft Entra's token endpoint,
// which takes a federated token for an application.
import type { Clock } from '../../../src/base/clock.ts';
import { type CloudAnswer, type HttpDouble, startHttpDouble } from './http-double.ts';
import { type SigningKeys, signingKeys } from './signing-keys.ts';

export interface AzureDoubles {
  readonly metadata: HttpDouble;
  readonly entra: HttpDouble;
  /** What the tokens are signed with. */
  readonly keys: SigningKeys;
  stop(): Promise<void>;
}

export const azureTenant = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
/** The application that a federated token may log in to, and its object id. */
export const azureApplication = { clientId: 'app-client', objectId: '22222222-3333-4444-8555-666666666666' };
/** Managed identities of the node by client id, and their object ids. The first is the one without a name. */
export const azureIdentities: Readonly<Record<string, string>> = {
  'node-client': '11111111-2222-4333-8444-555555555555',
  'other-client': '77777777-8888-4999-8aaa-bbbbbbbbbbbb',
};

export interface AzureDoublesOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Whether Entra takes a federated token. */
  readonly isTrusted?: (assertion: string) => boolean;
  /** Life of a token; negative gives expired ones. */
  readonly lifeSeconds?: number;
}

export async function startAzureDoubles(options: AzureDoublesOptions): Promise<AzureDoubles> {
  const { clock, isTrusted = () => false, lifeSeconds = 3_600 } = options;
  const keys = signingKeys('azure-key-1');
  const token = async (oid: string, aud: string): Promise<CloudAnswer> => {
    const iat = Math.floor(clock.nowMs() / 1_000);
    const claims = { aud, iss: `https://sts.windows.net/${azureTenant}/`, tid: azureTenant, oid, iat };
    const jwt = await keys.sign({ ...claims, exp: iat + lifeSeconds });
    return { status: 200, body: { access_token: jwt, token_type: 'Bearer', expires_in: String(lifeSeconds) } };
  };

  const metadata = await startHttpDouble(({ path, query, headers }) => {
    const isRight = path === '/metadata/identity/oauth2/token' && query.get('api-version') === '2018-02-01';
    if (!isRight || headers['metadata'] !== 'true') return { status: 400, body: { error: 'invalid_request' } };
    const [first = ''] = Object.keys(azureIdentities);
    const oid = azureIdentities[query.get('client_id') ?? first];
    if (oid !== undefined) return token(oid, query.get('resource') ?? '');
    return { status: 400, body: { error: 'invalid_request', error_description: 'Identity not found' } };
  });

  const entra = await startHttpDouble(({ method, path, body }) => {
    const form = Object.fromEntries(new URLSearchParams(body));
    const isRight =
      method === 'POST' &&
      path === `/${azureTenant}/oauth2/token` &&
      form['grant_type'] === 'client_credentials' &&
      form['client_assertion_type'] === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    if (!isRight) return { status: 400, body: { error: 'invalid_request', error_description: 'AADSTS900144: bad' } };
    if (form['client_id'] !== azureApplication.clientId) return refused('unauthorized_client', 'AADSTS700016');
    if (!isTrusted(form['client_assertion'] ?? '')) return refused('invalid_client', 'AADSTS700213');
    return token(azureApplication.objectId, form['resource'] ?? '');
  });

  return {
    metadata,
    entra,
    keys,
    stop: async () => void (await Promise.all([metadata.stop(), entra.stop()])),
  };
}

/** Entra's texts quote the time and an id of the request. */
function refused(error: string, code: string): CloudAnswer {
  const description = `${code}: refused. Trace ID: ${Math.random()} Timestamp: 2026-01-01`;
  return { status: 401, body: { error, error_description: description } };
}
