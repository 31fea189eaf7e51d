import { describe, expect, it } from 'vitest';
import { signingKeys } from '../../../test/support/cloud/signing-keys.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { jwt } from './jwt.ts';

const nowMs = 1_700_000_000_000;
const token = signingKeys('own-key').sign({ sub: 'deploy' });
const spec = { identityId: key('identityId'), jwt: key('jwt') };

describe('jwt', () => {
  it('sends the token of the Secret, trimmed, also one that does not say when it ends', async () => {
    const api = recordingApi();
    const principal = await jwt.gather(spec, loginSite({ identityId, jwt: `${await token}\r\n` }), signal);
    await principal.login(api, nowMs, signal);
    expect(api.sent).toEqual([{ path: '/v1/auth/jwt-auth/login', body: { identityId, jwt: await token } }]);
    expect(principal.revocable).toBe(true);
  });

  it('is InvalidCredential for what is no JWT, without an echo', async () => {
    const gathering = jwt.gather(spec, loginSite({ identityId, jwt: 'canary' }), signal);
    await expect(gathering).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.stringMatching(/jwtAuthCredentials\.jwt: key "jwt" of Secret "login"(?!.*canary)/),
    });
  });

  it('names Secret and key when the login is refused', async () => {
    const principal = await jwt.gather(spec, loginSite({ identityId, jwt: await token }), signal);
    const api = recordingApi(new OperatorError('LoginRejected', 'audience not allowed'));
    await expect(principal.login(api, nowMs, signal)).rejects.toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining('key "jwt" of Secret "login"'),
    });
  });
});
