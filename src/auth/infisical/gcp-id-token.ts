// Infisical GCP Auth of type ID token: a token of the machine's service account, made out for the machine identity.
// https://infisical.com/docs/documentation/platform/identities/gcp-auth
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey } from '../material.ts';
import { checkProof, readIdentityId } from './cloud-proof.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

const block = 'infisical.auth.gcpIdTokenAuthCredentials';

export const gcpIdToken: AuthMethod<InfisicalAuthSpecs['gcpIdToken']> = {
  async gather(spec, { credentials, host }, signal) {
    const ambient = credentials.ambient(host, block);
    const identityId = await readIdentityId(credentials, spec.identityId, block, signal);
    return {
      key: principalKey('gcpIdToken', [identityId]),
      revocable: true,
      async login(api, nowMs, loginSignal) {
        const audience = identityId.text();
        const token = await ambient.gcpIdToken(audience, loginSignal);
        checkProof(token, { nowMs, audience, what: 'the identity token of the Google service account' });
        const body = { identityId: audience, jwt: token.text() };
        return grantFrom(await api.post('/v1/auth/gcp-auth/login', body, parseLoginReply, loginSignal), nowMs);
      },
    };
  },
};
