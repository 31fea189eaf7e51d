// Infisical Universal Auth: a client id and a client secret, both in Secrets.
// https://infisical.com/docs/documentation/platform/identities/universal-auth
import { readAll } from '../../base/read-all.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey, readTrimmed } from '../material.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

const block = 'infisical.auth.universalAuthCredentials';

export const universal: AuthMethod<InfisicalAuthSpecs['universal']> = {
  async gather(spec, { credentials }, signal) {
    const [clientId, clientSecret] = await readAll([
      readTrimmed(credentials, spec.clientId, `${block}.clientId`, signal),
      readTrimmed(credentials, spec.clientSecret, `${block}.clientSecret`, signal),
    ]);
    return {
      key: principalKey('universal', [clientId, clientSecret]),
      revocable: true,
      async login(api, nowMs, loginSignal) {
        const body = { clientId: clientId.text(), clientSecret: clientSecret.text() };
        return grantFrom(await api.post('/v1/auth/universal-auth/login', body, parseLoginReply, loginSignal), nowMs);
      },
    };
  },
};
