import { describe, expect, it } from 'vitest';
import { signingKeys } from '../../../test/support/cloud/signing-keys.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { ServiceAccountRef } from '../../crds/selectors.ts';
import type { LoginSite, ServiceAccountSelector, ServiceAccountTokens } from '../contract.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { kubernetes } from './kubernetes.ts';

const nowMs = 1_700_000_000_000;
const keys = signingKeys('cluster-key');
const token = (serial = 1, exp = nowMs / 1_000 + 600) =>
  keys.sign({ sub: 'system:serviceaccount:shop:robot', serial, exp });
const material = { identityId: ` ${identityId}\n`, path: '/var/run/secrets/tokens/infisical\n' };
const id = { identityId: key('identityId') };
const byRef = (selector: Partial<ServiceAccountRef> = {}) => ({
  ...id,
  serviceAccountRef: { name: 'robot', ...selector },
});

/** A site where ServiceAccounts of namespace `shop` may be used, and tokens are numbered as they are minted. */
function mintingSite(): LoginSite {
  const site = loginSite(material);
  const serviceAccount = async ({ name, audiences = [] }: ServiceAccountSelector): Promise<ServiceAccountTokens> => {
    let serial = 0;
    return { name: `shop/${name}`, audiences, mint: async () => new SecretValue(await token(++serial)) };
  };
  return { ...site, credentials: { ...site.credentials, serviceAccount } };
}

describe('kubernetes, by serviceAccountRef', () => {
  it('sends a minted token, another at each login', async () => {
    const api = recordingApi();
    const principal = await kubernetes.gather(byRef(), mintingSite(), signal);
    await principal.login(api, nowMs, signal);
    await principal.login(api, nowMs, signal);
    expect(api.sent).toEqual([
      { path: '/v1/auth/kubernetes-auth/login', body: { identityId, jwt: await token(1) } },
      { path: '/v1/auth/kubernetes-auth/login', body: { identityId, jwt: await token(2) } },
    ]);
    expect(principal.revocable).toBe(true);
  });

  it('sends a minted token although our clock says that it has ended: it was made by another', async () => {
    const api = recordingApi();
    const principal = await kubernetes.gather(byRef(), mintingSite(), signal);
    const grant = await principal.login(api, nowMs + 3_600_000, signal);
    expect(api.sent).toHaveLength(1);
    expect(grant.expiresAtMs).toBe(nowMs + 3_600_000 + 7_200_000);
  });

  it('gives a grant that ends with its life in seconds', async () => {
    const principal = await kubernetes.gather(byRef(), mintingSite(), signal);
    const grant = await principal.login(recordingApi(), nowMs, signal);
    expect(grant.token.text()).toBe('granted');
    expect(grant.expiresAtMs).toBe(nowMs + 7_200_000);
  });

  it('is one identity for one ServiceAccount and its audiences, whatever was minted', async () => {
    const keyOf = async (selector: Partial<ServiceAccountRef>) =>
      (await kubernetes.gather(byRef(selector), mintingSite(), signal)).key;
    expect(await keyOf({})).toBe(await keyOf({ audiences: [] }));
    const keysOf = await Promise.all([
      keyOf({}),
      keyOf({ name: 'other' }),
      keyOf({ audiences: ['a', 'b'] }),
      keyOf({ audiences: ['a,b'] }),
      keyOf({ audiences: ['a'] }),
    ]);
    expect(new Set(keysOf).size).toBe(keysOf.length);
  });

  it('needs no leave to use the operator’s identity', async () => {
    await expect(kubernetes.gather(byRef(), { ...mintingSite(), host: 'evil.test' }, signal)).resolves.toBeDefined();
  });

  it('is InvalidSpec together with a token path', async () => {
    const spec = { ...byRef(), serviceAccountTokenPath: key('path') };
    await expect(kubernetes.gather(spec, mintingSite(), signal)).rejects.toMatchObject({ reason: 'InvalidSpec' });
  });

  it('names the ServiceAccount when the login is refused', async () => {
    const principal = await kubernetes.gather(byRef(), mintingSite(), signal);
    const api = recordingApi(new OperatorError('LoginRejected', 'K8s namespace not allowed'));
    await expect(principal.login(api, nowMs, signal)).rejects.toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining('"shop/robot"'),
    });
  });
});

describe('kubernetes, by a token file', () => {
  it.each([
    ['the operator’s own', id, undefined],
    [
      'one whose path a Secret holds',
      { ...id, serviceAccountTokenPath: key('path') },
      '/var/run/secrets/tokens/infisical',
    ],
  ])('reads %s, anew at each login', async (_, spec, path) => {
    const asked: (string | undefined)[] = [];
    const serviceAccountTokenFile = async (file: string | undefined) => {
      asked.push(file);
      return new SecretValue(await token(asked.length));
    };
    const api = recordingApi();
    const principal = await kubernetes.gather(spec, loginSite(material, { serviceAccountTokenFile }), signal);
    await principal.login(api, nowMs, signal);
    await principal.login(api, nowMs, signal);
    expect(asked).toEqual([path, path]);
    expect(api.sent.map(({ body }) => body)).toEqual([
      { identityId, jwt: await token(1) },
      { identityId, jwt: await token(2) },
    ]);
  });

  it('tells identities apart by path and id', async () => {
    const other = 'a5f3e3f0-33ba-4a17-8a39-3f22a2bd8e64';
    const keyOf = async (path: string | undefined, as = identityId) => {
      const spec = { ...id, ...(path === undefined ? {} : { serviceAccountTokenPath: key('path') }) };
      return (await kubernetes.gather(spec, loginSite({ identityId: as, path: path ?? '' }, {}), signal)).key;
    };
    expect(await keyOf('/a')).toBe(await keyOf(' /a\n'));
    const keysOf = [await keyOf(undefined), await keyOf('/a'), await keyOf('/b'), await keyOf(undefined, other)];
    expect(new Set(keysOf).size).toBe(4);
  });

  it.each([
    ['has expired', () => token(1, nowMs / 1_000 - 61)],
    ['is none', async () => 'canary-of-a-file'],
    ['is none, by a part', async () => 'eyJhbGciOiJub25lIn0.canary.x'],
  ])('does not send a token that %s', async (_, make) => {
    const api = recordingApi();
    const serviceAccountTokenFile = async () => new SecretValue(await make());
    const principal = await kubernetes.gather(id, loginSite(material, { serviceAccountTokenFile }), signal);
    await expect(principal.login(api, nowMs, signal)).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.not.stringContaining('canary'),
    });
    expect(api.sent).toEqual([]);
  });

  it('leaves it to the server to judge a token that has just expired', async () => {
    const api = recordingApi();
    const serviceAccountTokenFile = async () => new SecretValue(await token(1, nowMs / 1_000 - 30));
    const principal = await kubernetes.gather(id, loginSite(material, { serviceAccountTokenFile }), signal);
    await principal.login(api, nowMs, signal);
    expect(api.sent).toHaveLength(1);
  });

  it('is IdentityDenied where the operator’s identity may not be used, and names the way out', async () => {
    const site = loginSite(material);
    for (const spec of [id, { ...id, serviceAccountTokenPath: key('path') }]) {
      await expect(kubernetes.gather(spec, site, signal)).rejects.toMatchObject({
        reason: 'IdentityDenied',
        message: expect.stringContaining('serviceAccountRef'),
      });
    }
  });
});

describe('kubernetes, identityId', () => {
  it.each(['my-identity', `${identityId}x`, '', '\u0000', 'canary\nHost: evil'])(
    'is InvalidCredential when it is %j, without an echo',
    async (text) => {
      const gathering = kubernetes.gather(id, loginSite({ identityId: text }, {}), signal);
      await expect(gathering).rejects.toMatchObject({
        reason: 'InvalidCredential',
        message: expect.stringMatching(/identityId: key "identityId" of Secret "login"(?!.*canary)/),
      });
    },
  );
});
