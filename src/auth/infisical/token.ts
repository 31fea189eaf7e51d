// Infisical Token Auth: an access token that was issued beforehand. There is no login; the token is its owner's, so it is
// neither renewed (a renewal that does not fit ends it) nor revoked.
// https://infisical.com/docs/documentation/platform/identities/token-auth
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { principalKey, readTrimmed } from '../material.ts';

const block = 'infisical.auth.tokenAuthCredentials';

export const token: AuthMethod<InfisicalAuthSpecs['token']> = {
  async gather(spec, { credentials }, signal) {
    const accessToken = await readTrimmed(credentials, spec.accessToken, `${block}.accessToken`, signal);
    return {
      key: principalKey('token', [accessToken]),
      revocable: false,
      // Without an end: the server is the judge, and there would be nothing to replace it with.
      login: async () => ({ token: accessToken }),
    };
  },
};
