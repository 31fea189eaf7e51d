// Infisical Azure Auth: an access token of the operator's managed or workload identity, which Infisical checks against the
// keys of the tenant.
// https://infisical.com/docs/documentation/platform/identities/azure-auth
import { SecretValue } from '../../core/secret-value.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey, readTrimmed } from '../material.ts';
import { checkProof, readIdentityId } from './cloud-proof.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

const block = 'infisical.auth.azureAuthCredentials';

/** Audience of Azure's management API, which Infisical expects unless told otherwise. */
const usualResource = new SecretValue('https://management.azure.com/');

export const azure: AuthMethod<InfisicalAuthSpecs['azure']> = {
  async gather(spec, { credentials, host }, signal) {
    const ambient = credentials.ambient(host, block);
    const [identityId, resource] = await Promise.all([
      readIdentityId(credentials, spec.identityId, block, signal),
      spec.resource === undefined
        ? usualResource
        : readTrimmed(credentials, spec.resource, `${block}.resource`, signal),
    ]);
    return {
      key: principalKey('azure', [identityId, resource]),
      revocable: true,
      async login(api, nowMs, loginSignal) {
        const token = await ambient.azureToken(resource.text(), loginSignal);
        checkProof(token, { nowMs, what: 'the token of the Azure identity' });
        const body = { identityId: identityId.text(), jwt: token.text() };
        return grantFrom(await api.post('/v1/auth/azure-auth/login', body, parseLoginReply, loginSignal), nowMs);
      },
    };
  },
};
