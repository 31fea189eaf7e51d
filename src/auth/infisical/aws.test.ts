import { describe, expect, it, onTestFinished } from 'vitest';
import { awsAccount, startAwsDoubles } from '../../../test/support/cloud/aws.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { AwsCredentials } from '../contract.ts';
import { aws } from './aws.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';

const spec = { identityId: key('identityId') };
const material = { identityId: `${identityId}\n` };

/** What the server makes of the body. */
function decoded(body: Readonly<Record<string, unknown>> | undefined) {
  const text = (name: string) => Buffer.from(String(body?.[name]), 'base64').toString();
  const headers: Record<string, string> = JSON.parse(text('iamRequestHeaders'));
  return { method: String(body?.['iamHttpRequestMethod']), body: text('iamRequestBody'), headers };
}

async function world() {
  const clock = new FakeClock();
  const doubles = await startAwsDoubles({ clock });
  onTestFinished(() => doubles.stop());
  const credentials = (isSession: boolean, region = 'eu-central-1'): AwsCredentials => {
    const { accessKeyId, secretAccessKey, sessionToken } = doubles.addKey('user/operator', { isSession });
    return {
      accessKeyId,
      secretAccessKey: new SecretValue(secretAccessKey),
      ...(sessionToken === undefined ? {} : { sessionToken: new SecretValue(sessionToken) }),
      region,
      principal: 'role "operator"',
    };
  };
  return { clock, doubles, credentials };
}

describe('aws', () => {
  it.each([{ isSession: true }, { isSession: false }])(
    'sends a request that STS takes ($isSession)',
    async ({ isSession }) => {
      const { clock, doubles, credentials } = await world();
      const api = recordingApi();
      const site = loginSite(material, { aws: async () => credentials(isSession) });
      const principal = await aws.gather(spec, site, signal);
      const grant = await principal.login(api, clock.nowMs(), signal);
      const [login] = api.sent;
      expect([login?.path, Object.keys(login?.body ?? {}), login?.body['identityId']]).toEqual([
        '/v1/auth/aws-auth/login',
        ['identityId', 'iamHttpRequestMethod', 'iamRequestBody', 'iamRequestHeaders'],
        identityId,
      ]);
      const signed = decoded(login?.body);
      expect([signed.method, signed.body]).toEqual(['POST', 'Action=GetCallerIdentity&Version=2011-06-15']);
      expect(signed.headers).toMatchObject({
        Host: 'sts.eu-central-1.amazonaws.com',
        'Content-Length': '43',
        'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
        'X-Amz-Date': '20231114T221320Z',
      });
      const names = `content-length;host;x-amz-date${isSession ? ';x-amz-security-token' : ''}`;
      expect(signed.headers['Authorization']).toContain(`SignedHeaders=${names},`);
      expect(await doubles.forward(signed)).toEqual({
        account: awsAccount,
        arn: `arn:aws:iam::${awsAccount}:user/operator`,
      });
      expect([grant.token.text(), grant.expiresAtMs]).toEqual(['granted', clock.nowMs() + 7_200_000]);
    },
  );

  it('sends what can neither be changed, nor used later, nor without the keys being known', async () => {
    const { clock, doubles, credentials } = await world();
    const api = recordingApi();
    const principal = await aws.gather(spec, loginSite(material, { aws: async () => credentials(true) }), signal);
    await principal.login(api, clock.nowMs(), signal);
    const signed = decoded(api.sent[0]?.body);
    await expect(doubles.forward({ ...signed, body: signed.body.replace('15', '16') })).rejects.toThrow('403');
    await clock.advance(16 * 60_000);
    await expect(doubles.forward(signed)).rejects.toThrow('403');
    doubles.forgetKeys();
    await expect(doubles.forward(signed)).rejects.toThrow('403');
  });

  it('signs anew at each login, with the credentials of that time', async () => {
    const { clock, credentials } = await world();
    const api = recordingApi();
    const principal = await aws.gather(spec, loginSite(material, { aws: async () => credentials(true) }), signal);
    await principal.login(api, clock.nowMs(), signal);
    await principal.login(api, clock.nowMs(), signal);
    const keysUsed = api.sent.map(
      ({ body }) => /Credential=(\w+)/.exec(decoded(body).headers['Authorization'] ?? '')?.[1],
    );
    expect(new Set(keysUsed).size).toBe(2);
  });

  it('is one identity for one id, and asks no cloud to say so', async () => {
    const keyOf = async (id: string) => {
      const { key: its } = await aws.gather(spec, loginSite({ identityId: id }, {}), signal);
      return its;
    };
    const other = identityId.replace('8', '9');
    expect(await keyOf(identityId)).toBe(await keyOf(`${identityId}\n`));
    expect(await keyOf(identityId)).not.toBe(await keyOf(other));
    expect(await keyOf(identityId)).not.toContain(identityId);
  });

  it('says whose signature was refused', async () => {
    const { clock, credentials } = await world();
    const api = recordingApi(new OperatorError('LoginRejected', 'Access denied'));
    const principal = await aws.gather(spec, loginSite(material, { aws: async () => credentials(true) }), signal);
    await expect(principal.login(api, clock.nowMs(), signal)).rejects.toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining('role "operator"'),
    });
  });

  it('is IdentityDenied where the operator’s identity may not be used', async () => {
    await expect(aws.gather(spec, loginSite(material), signal)).rejects.toMatchObject({ reason: 'IdentityDenied' });
  });
});
