// Infisical Token Auth: an access token that was issued beforehand. There is no login; the token is its owner's, so it is
// neither renewed (a renewal that does not fit ends it) nor revoked.
// https://infisical.com/docs/documentation/platform/identities/token-auth
import { OperatorError } from '../../base/operator-error.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod } from '../contract.ts';
import { describeKey, principalKey, readTrimmed } from '../material.ts';

const field = 'infisical.auth.tokenAuthCredentials.accessToken';

/** What a header can carry (https://www.rfc-editor.org/rfc/rfc6750#section-2.1 allows less, and no server asks for more). */
const visible = /^[\x21-\x7e]+$/;

export const token: AuthMethod<InfisicalAuthSpecs['token']> = {
  async gather(spec, { credentials }, signal) {
    const accessToken = await readTrimmed(credentials, spec.accessToken, field, signal);
    if (!visible.test(accessToken.text())) {
      const problem = `${describeKey(spec.accessToken)} is no token: it holds spaces, line breaks or other characters that none has`;
      throw new OperatorError('InvalidCredential', `${field}: ${problem}`);
    }
    return {
      key: principalKey('token', [accessToken]),
      revocable: false,
      // Without an end: the server is the judge, and there would be nothing to replace it with.
      login: async () => ({ token: accessToken }),
    };
  },
};
