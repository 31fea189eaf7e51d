// What may fail at any cloud fails alike: told with Environment, path and provider, in the cloud's words, and never for long
// where the cloud would serve again.
import { describe, expect, it } from 'vitest';
import { xmlError } from '../../../../test/support/cloud/aws-apis.ts';
import { azureVaultName } from '../../../../test/support/cloud/azure-vault.ts';
import { type Clouds, connectHost } from '../../../../test/support/cloud/clouds.ts';
import type { CloudAnswer } from '../../../../test/support/cloud/http-double.ts';
import { type CloudCase, type CloudsScene, cloudCases, cloudsScene } from './clouds.fixture.ts';

interface Fault {
  /** What goes wrong, or what the document asks for in place of what it does. */
  readonly make?: (scene: CloudsScene) => void;
  readonly change?: (values: object) => object;
  readonly reason: string;
  /** In the cloud's words, or in ours. */
  readonly says: string;
}

interface Faults {
  /** The host that reads go to. */
  readonly host: string;
  readonly missing: Fault;
  readonly forbidden: Fault;
  /** Another region, project, vault, or whatever else the cloud is divided by. */
  readonly elsewhere: Fault;
  /** Answers of the host that read, in place of its own. */
  readonly answer: (clouds: Clouds, answer: CloudAnswer | undefined) => void;
  /** How the cloud asks to be left alone for seven seconds. */
  readonly throttling: CloudAnswer;
  /** Ends all credentials that were given out. */
  readonly end?: (clouds: Clouds) => void;
}

/** The document with a text of it replaced. */
const replacing = (from: string, to: string) => (values: object) =>
  JSON.parse(JSON.stringify(values).replaceAll(from, to)) as object;
const inSeven = { 'retry-after': '7' };
/** As STS says it: the login comes first. */
const awsThrottling = { ...xmlError(400, 'Throttling', 'Rate exceeded'), headers: inSeven };
const awsForbidden = {
  make: ({ clouds: { aws } }: CloudsScene) => {
    const role = aws.roles.get('reader');
    if (role !== undefined) aws.roles.set('reader', { ...role, allows: /^none$/ });
  },
  reason: 'AccessDenied',
  says: 'no identity-based policy allows it',
};
const awsParts = {
  answer: ({ aws }: Clouds, answer: CloudAnswer | undefined) => aws.http.answerWith(answer),
  throttling: awsThrottling,
  forbidden: awsForbidden,
  end: ({ aws }: Clouds) => aws.forgetKeys(),
};

const faultsOf: Readonly<Record<string, Faults>> = {
  'aws-secrets': {
    ...awsParts,
    host: 'secretsmanager.us-west-2.amazonaws.com',
    missing: {
      make: ({ clouds }) => clouds.aws.secrets.clear(),
      reason: 'InvalidValue',
      says: "ResourceNotFoundException: Secrets Manager can't find the specified secret",
    },
    elsewhere: {
      change: replacing('us-west-2', 'eu-central-1'),
      reason: 'InvalidValue',
      says: 'secret "db" at secretsmanager.eu-central-1.amazonaws.com',
    },
  },
  'aws-parameter-store': {
    ...awsParts,
    host: 'ssm.us-west-2.amazonaws.com',
    missing: {
      make: ({ clouds }) => clouds.aws.parameters.clear(),
      reason: 'InvalidValue',
      says: 'there is no parameter "db" in us-west-2',
    },
    elsewhere: { change: replacing('us-west-2', 'eu-central-1'), reason: 'InvalidValue', says: 'in eu-central-1' },
  },
  'azure-secrets': {
    host: `${azureVaultName}.vault.azure.net`,
    missing: {
      make: ({ clouds }) => clouds.azure.secrets.clear(),
      reason: 'InvalidValue',
      says: '404 (SecretNotFound)',
    },
    forbidden: {
      make: ({ clouds }) => clouds.azure.secrets.set('db', { versions: { v1: 'x' }, isForbidden: true }),
      reason: 'AccessDenied',
      says: 'Caller is not authorized',
    },
    elsewhere: {
      change: replacing(azureVaultName, 'other-vault'),
      reason: 'UpstreamUnavailable',
      says: 'other-vault.vault.azure.net',
    },
    answer: ({ azure }, answer) => azure.vault.answerWith(answer),
    throttling: { status: 429, headers: inSeven, body: { error: { code: 'Throttled', message: 'too many' } } },
    end: ({ azure }) => azure.endTokens(),
  },
  'gcp-secrets': {
    host: 'secretmanager.googleapis.com',
    missing: { make: ({ clouds }) => clouds.google.secrets.clear(), reason: 'InvalidValue', says: '404 (NOT_FOUND)' },
    forbidden: {
      make: ({ clouds }) => clouds.google.forbidden.add('db'),
      reason: 'AccessDenied',
      says: "Permission 'secretmanager.versions.access' denied",
    },
    elsewhere: {
      change: replacing('123456789012', '999999999999'),
      reason: 'LoginRejected',
      says: 'check project, workloadPoolId and providerId',
    },
    answer: ({ google }, answer) => google.secretManager.answerWith(answer),
    throttling: { status: 429, headers: inSeven, body: { error: { status: 'RESOURCE_EXHAUSTED', message: 'quota' } } },
    end: ({ google }) => google.endTokens(),
  },
  '1password-secrets': {
    host: connectHost,
    missing: { change: replacing('Shop/Database', 'Shop/Nope'), reason: 'InvalidValue', says: 'no item "Nope"' },
    forbidden: {
      change: replacing('connect-token-', 'another-token-'),
      reason: 'AccessDenied',
      says: 'the token is refused: it is wrong, has ended or was revoked, "Invalid token signature"',
    },
    elsewhere: { change: replacing('op://Shop', 'op://Hidden'), reason: 'ScopeNotFound', says: 'no vault "Hidden"' },
    answer: ({ onePassword }, answer) => onePassword.answerWith(answer),
    throttling: { status: 429, headers: inSeven, body: {} },
  },
  'gh-login': {
    host: 'api.github.com',
    missing: { change: replacing('"acme"', '"nobody"'), reason: 'ScopeNotFound', says: 'not installed there' },
    forbidden: {
      change: replacing('"owner":"acme"', '"owner":"acme","repositories":["secret"]'),
      reason: 'AccessDenied',
      says: 'There is at least one repository that does not exist',
    },
    elsewhere: { change: replacing('4711', '4712'), reason: 'LoginRejected', says: 'check appId and privateKey' },
    answer: ({ github }, answer) => github.answerWith(answer),
    throttling: { status: 403, headers: inSeven, body: { message: 'secondary rate limit' } },
  },
  'pulumi-environment': {
    host: 'api.pulumi.com',
    missing: { change: replacing('shop/prod', 'shop/nope'), reason: 'ScopeNotFound', says: 'no such environment' },
    forbidden: {
      change: replacing('{"audience"', '{"serviceAccount":"reader","audience"'),
      reason: 'LoginRejected',
      says: 'the token fits no policy of the organization',
    },
    elsewhere: { change: replacing('acme/', 'other/'), reason: 'LoginRejected', says: 'organization' },
    answer: ({ pulumi }, answer) => {
      if (answer !== undefined) pulumi.fail('open', { headers: {}, ...answer, body: JSON.stringify(answer.body) });
    },
    throttling: { status: 429, headers: inSeven, body: 'slow down' },
    end: ({ pulumi }) => pulumi.revokeTokens(),
  },
};

const rows = cloudCases.flatMap((each) => {
  const faults = faultsOf[each.provider];
  return faults === undefined ? [] : [{ ...each, faults }];
});

function openWith({ bench, clock, clouds }: CloudsScene, each: CloudCase, change = (values: object) => values) {
  const environments = { 'shop/app': { values: change(each.values(clouds)) } };
  return bench.open(environments, { notBeforeMs: clock.monotonicMs() });
}

it('is known of every provider that opens from a cloud', () => {
  expect(Object.keys(faultsOf)).toEqual(cloudCases.map(({ provider }) => provider));
});

describe.each(rows)('$provider', (each) => {
  const { faults, provider, holds } = each;
  /** Its own name, or that of the login before it. */
  const answers = new RegExp(`: (?:${provider}|${provider.replace(/-.*$/, '-login')}): `);

  it.each(['missing', 'forbidden', 'elsewhere'] as const)('tells what is %s', async (kind) => {
    const { make, change, reason, says } = faults[kind];
    const scene = await cloudsScene();
    make?.(scene);
    const { error } = await openWith(scene, each, change);
    expect(error).toMatchObject({ reason, message: expect.stringContaining(says) });
    expect(error?.message).toMatch(/^environment "shop\/app": values\.(?:login|read): /);
    expect(error?.message).toMatch(answers);
    expect(error?.message).not.toMatch(/eyJ|ASIA|ghs_|ya29|pul-|connect-token|another-token|PRIVATE KEY/);
    expect((await openWith(scene, each, change)).error?.message).toBe(error?.message);
  });

  it('tells what is missing from what is forbidden', () => {
    expect(faults.missing.reason).not.toBe(faults.forbidden.reason);
  });

  it('is left alone for as long as it asks, and read right after', async () => {
    const scene = await cloudsScene();
    const { clock, clouds } = scene;
    faults.answer(clouds, faults.throttling);
    const { error } = await openWith(scene, each);
    expect(error).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 7_000 });
    expect(error?.message).toMatch(answers);
    faults.answer(clouds, undefined);
    const asked = each.asked(clouds);
    expect((await openWith(scene, each)).error).toMatchObject({ reason: 'UpstreamThrottled' });
    expect(each.asked(clouds)).toBe(asked);
    clock.jump(7_000);
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });

  it('is given up when it does not answer, and read when it does', async () => {
    const scene = await cloudsScene({ wholeMs: 600 });
    const { hosts } = scene.clouds;
    hosts.silence(faults.host, true);
    const { error } = await openWith(scene, each);
    expect(error).toMatchObject({ reason: 'UpstreamUnavailable', message: expect.stringContaining(`${provider}: `) });
    expect(error?.message).toContain('in time');
    hosts.silence(faults.host, false);
    scene.clock.jump(10_000); // a login that failed is not tried again at once
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });

  const { end } = faults;
  if (end === undefined) return;
  it('is logged in to anew, at once, when what a login gave has ended early', async () => {
    const scene = await cloudsScene();
    expect((await openWith(scene, each)).value).toMatchObject(holds);
    end(scene.clouds);
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });
});
