import { describe, expect, it } from 'vitest';
import { signingKeys } from '../../../test/support/cloud/signing-keys.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { azure } from './azure.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';

const nowMs = 1_700_000_000_000;
const nowSeconds = nowMs / 1_000;
const keys = signingKeys('azure-key-1');
const material = { identityId, resource: 'api://infisical\n' };

describe('azure', () => {
  it.each([
    { spec: { identityId: key('identityId') }, resource: 'https://management.azure.com/' },
    { spec: { identityId: key('identityId'), resource: key('resource') }, resource: 'api://infisical' },
  ])('sends a token for $resource', async ({ spec, resource }) => {
    const api = recordingApi();
    const azureToken = async (aud: string) => new SecretValue(await keys.sign({ aud, exp: nowSeconds + 60 }));
    const principal = await azure.gather(spec, loginSite(material, { azureToken }), signal);
    await principal.login(api, nowMs, signal);
    const jwt = await keys.sign({ aud: resource, exp: nowSeconds + 60 });
    expect(api.sent).toEqual([{ path: '/v1/auth/azure-auth/login', body: { identityId, jwt } }]);
  });

  it.each([
    { why: 'that has expired', token: () => keys.sign({ exp: nowSeconds - 120 }) },
    { why: 'that is none', token: async () => 'opaque-canary' },
  ])('does not send a token $why', async ({ token }) => {
    const api = recordingApi();
    const azureToken = async () => new SecretValue(await token());
    const spec = { identityId: key('identityId') };
    const principal = await azure.gather(spec, loginSite(material, { azureToken }), signal);
    await expect(principal.login(api, nowMs, signal)).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.not.stringContaining('canary'),
    });
    expect(api.sent).toEqual([]);
  });

  it('tells identities apart by id and resource', async () => {
    const keyOf = async (text: string) => {
      const spec = { identityId: key('identityId'), resource: key('resource') };
      return (await azure.gather(spec, loginSite({ identityId, resource: text }, {}), signal)).key;
    };
    expect(await keyOf('api://a')).toBe(await keyOf(' api://a '));
    expect(await keyOf('api://a')).not.toBe(await keyOf('api://b'));
  });

  it('is InvalidCredential for a resource that could be none', async () => {
    const spec = { identityId: key('identityId'), resource: key('resource') };
    const gathering = azure.gather(spec, loginSite({ identityId, resource: 'two\nlines-canary' }, {}), signal);
    await expect(gathering).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.not.stringContaining('canary'),
    });
  });

  it('is IdentityDenied where the operator’s identity may not be used', async () => {
    const gathering = azure.gather({ identityId: key('identityId') }, loginSite(material), signal);
    await expect(gathering).rejects.toMatchObject({ reason: 'IdentityDenied' });
  });
});
