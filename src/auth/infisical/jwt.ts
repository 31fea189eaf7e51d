// Infisical JWT Auth: a token of any issuer, kept in a Secret and written anew by whoever issues it.
// https://infisical.com/docs/documentation/platform/identities/jwt-auth
import { readAll } from '../../base/read-all.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey } from '../material.ts';
import { readIdentityId } from './identity-id.ts';
import { loginByJwt, storedJwt } from './jwt-login.ts';

const block = 'infisical.auth.jwtAuthCredentials';
const path = '/v1/auth/jwt-auth/login';

export const jwt: AuthMethod<InfisicalAuthSpecs['jwt']> = {
  async gather(spec, { credentials }, signal) {
    const [identityId, source] = await readAll([
      readIdentityId(credentials, spec.identityId, block, signal),
      storedJwt(credentials, spec.jwt, `${block}.jwt`, signal),
    ]);
    return {
      key: `${principalKey('jwt', [identityId])}:${source.key}`,
      revocable: true,
      login: (api, nowMs, loginSignal) => loginByJwt({ api, path, identityId, source }, nowMs, loginSignal),
    };
  },
};
