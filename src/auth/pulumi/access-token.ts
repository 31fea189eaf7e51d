// An access token of Pulumi that was made beforehand. There is no login, and the token is its owner's: never revoked.
// https://www.pulumi.com/docs/administration/access-identity/access-tokens/
import { OperatorError } from '../../base/operator-error.ts';
import type { PulumiAuth } from '../../crds/pulumi.ts';
import { describeKey, principalKey, readTrimmed } from '../material.ts';
import type { PulumiMethod } from './table.ts';

/** What a header can carry. */
const visible = /^[\x21-\x7e]+$/;

export const accessToken: PulumiMethod<NonNullable<PulumiAuth['accessToken']>> = {
  async gather({ secretRef }, block, { credentials }, signal) {
    const field = `${block}.secretRef`;
    if (secretRef === undefined) throw new OperatorError('InvalidSpec', `${field} is required`);
    const token = await readTrimmed(credentials, secretRef, field, signal);
    if (!visible.test(token.text())) {
      const problem = `${describeKey(secretRef)} is no token: it holds spaces, line breaks or other characters that none has`;
      throw new OperatorError('InvalidCredential', `${field}: ${problem}`);
    }
    return {
      key: principalKey('accessToken', [token]),
      revocable: false,
      // Without an end: the service is the judge, and there would be nothing to replace it with.
      login: async () => ({ token }),
    };
  },
};
