// Infisical GCP Auth of type IAM: a JWT signed for a service account whose key lies in a file of the operator's pod. The
// Secret holds the path, and the file must lie where the administrator allows it.
// https://infisical.com/docs/documentation/platform/identities/gcp-auth
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey, readTrimmed } from '../material.ts';
import { checkProof, readIdentityId } from './cloud-proof.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

const block = 'infisical.auth.gcpIamAuthCredentials';
const field = `${block}.serviceAccountKeyFilePath`;

export const gcpIam: AuthMethod<InfisicalAuthSpecs['gcpIam']> = {
  async gather(spec, { credentials, host }, signal) {
    const ambient = credentials.ambient(host, block);
    const [identityId, path] = await Promise.all([
      readIdentityId(credentials, spec.identityId, block, signal),
      readTrimmed(credentials, spec.serviceAccountKeyFilePath, field, signal),
    ]);
    // Read here for who it is, and at each login again: the file of a mounted Secret is replaced when that changes.
    const known = await ambient.file(path.text(), field, signal);
    return {
      key: principalKey('gcpIam', [identityId, path, known]),
      revocable: true,
      async login(api, nowMs, loginSignal) {
        const audience = identityId.text();
        const keyFile = await ambient.file(path.text(), field, loginSignal);
        const token = await ambient.gcpSignedJwt(keyFile, { audience, field }, loginSignal);
        checkProof(token, { nowMs, audience, what: 'the JWT of the Google service account' });
        const body = { identityId: audience, jwt: token.text() };
        return grantFrom(await api.post('/v1/auth/gcp-auth/login', body, parseLoginReply, loginSignal), nowMs);
      },
    };
  },
};
