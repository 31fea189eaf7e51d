import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { type GoogleDoublesOptions, googleAccount, startGoogleDoubles } from '../../../test/support/cloud/google.ts';
import { signatureBy } from '../../../test/support/infisical-double/verifiers.ts';
import { systemClock } from '../../base/clock.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { cloudSources, ending, expectReason, signal } from './cloud.fixture.ts';

const audience = '8ad070b4-fa87-4f99-b217-e4668ba01f6a';
const request = { audience, field: 'serviceAccountKeyFilePath' };

async function doubles(options: Partial<GoogleDoublesOptions> = {}) {
  const google = ending(await startGoogleDoubles({ clock: systemClock, ...options }));
  const environment = {
    GCE_METADATA_HOST: new URL(google.metadata.url).host,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: google.apis.url,
  };
  return { google, environment };
}

describe('gcpIdToken', () => {
  it('asks the metadata server for the full form', async () => {
    const { google, environment } = await doubles();
    const token = await cloudSources({ environment }).gcpIdToken(audience, signal);
    expect(decodeJwt(token.text())).toMatchObject({
      aud: audience,
      email: googleAccount,
      google: { compute_engine: { project_id: 'demo' } },
    });
    await signatureBy(google.keys.jwks)(token.text());
  });

  it.each([
    { why: 'the machine has no service account', answer: { status: 404 }, reason: 'LoginRejected' },
    { why: 'the server is not ready', answer: { status: 503 }, reason: 'UpstreamUnavailable' },
    { why: 'something else answers', answer: { status: 200, body: 'a.b.c' }, reason: 'UpstreamInvalid' },
    {
      why: 'the answer is no token',
      answer: { status: 200, headers: { 'metadata-flavor': 'Google' }, body: '<html>' },
      reason: 'UpstreamInvalid',
    },
  ] as const)('is $reason when $why', async ({ answer, reason }) => {
    const { google, environment } = await doubles();
    google.metadata.answerWith(answer);
    await expectReason(cloudSources({ environment }).gcpIdToken(audience, signal), reason);
  });

  it('is UpstreamUnavailable when the metadata server is down', async () => {
    const { google, environment } = await doubles();
    await google.metadata.stop();
    await expectReason(cloudSources({ environment }).gcpIdToken(audience, signal), 'UpstreamUnavailable');
  });

  it('is InvalidCredential when the variable is no host', async () => {
    const environment = { GCE_METADATA_HOST: 'user@host/path' };
    await expectReason(cloudSources({ environment }).gcpIdToken(audience, signal), 'InvalidCredential');
  });

  it('comes from the key that GOOGLE_APPLICATION_CREDENTIALS names', async () => {
    const { google, environment } = await doubles();
    const named = { ...environment, GOOGLE_APPLICATION_CREDENTIALS: '/key.json' };
    const sources = cloudSources({ environment: named, files: { '/key.json': google.keyFile } });
    const token = await sources.gcpIdToken(audience, signal);
    expect(decodeJwt(token.text())).toMatchObject({ aud: audience, email: googleAccount });
    expect(google.metadata.requests).toEqual([]);
  });

  it('comes from the metadata server when that file is of a kind that gives none', async () => {
    const { google, environment } = await doubles();
    const named = { ...environment, GOOGLE_APPLICATION_CREDENTIALS: '/federation.json' };
    const files = { '/federation.json': JSON.stringify({ type: 'external_account' }) };
    await cloudSources({ environment: named, files }).gcpIdToken(audience, signal);
    expect(google.metadata.requests).toHaveLength(1);
  });
});

describe('gcpSignedJwt', () => {
  it('has IAM sign, so that Google’s own key stands behind it', async () => {
    const { google, environment } = await doubles();
    const key = new SecretValue(google.keyFile);
    const token = await cloudSources({ environment }).gcpSignedJwt(key, request, signal);
    expect(decodeJwt(token.text())).toMatchObject({ sub: googleAccount, aud: audience });
    await signatureBy(google.keys.jwks)(token.text());
    expect(JSON.parse(JSON.parse(google.apis.requests[1]?.body ?? '').payload)).toEqual({
      sub: googleAccount,
      aud: audience,
    });
  });

  it('signs with the key itself when IAM refuses', async () => {
    const { google, environment } = await doubles();
    google.allowSigning(false);
    const key = new SecretValue(google.keyFile);
    const token = await cloudSources({ environment }).gcpSignedJwt(key, request, signal);
    const { exp = 0, iat = 0, ...claims } = decodeJwt(token.text());
    expect([claims, exp - iat]).toEqual([{ sub: googleAccount, aud: audience }, 3_600]);
    expect(decodeProtectedHeader(token.text())).toMatchObject({ alg: 'RS256', kid: google.accountKeys.keyId });
    await signatureBy(google.accountKeys.jwks)(token.text());
  });

  it('signs with the key itself when Google cannot be reached', async () => {
    const { google, environment } = await doubles();
    await google.apis.stop();
    const key = new SecretValue(google.keyFile);
    const token = await cloudSources({ environment }).gcpSignedJwt(key, request, signal);
    await signatureBy(google.accountKeys.jwks)(token.text());
  });

  it('is LoginRejected when Google no longer takes the key, since nothing that it signs is worth anything', async () => {
    const { google, environment } = await doubles();
    google.acceptKey(false);
    const key = new SecretValue(google.keyFile);
    const failing = cloudSources({ environment }).gcpSignedJwt(key, request, signal);
    const error = await expectReason(failing, 'LoginRejected', [google.accountKeys.privatePem]);
    expect(error.message).toContain('invalid_grant');
  });

  const damaged = (change: Record<string, unknown>) => (file: string) =>
    JSON.stringify({ ...JSON.parse(file), ...change });
  it.each([
    { why: 'no JSON', damage: () => 'canary: {' },
    { why: 'a list', damage: () => '["canary"]' },
    { why: 'of another type', damage: damaged({ type: 'authorized_user', refresh_token: 'canary' }) },
    { why: 'without a mail address', damage: damaged({ client_email: 'canary/../x' }) },
    { why: 'without a key', damage: damaged({ private_key: 'canary' }) },
    { why: 'with half a key', damage: damaged({ private_key: '-----BEGIN PRIVATE KEY-----\ncanary\n-----END' }) },
    { why: 'with an odd token_uri', damage: damaged({ token_uri: 'canary' }) },
  ])('is InvalidCredential for a file that is $why, and repeats nothing of it', async ({ damage }) => {
    const { google, environment } = await doubles();
    const key = new SecretValue(damage(google.keyFile));
    const failing = cloudSources({ environment }).gcpSignedJwt(key, request, signal);
    const error = await expectReason(failing, 'InvalidCredential', ['canary']);
    expect(error.message).toContain(request.field);
  });
});
