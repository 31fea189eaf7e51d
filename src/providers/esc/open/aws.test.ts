// The wire of AWS: what is asked, that it is signed, and what comes of each answer.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonError, roleArn, xmlError } from '../../../../test/support/cloud/aws-apis.ts';
import { printedDocuments } from '../../../core/esc/as-printed.fixture.ts';
import { awsScene, parametersOf, secretsOf, shopDefault, withLogin } from './aws.fixture.ts';

const getSecret = 'secretsmanager.GetSecretValue';
const assume = 'AssumeRoleWithWebIdentity';

type Scene = Awaited<ReturnType<typeof awsScene>>;

async function sceneWithSecret() {
  const scene = await awsScene();
  scene.apis.secrets.set('us-west-2/prod/db', [{ text: 'hunter2', versionId: 'v2' }]);
  return scene;
}

const reading = withLogin({ secrets: secretsOf({ password: { secretId: 'prod/db' } }) });
const hasRead = { value: { aws: { secrets: { password: 'hunter2' } } } };

describe('documents as printed', () => {
  it.each([7_200, 3_600])('log in and read, where the role allows sessions of %d s', async (maxSessionSeconds) => {
    const { apis, open } = await awsScene();
    apis.roles.set('esc-oidc', { ...shopDefault, maxSessionSeconds });
    apis.secrets.set('us-west-2/prod/db-password', [{ text: 'hunter2' }]);
    const text = printedDocuments.awsSecrets.replace('123456789012', '111122223333');
    const { value, lifetimeMs } = await open(parse(text).values);
    expect(value).toMatchObject({
      environmentVariables: {
        AWS_ACCESS_KEY_ID: expect.stringMatching(/^ASIA/),
        AWS_SECRET_ACCESS_KEY: expect.any(String),
        AWS_SESSION_TOKEN: expect.any(String),
      },
      pulumiConfig: { dbPassword: 'hunter2' },
    });
    expect(Math.abs((lifetimeMs ?? 0) - maxSessionSeconds * 1_000)).toBeLessThan(10_000);
  });

  it('name the region whose STS was asked', async () => {
    const { apis, open } = await awsScene();
    apis.roles.set('pulumi-deployment-role', shopDefault);
    const { value } = await open(parse(printedDocuments.awsStack).values);
    expect(value).toMatchObject({ pulumiConfig: { 'aws:region': 'us-east-1' } });
  });

  it('read as the page about AWS shows', async () => {
    const { apis, open } = await awsScene();
    const path = join(import.meta.dirname, '../../../../docs/manifests/environment-aws.yaml');
    const text = (await readFile(path, 'utf8')).replace('123456789012', '111122223333');
    apis.roles.set('my-app', { ...shopDefault, subject: 'system:serviceaccount:my-app:default' });
    apis.secrets.set('eu-central-1/prod/db-password', [{ text: 'hunter2' }]);
    apis.parameters.set('eu-central-1//my-app/api-key', { value: 'key', type: 'SecureString' });
    expect(await open(parse(text).spec.values, { namespace: 'my-app' })).toMatchObject({
      value: { environmentVariables: { DB_PASSWORD: 'hunter2', API_KEY: 'key' } },
    });
  });

  it('keep what they open secret', async () => {
    const { open } = await sceneWithSecret();
    const { shown } = await open(reading);
    const hidden = '[secret]';
    expect(shown).toMatchObject({
      aws: {
        login: { accessKeyId: hidden, secretAccessKey: hidden, sessionToken: hidden, region: 'us-east-1' },
      },
    });
    expect(JSON.stringify(shown)).not.toContain('hunter2');
  });
});

describe('aws-login', () => {
  it('names the ServiceAccount, the audience, the region, the duration and the policies', async () => {
    const { apis, open } = await awsScene();
    apis.roles.set('reader', { subject: 'system:serviceaccount:shop:robot', audience: 'aws', maxSessionSeconds: 900 });
    const policyArns = ['arn:aws:iam::aws:policy/ReadOnlyAccess'];
    const oidc = { roleArn: roleArn('reader'), sessionName: 'shop', serviceAccount: 'robot', audience: 'aws' };
    const login = { region: 'eu-central-1', oidc: { ...oidc, duration: '15m', policyArns } };
    expect(await open(withLogin({}, login))).toMatchObject({ value: { aws: { login: { region: 'eu-central-1' } } } });
    const [request] = apis.http.requests;
    expect(request?.headers['host']).toBe('sts.eu-central-1.amazonaws.com');
    const form = new URLSearchParams(request?.body);
    expect(form.get('PolicyArns.member.1.arn')).toBe(policyArns[0]);
    expect(form.get('DurationSeconds')).toBe('900');
  });

  it('gives the same credentials to all who log in alike, until two thirds of their life', async () => {
    const { apis, now, open, pass } = await awsScene();
    const both = { ...withLogin(), again: withLogin().aws };
    const first = await open(both);
    pass(4_700_000);
    const second = await open(both, { notBeforeMs: now() });
    expect(second.value).toEqual(first.value);
    expect(second.lifetimeMs).toBeLessThan(2_501_000);
    expect(apis.asked()).toEqual([assume]);
    pass(200_000);
    const third = await open(both, { notBeforeMs: 0 });
    expect(third.value).not.toEqual(first.value);
    expect(third.lifetimeMs).toBeGreaterThan(7_100_000);
    expect(apis.asked()).toEqual([assume, assume]);
  });

  it('gives them to no other namespace', async () => {
    const { open } = await awsScene();
    await open(withLogin());
    expect(await open(withLogin(), { namespace: 'other' })).toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining('subject "system:serviceaccount:other:default"'),
    });
  });

  it('logs in anew, at once, when credentials have ended early', async () => {
    const { apis, now, open } = await sceneWithSecret();
    await open(reading);
    apis.forgetKeys();
    expect(await open(reading, { notBeforeMs: now() })).toMatchObject(hasRead);
    expect(apis.asked()).toEqual([assume, getSecret, getSecret, assume, getSecret]);
  });

  it('passes keys on that it is given, and reads with them', async () => {
    const { apis, open } = await sceneWithSecret();
    const { accessKeyId, secretAccessKey } = apis.addUser('robot');
    const { aws } = reading;
    const login = { 'fn::open::aws-login': { static: { accessKeyId, secretAccessKey } } };
    expect(await open({ aws: { ...aws, login } })).toMatchObject({ ...hasRead, lifetimeMs: undefined });
  });

  it.each<[why: string, login: object, reason: string, message: string]>([
    ['a duration that STS never gives', { oidc: { duration: '13h' } }, 'InvalidSpec', 'between 15m and 12h'],
    ['an ARN of no role', { oidc: { roleArn: 'arn:aws:iam::111122223333:user/a' } }, 'InvalidSpec', 'none of a role'],
    ['a region of another partition', { region: 'cn-north-1' }, 'InvalidSpec', 'partition "aws"'],
    ['a region that could name a host', { region: 'evil.test/' }, 'InvalidSpec', 'region "evil.test/" is none'],
    ['a role that does not trust', { oidc: { roleArn: roleArn('nobody') } }, 'LoginRejected', 'trust policy'],
    ['an audience that the role does not trust', { oidc: { audience: 'else' } }, 'LoginRejected', 'audience "else"'],
    ['a session longer than the role allows', { oidc: { duration: '3h' } }, 'UpstreamRejected', 'MaxSessionDuration'],
  ])('refuses %s', async (_, login, reason, message) => {
    const { open } = await awsScene();
    const oidc = {
      roleArn: roleArn('reader'),
      sessionName: 'shop-session',
      ...('oidc' in login ? Object(login.oidc) : {}),
    };
    const failed = await open(withLogin({}, { ...login, oidc }));
    expect(failed).toMatchObject({ reason, message: expect.stringContaining(message) });
    expect(failed.message).toMatch(/^environment "shop\/app": values\.aws\.login: aws-login: /);
  });

  it('asks the STS of the partition of the role', async () => {
    const { apis, open } = await awsScene();
    for (const partition of ['aws-cn', 'aws-us-gov']) {
      await open(withLogin({}, { oidc: { roleArn: roleArn('reader', partition), sessionName: 'shop' } }));
    }
    const hosts = apis.http.requests.map(({ headers }) => headers['host']);
    expect(hosts).toEqual(['sts.cn-north-1.amazonaws.com.cn', 'sts.us-gov-west-1.amazonaws.com']);
  });
});

describe('aws-secrets', () => {
  it('reads by version and by stage, texts and bytes', async () => {
    const { apis, open } = await awsScene();
    const versions = [
      { text: 'old', versionId: 'v1', stage: 'AWSPREVIOUS' },
      { text: 'new', versionId: 'v2' },
    ];
    apis.secrets.set('us-west-2/db', versions);
    apis.secrets.set('us-west-2/key', [{ bytes: Buffer.from('bytes') }]);
    const get = {
      now: { secretId: 'db' },
      before: { secretId: 'db', versionStage: 'AWSPREVIOUS' },
      first: { secretId: 'db', versionId: 'v1' },
      key: { secretId: 'key' },
    };
    expect(await open(withLogin({ secrets: secretsOf(get) }))).toMatchObject({
      value: { aws: { secrets: { now: 'new', before: 'old', first: 'old', key: 'bytes' } } },
    });
  });

  it('asks once in a wave for what is the same, and again in the next', async () => {
    const { apis, now, open } = await sceneWithSecret();
    const twice = secretsOf({ a: { secretId: 'prod/db' }, b: { secretId: 'prod/db' } });
    const values = withLogin({ one: twice, two: twice });
    const wave = now();
    await Promise.all([open(values, { notBeforeMs: wave }), open(values, { notBeforeMs: wave })]);
    await open(values, { notBeforeMs: wave });
    expect(apis.asked()).toEqual([assume, getSecret]);
    await open(values, { notBeforeMs: now() });
    expect(apis.asked()).toEqual([assume, getSecret, getSecret]);
  });

  it('asks in regions of other partitions', async () => {
    const { apis, open } = await awsScene();
    const { accessKeyId, secretAccessKey } = apis.addUser('robot');
    const login = { 'fn::open::aws-login': { static: { accessKeyId, secretAccessKey } } };
    apis.secrets.set('cn-north-1/db', [{ text: 'a' }]);
    apis.secrets.set('us-gov-west-1/db', [{ text: 'b' }]);
    const get = { value: { secretId: 'db' } };
    const aws = { login, cn: secretsOf(get, 'cn-north-1'), gov: secretsOf(get, 'us-gov-west-1') };
    expect(await open({ aws })).toMatchObject({ value: { aws: { cn: { value: 'a' }, gov: { value: 'b' } } } });
  });
});

describe('aws-parameter-store', () => {
  it('reads texts, lists, versions and labels, and what is sealed only when told to', async () => {
    const { apis, open } = await awsScene();
    apis.parameters.set('us-west-2//shop/url', { value: 'https://shop', selectors: ['1', 'stable'] });
    apis.parameters.set('us-west-2//shop/hosts', { value: 'a,b', type: 'StringList' });
    apis.parameters.set('us-west-2//shop/key', { value: 'open', type: 'SecureString' });
    const params = parametersOf({
      url: { name: '/shop/url' },
      first: { name: '/shop/url:1' },
      stable: { name: '/shop/url:stable' },
      hosts: { name: '/shop/hosts' },
      sealed: { name: '/shop/key' },
      key: { name: '/shop/key', decrypt: true },
    });
    const url = 'https://shop';
    expect(await open({ ...withLogin({ params }), second: '${aws.params.hosts[1]}' })).toMatchObject({
      value: {
        aws: { params: { url, first: url, stable: url, hosts: ['a', 'b'], sealed: 'sealed 4', key: 'open' } },
        second: 'b',
      },
    });
  });

  it('reads a version whose number the answer leaves out, as it may, and takes no other version for it', async () => {
    const { apis, open } = await awsScene();
    const keys = { accessKeyId: 'AKIA0123', secretAccessKey: 'key' };
    const login = { 'fn::open::aws-login': { static: keys } };
    const aws = { login, params: parametersOf({ first: { name: '/shop/url:1' } }) };
    const answer = (more: object) => {
      const Parameters = [{ Name: '/shop/url', Type: 'String', Value: 'https://shop', ...more }];
      apis.http.answerWith({ status: 200, body: { Parameters, InvalidParameters: [] } });
    };
    answer({});
    expect(await open({ aws })).toMatchObject({ value: { aws: { params: { first: 'https://shop' } } } });
    answer({ Selector: ':2' });
    expect(await open({ aws }, { notBeforeMs: performance.now() })).toMatchObject({ reason: 'UpstreamInvalid' });
  });

  it('asks for ten at a time', async () => {
    const { apis, open } = await awsScene();
    const names = Array.from({ length: 25 }, (_, at) => `/shop/${at}`);
    for (const name of names) apis.parameters.set(`us-west-2/${name}`, { value: `value of ${name}` });
    const get = Object.fromEntries(names.map((name, at) => [`key-${at}`, { name }]));
    const values = Object.fromEntries(names.map((name, at) => [`key-${at}`, `value of ${name}`]));
    expect(await open(withLogin({ params: parametersOf(get) }))).toMatchObject({ value: { aws: { params: values } } });
    expect(apis.asked().filter((each) => each === 'AmazonSSM.GetParameters')).toHaveLength(3);
  });

  it('names the parameter that is missing', async () => {
    const { apis, open } = await awsScene();
    apis.parameters.set('us-west-2/a', { value: 'x' });
    const params = parametersOf({ a: { name: 'a' }, b: { name: 'b:7' } });
    expect(await open(withLogin({ params }))).toMatchObject({
      reason: 'InvalidValue',
      message:
        'environment "shop/app": values.aws.params: aws-parameter-store: there is no parameter "b:7" in us-west-2 in this account',
    });
  });
});

describe('failures', () => {
  const place = 'environment "shop/app": values.aws.secrets: aws-secrets: secret "prod/db"';

  it.each<[why: string, change: (scene: Scene) => object | undefined, reason: string, message: string]>([
    [
      'a missing secret',
      ({ apis }) => {
        apis.secrets.clear();
        return undefined;
      },
      'InvalidValue',
      "(ResourceNotFoundException: Secrets Manager can't find the specified secret.)",
    ],
    [
      'a missing right',
      ({ apis }) => void apis.roles.set('reader', { ...shopDefault, maxSessionSeconds: 7_200, allows: /^ssm:/ }),
      'AccessDenied',
      'no identity-based policy allows it',
    ],
    [
      'a wrong region',
      () => withLogin({ secrets: secretsOf({ a: { secretId: 'prod/db' } }, 'eu-central-1') }),
      'InvalidValue',
      'eu-central-1',
    ],
  ])('tell %s', async (_, change, reason, message) => {
    const scene = await sceneWithSecret();
    const values = change(scene) ?? reading;
    const failed = await scene.open(values);
    expect(failed).toMatchObject({ reason, message: expect.stringContaining(message) });
    expect(failed.message).toContain(place);
  });

  it.each<[why: string, answer: ReturnType<typeof jsonError>, reason: string]>([
    ['credentials that are refused each time', jsonError('ExpiredTokenException', 'x'), 'AccessDenied'],
    ['a signature that is refused', jsonError('InvalidSignatureException', 'x'), 'LoginRejected'],
    ['a key that may not decrypt', jsonError('DecryptionFailure', 'x'), 'UpstreamRejected'],
    ['a service that fails', { ...jsonError('InternalServiceError', 'x'), status: 500 }, 'UpstreamUnavailable'],
    ['what is not from AWS', { status: 403, body: '<html>' }, 'UpstreamInvalid'],
    ['what AWS does not answer', { status: 200, body: {} }, 'UpstreamInvalid'],
  ])('tell %s', async (_, answer, reason) => {
    const { apis, open } = await sceneWithSecret();
    const keys = { accessKeyId: 'ASIA0123', secretAccessKey: 'key', sessionToken: 'session' };
    apis.http.answerWith(answer);
    const login = { 'fn::open::aws-login': { static: keys } };
    const failed = await open({ aws: { ...reading.aws, login } });
    expect(failed).toMatchObject({ reason, message: expect.stringContaining(place) });
  });

  it('tell a clock that is off, which does not change how long credentials last', async () => {
    const { apis, open } = await awsScene({ skewMs: 3_600_000 });
    apis.secrets.set('us-west-2/prod/db', [{ text: 'hunter2' }]);
    const { lifetimeMs } = await open(withLogin());
    expect(Math.abs((lifetimeMs ?? 0) - 7_200_000)).toBeLessThan(10_000);
    expect(await open(reading)).toMatchObject({ reason: 'LoginRejected', message: expect.stringContaining('clock') });
  });

  it('wait as long as AWS says, and ask nothing meanwhile', async () => {
    const { apis, now, open, pass } = await sceneWithSecret();
    await open(reading);
    const asked = apis.asked().length;
    apis.http.answerWith(jsonError('ThrottlingException', 'Rate exceeded', { 'retry-after': '20' }));
    const throttled = { reason: 'UpstreamThrottled', message: expect.stringContaining('Rate exceeded') };
    expect(await open(reading, { notBeforeMs: now() })).toMatchObject({ ...throttled, retryAfterMs: 20_000 });
    apis.http.answerWith(undefined);
    expect(await open(reading, { notBeforeMs: now() })).toMatchObject(throttled);
    expect(apis.asked()).toHaveLength(asked);
    pass(20_000);
    expect(await open(reading, { notBeforeMs: now() })).toMatchObject(hasRead);
  });

  it('name a time of their own when AWS names none', async () => {
    const { apis, open } = await awsScene();
    apis.http.answerWith(xmlError(400, 'Throttling', 'Rate exceeded'));
    expect(await open(withLogin())).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 5_000 });
  });

  it('end when AWS does not answer', async () => {
    const { apis, open } = await awsScene({ limits: { wholeMs: 500 } });
    apis.http.answerWith('nothing');
    expect(await open(withLogin())).toMatchObject({ reason: 'UpstreamUnavailable' });
  });

  it('repeat nothing that was sent, and nothing that is another each time', async () => {
    const forgedToken = 'canary-of-the-cluster.canary-of-the-claims.canary-of-the-signature';
    const { open } = await awsScene({ forgedToken });
    const { message, reason } = await open(withLogin());
    expect(reason).toBe('LoginRejected');
    expect(message).toContain('(InvalidIdentityToken: The ID Token provided is not a valid JWT: [redacted])');
    expect(await open(withLogin())).toMatchObject({ message });
  });

  it('hold to the hosts that the administrator allows', async () => {
    const { apis, open } = await awsScene({ rules: { onlyHosts: ['sts.us-east-1.amazonaws.com'] } });
    expect(await open(withLogin())).toMatchObject({ value: expect.anything() });
    expect(await open(reading)).toMatchObject({
      reason: 'HostDenied',
      message: expect.stringContaining('secretsmanager.us-west-2.amazonaws.com'),
    });
    expect(apis.asked()).toEqual([assume]);
  });
});
