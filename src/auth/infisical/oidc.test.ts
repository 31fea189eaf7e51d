import { describe, expect, it } from 'vitest';
import { signingKeys } from '../../../test/support/cloud/signing-keys.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { LoginSite, ServiceAccountSelector } from '../contract.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { oidc } from './oidc.ts';

const nowMs = 1_700_000_000_000;
const keys = signingKeys('issuer-key');
const token = (claims: object = {}) => keys.sign({ sub: 'repo', exp: nowMs / 1_000 + 600, ...claims });
const id = { identityId: key('identityId') };
const path = '/v1/auth/oidc-auth/login';

function mintingSite(): LoginSite {
  const site = loginSite({ identityId });
  const serviceAccount = async ({ name, audiences = [] }: ServiceAccountSelector) => ({
    name: `shop/${name}`,
    audiences,
    mint: async () => new SecretValue(await token({ sub: name, aud: audiences })),
  });
  return { ...site, credentials: { ...site.credentials, serviceAccount } };
}

describe('oidc', () => {
  it('sends the token of a Secret, trimmed', async () => {
    const api = recordingApi();
    const site = loginSite({ identityId, jwt: ` ${await token()}\n` });
    const principal = await oidc.gather({ ...id, jwt: key('jwt') }, site, signal);
    await principal.login(api, nowMs, signal);
    expect(api.sent).toEqual([{ path, body: { identityId, jwt: await token() } }]);
    expect(principal.revocable).toBe(true);
  });

  it('sends a token that was minted for the audiences of serviceAccountRef', async () => {
    const api = recordingApi();
    const spec = { ...id, serviceAccountRef: { name: 'robot', audiences: ['infisical'] } };
    await (await oidc.gather(spec, mintingSite(), signal)).login(api, nowMs, signal);
    expect(api.sent).toEqual([{ path, body: { identityId, jwt: await token({ sub: 'robot', aud: ['infisical'] }) } }]);
  });

  it.each([
    ['none', {}],
    ['both', { jwt: key('jwt'), serviceAccountRef: { name: 'robot' } }],
  ])('is InvalidSpec with %s of jwt and serviceAccountRef', async (_, source) => {
    const gathering = oidc.gather({ ...id, ...source }, mintingSite(), signal);
    await expect(gathering).rejects.toMatchObject({ reason: 'InvalidSpec' });
  });

  it('tells identities apart by the token of the Secret', async () => {
    const keyOf = async (jwt: string) =>
      (await oidc.gather({ ...id, jwt: key('jwt') }, loginSite({ identityId, jwt }), signal)).key;
    expect(await keyOf(await token())).toBe(await keyOf(`${await token()}\n`));
    expect(await keyOf(await token())).not.toBe(await keyOf(await token({ sub: 'other' })));
  });

  it('holds nothing of the token in its key', async () => {
    const jwt = await token();
    const { key: identity } = await oidc.gather({ ...id, jwt: key('jwt') }, loginSite({ identityId, jwt }), signal);
    for (const part of [...jwt.split('.'), identityId]) expect(identity).not.toContain(part);
  });

  it.each([
    ['no dots', 'canary'],
    ['a password', 'canary pass word'],
    ['parts that are no JSON', 'canary.canary.canary'],
    ['a part too many', 'eyJhbGciOiJub25lIn0.e30.canary.canary'],
  ])('is InvalidCredential for a JWT with %s, naming Secret and key without an echo', async (_, jwt) => {
    const gathering = oidc.gather({ ...id, jwt: key('jwt') }, loginSite({ identityId, jwt }), signal);
    await expect(gathering).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.stringMatching(/oidcAuthCredentials\.jwt: key "jwt" of Secret "login"(?!.*canary)/),
    });
  });

  it('does not spend a login on a token that has expired', async () => {
    const api = recordingApi();
    const site = loginSite({ identityId, jwt: await token({ exp: nowMs / 1_000 - 61 }) });
    const principal = await oidc.gather({ ...id, jwt: key('jwt') }, site, signal);
    await expect(principal.login(api, nowMs, signal)).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.stringContaining('key "jwt" of Secret "login"'),
    });
    expect(api.sent).toEqual([]);
  });
});
