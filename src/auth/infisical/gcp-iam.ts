// Infisical GCP Auth of type IAM: a JWT signed for a service account whose key lies in a file of the operator's pod. The
// Secret holds the path, and the file must lie where the administrator allows it.
// https://infisical.com/docs/documentation/platform/identities/gcp-auth
import { readAll } from '../../base/read-all.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey, readTrimmed } from '../material.ts';
import { forAudience, gcpLoginPath as path } from './gcp-proof.ts';
import { readIdentityId } from './identity-id.ts';
import { loginByJwt } from './jwt-login.ts';

const block = 'infisical.auth.gcpIamAuthCredentials';
const field = `${block}.serviceAccountKeyFilePath`;
const what = 'the JWT of the Google service account';

export const gcpIam: AuthMethod<InfisicalAuthSpecs['gcpIam']> = {
  async gather(spec, { credentials, host }, signal) {
    const ambient = credentials.ambient(host, block);
    const [identityId, file] = await readAll([
      readIdentityId(credentials, spec.identityId, block, signal),
      readTrimmed(credentials, spec.serviceAccountKeyFilePath, field, signal),
    ]);
    const audience = identityId.text();
    const readKey = (readSignal: AbortSignal) => ambient.file(file.text(), field, readSignal);
    const token = async (loginSignal: AbortSignal) => {
      // Read at each login: the file of a mounted Secret is replaced when the key is.
      const keyFile = await readKey(loginSignal);
      return forAudience(await ambient.gcpSignedJwt(keyFile, { audience, field }, loginSignal), audience, what);
    };
    const key = principalKey('gcpIam', [identityId, file, await readKey(signal)]);
    return {
      key,
      revocable: true,
      login: (api, nowMs, loginSignal) =>
        loginByJwt({ api, path, identityId, source: { key, what, token } }, nowMs, loginSignal),
    };
  },
};
