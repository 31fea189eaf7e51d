// Infisical Azure Auth: an access token of the operator's managed or workload identity, which Infisical checks against the
// keys of the tenant.
// https://infisical.com/docs/documentation/platform/identities/azure-auth

import { OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod, Credentials } from '../contract.ts';
import { describeKey, principalKey, readTrimmed } from '../material.ts';
import { readIdentityId } from './identity-id.ts';
import { loginByJwt } from './jwt-login.ts';

type AzureSpec = InfisicalAuthSpecs['azure'];

const block = 'infisical.auth.azureAuthCredentials';
const path = '/v1/auth/azure-auth/login';
const what = 'the token of the Azure identity';

/** Audience of Azure's management API, which Infisical expects unless told otherwise. */
const usualResource = new SecretValue('https://management.azure.com/');

export const azure: AuthMethod<AzureSpec> = {
  async gather(spec, { credentials, host }, signal) {
    const ambient = credentials.ambient(host, block);
    const [identityId, resource] = await readAll([
      readIdentityId(credentials, spec.identityId, block, signal),
      readResource(credentials, spec, signal),
    ]);
    const token = (loginSignal: AbortSignal) => ambient.azureToken(resource.text(), loginSignal);
    // One operator is one identity in Azure, so id and resource are all that tells its logins apart.
    const key = principalKey('azure', [identityId, resource]);
    return {
      key,
      revocable: true,
      login: (api, nowMs, loginSignal) =>
        loginByJwt({ api, path, identityId, source: { key, what, token } }, nowMs, loginSignal),
    };
  },
};

/** A resource is a URI or the id of an application. Throws InvalidCredential for what can be neither, without quoting it. */
async function readResource(
  credentials: Credentials,
  { resource: selector }: AzureSpec,
  signal: AbortSignal,
): Promise<SecretValue> {
  if (selector === undefined) return usualResource;
  const field = `${block}.resource`;
  const resource = await readTrimmed(credentials, selector, field, signal);
  if (/^[\x21-\x7e]{1,500}$/.test(resource.text())) return resource;
  throw new OperatorError(
    'InvalidCredential',
    `${field}: ${describeKey(selector)} holds no resource: expected one such as https://management.azure.com/`,
  );
}
