import { describe, expect, it } from 'vitest';
import { signingKeys } from '../../../test/support/cloud/signing-keys.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { gcpIam } from './gcp-iam.ts';
import { gcpIdToken } from './gcp-id-token.ts';

const nowMs = 1_700_000_000_000;
const keys = signingKeys('google-key-1');
const tokenFor = async (aud: string, exp = nowMs / 1_000 + 60) => new SecretValue(await keys.sign({ aud, exp }));

describe('gcpIdToken', () => {
  const spec = { identityId: key('identityId') };

  it('sends a token that is made out for the identity', async () => {
    const api = recordingApi();
    const site = loginSite({ identityId }, { gcpIdToken: (audience) => tokenFor(audience) });
    await (await gcpIdToken.gather(spec, site, signal)).login(api, nowMs, signal);
    const jwt = (await tokenFor(identityId)).text();
    expect(api.sent).toEqual([{ path: '/v1/auth/gcp-auth/login', body: { identityId, jwt } }]);
  });

  it.each([
    { why: 'for another audience', token: () => tokenFor('somebody'), reason: 'UpstreamInvalid' },
    { why: 'that has expired', token: () => tokenFor(identityId, 1), reason: 'InvalidCredential' },
    { why: 'that is none', token: async () => new SecretValue('canary'), reason: 'UpstreamInvalid' },
  ])('does not send a token $why', async ({ token, reason }) => {
    const api = recordingApi();
    const principal = await gcpIdToken.gather(spec, loginSite({ identityId }, { gcpIdToken: token }), signal);
    await expect(principal.login(api, nowMs, signal)).rejects.toMatchObject({
      reason,
      message: expect.not.stringContaining('canary'),
    });
    expect(api.sent).toEqual([]);
  });

  it('is IdentityDenied where the operator’s identity may not be used', async () => {
    const gathering = gcpIdToken.gather(spec, loginSite({ identityId }), signal);
    await expect(gathering).rejects.toMatchObject({ reason: 'IdentityDenied' });
  });
});

describe('gcpIam', () => {
  const spec = { identityId: key('identityId'), serviceAccountKeyFilePath: key('path') };
  const material = { identityId, path: '/var/run/secrets/gcp/key.json\n' };
  const world = (files: Readonly<Record<string, string>>) => {
    const signed: string[] = [];
    const site = loginSite(material, {
      async file(path, field) {
        const text = files[path];
        if (text === undefined) throw new OperatorError('IdentityDenied', `${field}: not listed`);
        return new SecretValue(text);
      },
      async gcpSignedJwt(keyFile, { audience }) {
        signed.push(keyFile.text());
        return tokenFor(audience);
      },
    });
    return { site, signed };
  };

  it('sends a JWT that the key of the file stands for', async () => {
    const api = recordingApi();
    const { site, signed } = world({ '/var/run/secrets/gcp/key.json': 'key-1' });
    await (await gcpIam.gather(spec, site, signal)).login(api, nowMs, signal);
    const jwt = (await tokenFor(identityId)).text();
    expect(signed).toEqual(['key-1']);
    expect(api.sent).toEqual([{ path: '/v1/auth/gcp-auth/login', body: { identityId, jwt } }]);
  });

  it('reads the file at each login', async () => {
    const files = { '/var/run/secrets/gcp/key.json': 'key-1' };
    const { site, signed } = world(files);
    const principal = await gcpIam.gather(spec, site, signal);
    files['/var/run/secrets/gcp/key.json'] = 'key-2';
    await principal.login(recordingApi(), nowMs, signal);
    expect(signed).toEqual(['key-2']);
  });

  it('is another identity with another key in the file', async () => {
    const keyOf = async (text: string) =>
      (await gcpIam.gather(spec, world({ '/var/run/secrets/gcp/key.json': text }).site, signal)).key;
    expect(await keyOf('key-1')).toBe(await keyOf('key-1'));
    expect(await keyOf('key-1')).not.toBe(await keyOf('key-2'));
  });

  it('is IdentityDenied for a file that may not be read', async () => {
    await expect(gcpIam.gather(spec, world({}).site, signal)).rejects.toMatchObject({ reason: 'IdentityDenied' });
  });
});
