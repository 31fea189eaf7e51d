import { describe, expect, it } from 'vitest';
import { ec2Region, ec2Role, startAwsDoubles } from '../../../../test/support/cloud/aws.ts';
import { FakeClock } from '../../../../test/support/fake-clock.ts';
import { cloudSources, ending, expectReason, signal } from '../cloud.fixture.ts';

const token = 'header.payload.signature-of-the-pod';

async function doubles(options: { readonly lifeMs?: number; readonly clock?: FakeClock } = {}) {
  const { clock = new FakeClock(), ...rest } = options;
  const aws = ending(
    await startAwsDoubles({ clock, isTrusted: (jwt) => jwt === token, containerToken: 'pod-token', ...rest }),
  );
  const environment = {
    AWS_REGION: 'eu-central-1',
    AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.ec2.url,
    AWS_ENDPOINT_URL_STS: aws.sts.url,
  };
  return { aws, clock, environment };
}

const roleArn = 'arn:aws:iam::111122223333:role/operator';
const keys = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret-of-the-environment' };
const webIdentity = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: '/token' };
const profile = { AWS_SHARED_CREDENTIALS_FILE: '/credentials' };
const files = {
  '/token': `${token}\n`,
  '/credentials': '[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key=of-the-profile\n',
};

describe('awsCredentialChain', () => {
  it('takes the sources in the order of the SDKs', async () => {
    const { aws, clock, environment } = await doubles();
    const container = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.container.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'pod-token',
    };
    const found = [];
    for (const more of [
      { ...keys, ...webIdentity, ...profile, ...container },
      { ...webIdentity, ...profile, ...container },
      { ...profile, ...container },
      container,
      {},
    ]) {
      const sources = cloudSources({ environment: { ...environment, ...more }, files, clock });
      found.push((await sources.aws(signal)).principal);
    }
    expect(found).toEqual([
      'AWS_ACCESS_KEY_ID of the environment',
      `role "${roleArn}"`,
      'profile "default"',
      'the container role',
      `instance role "${ec2Role}"`,
    ]);
  });

  it('hands on the session token and the region of the environment', async () => {
    const { clock } = await doubles();
    const environment = { ...keys, AWS_SESSION_TOKEN: 'of-the-session', AWS_REGION: 'eu-west-3' };
    const found = await cloudSources({ environment, clock }).aws(signal);
    expect([found.accessKeyId, found.secretAccessKey.text(), found.sessionToken?.text(), found.region]).toEqual([
      'AKIAEXAMPLE',
      'secret-of-the-environment',
      'of-the-session',
      'eu-west-3',
    ]);
  });

  it('keeps what has an end until shortly before it, and fetches once for all who ask', async () => {
    const { aws, clock, environment } = await doubles({ lifeMs: 3_600_000 });
    const sources = cloudSources({ environment, clock });
    const all = await Promise.all(Array.from({ length: 10 }, () => sources.aws(signal)));
    await clock.advance(50 * 60_000);
    const later = await sources.aws(signal);
    const asked = aws.ec2.requests.length;
    expect(new Set([...all, later].map(({ accessKeyId }) => accessKeyId)).size).toBe(1);
    await clock.advance(6 * 60_000);
    expect((await sources.aws(signal)).accessKeyId).not.toBe(later.accessKeyId);
    expect([asked, aws.ec2.requests.length]).toEqual([3, 6]);
  });

  it('says that none are there when nothing is configured', async () => {
    const environment = { AWS_REGION: 'eu-central-1', AWS_EC2_METADATA_DISABLED: 'true' };
    await expectReason(cloudSources({ environment }).aws(signal), 'InvalidCredential');
  });

  it('refuses credentials that have expired as they come', async () => {
    const { clock, environment } = await doubles({ lifeMs: -60_000 });
    await expectReason(cloudSources({ environment, clock }).aws(signal), 'UpstreamInvalid');
  });

  it('does not keep a failure', async () => {
    const { aws, clock, environment } = await doubles();
    const sources = cloudSources({ environment, clock });
    aws.ec2.answerWith({ status: 503 });
    await expectReason(sources.aws(signal), 'UpstreamUnavailable');
    aws.ec2.answerWith(undefined);
    await expect(sources.aws(signal)).resolves.toMatchObject({ principal: `instance role "${ec2Role}"` });
  });
});

describe('the instance role', () => {
  it('is read by version 2 of the metadata service', async () => {
    const { aws, clock, environment } = await doubles();
    await cloudSources({ environment, clock }).aws(signal);
    expect(aws.ec2.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /latest/api/token',
      'GET /latest/meta-data/iam/security-credentials/',
      `GET /latest/meta-data/iam/security-credentials/${ec2Role}`,
    ]);
  });

  it.each([
    { why: 'the instance has none', answer: { status: 404 }, path: '/security-credentials/' },
    { why: 'the list of roles is empty', answer: { status: 200, body: '\n' }, path: '/security-credentials/' },
    { why: 'AWS does not let the instance take it', answer: { status: 200, body: { Code: 'Failed' } }, path: ec2Role },
    { why: 'the service is switched off', answer: { status: 403 }, path: '/token' },
  ])('is LoginRejected when $why', async ({ answer, path }) => {
    const { aws, clock, environment } = await doubles();
    aws.ec2.answerWith(answer, path);
    await expectReason(cloudSources({ environment, clock }).aws(signal), 'LoginRejected');
  });

  it('is UpstreamUnavailable when the metadata service is down', async () => {
    const { aws, clock, environment } = await doubles();
    await aws.ec2.stop();
    await expectReason(cloudSources({ environment, clock }).aws(signal), 'UpstreamUnavailable');
  });

  it('is UpstreamInvalid when something else answers', async () => {
    const { aws, clock, environment } = await doubles();
    aws.ec2.answerWith({ status: 200, body: '<html>sign in</html>\n' });
    await expectReason(cloudSources({ environment, clock }).aws(signal), 'UpstreamInvalid');
  });
});

describe('container credentials', () => {
  it('prefer the token of the file, without the newline at its end', async () => {
    const { aws, clock, environment } = await doubles();
    const named = {
      ...environment,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.container.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'stale',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/pod-token',
    };
    const sources = cloudSources({ environment: named, files: { '/pod-token': 'pod-token\n' }, clock });
    await sources.aws(signal);
    expect(aws.container.requests.map(({ headers }) => headers['authorization'])).toEqual(['pod-token']);
  });

  it('are not asked for by plain http at any other host', async () => {
    const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.169.254/x', AWS_REGION: 'eu-central-1' };
    await expectReason(cloudSources({ environment }).aws(signal), 'InvalidCredential');
  });

  it('that are refused say why, without the token', async () => {
    const { aws, clock, environment } = await doubles();
    const named = {
      ...environment,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: aws.container.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'wrong-token-canary',
    };
    const error = await expectReason(cloudSources({ environment: named, clock }).aws(signal), 'LoginRejected', [
      'wrong-token-canary',
    ]);
    expect(error.message).toContain('AccessDenied');
  });

  it('are UpstreamInvalid when the answer is not the usual one', async () => {
    const { aws, clock, environment } = await doubles();
    aws.container.answerWith({ status: 200, body: { AccessKeyId: 'ASIAX' } });
    const named = { ...environment, AWS_CONTAINER_CREDENTIALS_FULL_URI: aws.container.url };
    await expectReason(cloudSources({ environment: named, clock }).aws(signal), 'UpstreamInvalid');
  });
});

describe('web identity', () => {
  const operator = async (more: Record<string, string> = {}, its: Readonly<Record<string, string | null>> = files) => {
    const { aws, clock, environment } = await doubles();
    const sources = cloudSources({ environment: { ...environment, ...webIdentity, ...more }, files: its, clock });
    return { aws, sources };
  };

  it('exchanges the token of the file under the name of the session', async () => {
    const { aws, sources } = await operator({ AWS_ROLE_SESSION_NAME: 'cluster-1' });
    const found = await sources.aws(signal);
    const asked = Object.fromEntries(new URLSearchParams(aws.sts.requests[0]?.body));
    expect(asked).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 'cluster-1',
      WebIdentityToken: token,
    });
    expect(found.sessionToken?.length).toBeGreaterThan(0);
  });

  it('may come from a profile', async () => {
    const config = `[profile ci]\nregion = us-west-2\nrole_arn = ${roleArn}\nweb_identity_token_file = /token # here\n`;
    const { clock, environment } = await doubles();
    const { AWS_REGION: _, ...others } = environment;
    const named = { ...others, AWS_PROFILE: 'ci', AWS_CONFIG_FILE: '/config' };
    const found = await cloudSources({ environment: named, files: { ...files, '/config': config }, clock }).aws(signal);
    expect(found).toMatchObject({ principal: `role "${roleArn}"`, region: 'us-west-2' });
  });

  it('is LoginRejected with the code of STS when the token is refused, and does not repeat the token', async () => {
    const { sources } = await operator({}, { '/token': 'expired-token-canary' });
    const error = await expectReason(sources.aws(signal), 'LoginRejected', ['expired-token-canary']);
    expect(error.message).toContain('InvalidIdentityToken');
  });

  it('is InvalidCredential when the file is missing, empty or not readable', async () => {
    for (const its of [{}, { '/token': '\n' }, { '/token': null }]) {
      const { sources } = await operator({}, its);
      const error = await expectReason(sources.aws(signal), 'InvalidCredential');
      expect(error.message).toContain('AWS_WEB_IDENTITY_TOKEN_FILE');
    }
  });

  it('is UpstreamUnavailable when STS is down', async () => {
    const { aws, sources } = await operator();
    await aws.sts.stop();
    await expectReason(sources.aws(signal), 'UpstreamUnavailable');
  });

  it('passes on how long STS wants to be left alone', async () => {
    const { aws, sources } = await operator();
    aws.sts.answerWith({ status: 429, headers: { 'retry-after': '7' } });
    const error = await expectReason(sources.aws(signal), 'UpstreamThrottled');
    expect(error.retryAfterMs).toBe(7_000);
  });
});

describe('the profile', () => {
  const sourcesOf = (text: string, more: Record<string, string> = {}) =>
    cloudSources({
      environment: { ...profile, AWS_EC2_METADATA_DISABLED: 'true', AWS_REGION: 'eu-central-1', ...more },
      files: { '/credentials': text },
    });

  it('is the one that AWS_PROFILE names', async () => {
    const text =
      '[default]\naws_access_key_id=AKIAONE\naws_secret_access_key=1\n[two]\naws_access_key_id=AKIATWO\naws_secret_access_key=2';
    const found = await sourcesOf(text, { AWS_PROFILE: 'two' }).aws(signal);
    expect(found.accessKeyId).toBe('AKIATWO');
  });

  it('is looked for in the home of the user, which need not be readable', async () => {
    const environment = { ...keys, HOME: '/user', AWS_EC2_METADATA_DISABLED: 'true' };
    const files = { '/user/.aws/config': '[default]\nregion = sa-east-1\n', '/user/.aws/credentials': null };
    expect(await cloudSources({ environment, files }).aws(signal)).toMatchObject({ region: 'sa-east-1' });
  });

  it.each([
    { why: 'it is named and not there', text: '[default]', more: { AWS_PROFILE: 'two' } },
    { why: 'it needs a program', text: '[default]\ncredential_process = /bin/keys', more: {} },
    { why: 'half of the pair is missing', text: '[default]\naws_access_key_id = AKIAHALF', more: {} },
    {
      why: 'the key id could not stand in a header',
      text: '[default]\naws_access_key_id = A, B\naws_secret_access_key = profile-canary',
      more: {},
    },
  ])('is InvalidCredential when $why', async ({ text, more }) => {
    await expectReason(sourcesOf(text, more).aws(signal), 'InvalidCredential', ['profile-canary']);
  });
});

describe('the region', () => {
  it('is that of the instance when nothing else names one', async () => {
    const { clock, environment } = await doubles();
    const { AWS_REGION: _, ...others } = environment;
    const found = await cloudSources({ environment: { ...others, ...keys }, clock }).aws(signal);
    expect(found.region).toBe(ec2Region);
  });

  it('is InvalidCredential when it could not be a part of a host name', async () => {
    const environment = { ...keys, AWS_REGION: 'eu-central-1.evil.example/' };
    await expectReason(cloudSources({ environment }).aws(signal), 'InvalidCredential');
  });

  it('is InvalidCredential when there is none', async () => {
    const environment = { ...keys, AWS_EC2_METADATA_DISABLED: 'TRUE' };
    await expectReason(cloudSources({ environment }).aws(signal), 'InvalidCredential');
  });
});
