import { describe, expect, it } from 'vitest';
import { key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { token } from './token.ts';

const spec = { accessToken: key('accessToken') };

describe('token', () => {
  it('is the token of the Secret, trimmed, without a request, and not ours to revoke', async () => {
    const api = recordingApi();
    const principal = await token.gather(spec, loginSite({ accessToken: ' st.1.2 \n' }), signal);
    const grant = await principal.login(api, 0, signal);
    expect(grant.token.text()).toBe('st.1.2');
    expect(grant.expiresAtMs).toBeUndefined();
    expect(principal.revocable).toBe(false);
    expect(api.sent).toEqual([]);
  });

  it.each(['canary two', 'canary\nHost: evil', 'canary\u0000', 'canary-ü', ' \n'])(
    'is InvalidCredential for %j, which no header can carry, without an echo',
    async (accessToken) => {
      await expect(token.gather(spec, loginSite({ accessToken }), signal)).rejects.toMatchObject({
        reason: 'InvalidCredential',
        message: expect.stringMatching(/accessToken: key "accessToken" of Secret "login"(?!.*canary)/),
      });
    },
  );
});
