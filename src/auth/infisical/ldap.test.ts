import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { LoginSite } from '../contract.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { ldap } from './ldap.ts';

const nowMs = 1_700_000_000_000;
const spec = { identityId: key('identityId'), ldapUsername: key('user'), ldapPassword: key('password') };
const refused = new OperatorError('LoginRejected', 'HTTP 401');

describe('ldap', () => {
  it('sends the user as username and the password as it stands', async () => {
    const api = recordingApi();
    const password = '  pass "wörd" \\ ';
    const principal = await ldap.gather(spec, loginSite({ identityId, user: 'robot\n', password }), signal);
    await principal.login(api, nowMs, signal);
    expect(api.sent).toEqual([{ path: '/v1/auth/ldap-auth/login', body: { identityId, username: 'robot', password } }]);
    expect(principal.revocable).toBe(true);
  });

  it('tells identities apart by user and password', async () => {
    const keyOf = async (user: string, password: string) =>
      (await ldap.gather(spec, loginSite({ identityId, user, password }), signal)).key;
    const keysOf = await Promise.all([
      keyOf('a', 'b'),
      keyOf('a', 'c'),
      keyOf('a', 'b\n'),
      keyOf('b', 'b'),
      keyOf('ab', ''),
    ]);
    expect(new Set(keysOf).size).toBe(keysOf.length);
    expect(await keyOf(' a', 'b')).toBe(keysOf[0]);
  });

  it.each([
    ['canary', false],
    ['canary\n', true],
    ['canary\r\n', true],
  ])('says of the refused password %j whether it ends with a line break: %s', async (password, isTold) => {
    const principal = await ldap.gather(spec, loginSite({ identityId, user: 'robot', password }), signal);
    const refusal = expect.objectContaining({
      reason: 'LoginRejected',
      message: expect.not.stringContaining('canary'),
    });
    await expect(principal.login(recordingApi(refused), nowMs, signal)).rejects.toEqual(refusal);
    const message = isTold ? expect.stringContaining('line break') : expect.not.stringContaining('line break');
    await expect(principal.login(recordingApi(refused), nowMs, signal)).rejects.toMatchObject({ message });
  });

  it('is InvalidCredential for a password that JSON cannot carry', async () => {
    const site = loginSite({ identityId, user: 'robot' });
    const secretKey: LoginSite['credentials']['secretKey'] = async (selector, field, until) =>
      selector.key === 'password'
        ? new SecretValue(Buffer.from([0xff, 0x61]))
        : site.credentials.secretKey(selector, field, until);
    const gathering = ldap.gather(spec, { ...site, credentials: { ...site.credentials, secretKey } }, signal);
    await expect(gathering).rejects.toMatchObject({ reason: 'InvalidCredential' });
  });

  it('names the first field that is wrong, whichever read ends first', async () => {
    for (const slow of ['identityId', 'user', 'password']) {
      const site = loginSite({});
      const secretKey: LoginSite['credentials']['secretKey'] = async (selector, field, until) => {
        if (selector.key === slow) await new Promise((resolve) => setImmediate(resolve));
        return await site.credentials.secretKey(selector, field, until);
      };
      const gathering = ldap.gather(spec, { ...site, credentials: { ...site.credentials, secretKey } }, signal);
      await expect(gathering).rejects.toMatchObject({ message: expect.stringContaining('identityId') });
    }
  });
});
