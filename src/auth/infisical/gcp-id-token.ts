// Infisical GCP Auth of type ID token: a token of the machine's service account, made out for the machine identity.
// https://infisical.com/docs/documentation/platform/identities/gcp-auth
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey } from '../material.ts';
import { forAudience, gcpLoginPath as path } from './gcp-proof.ts';
import { readIdentityId } from './identity-id.ts';
import { loginByJwt } from './jwt-login.ts';

const block = 'infisical.auth.gcpIdTokenAuthCredentials';
const what = 'the identity token of the Google service account';

export const gcpIdToken: AuthMethod<InfisicalAuthSpecs['gcpIdToken']> = {
  async gather(spec, { credentials, host }, signal) {
    const ambient = credentials.ambient(host, block);
    const identityId = await readIdentityId(credentials, spec.identityId, block, signal);
    const audience = identityId.text();
    const token = async (loginSignal: AbortSignal) =>
      forAudience(await ambient.gcpIdToken(audience, loginSignal), audience, what);
    // One operator is one service account, so the id is all that tells its logins apart.
    const key = principalKey('gcpIdToken', [identityId]);
    return {
      key,
      revocable: true,
      login: (api, nowMs, loginSignal) =>
        loginByJwt({ api, path, identityId, source: { key, what, token } }, nowMs, loginSignal),
    };
  },
};
