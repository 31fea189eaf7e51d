// A role that is assumed as the operator: only where the administrator allows it, and what the operator is stays with it.
import { describe, expect, it } from 'vitest';
import { roleArn } from '../../../../test/support/cloud/aws-apis.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { type AmbientRules, operatorIdentity } from '../../../credentials/operator-identity.ts';
import { cloudsScene } from './clouds.fixture.ts';

const sts = 'sts.us-east-1.amazonaws.com';
const allowed = { ambientIdentityHosts: [sts], ambientIdentityNamespaces: ['shop'] };
const unused = () => Promise.reject(new Error('no such cloud here'));

/** The operator is a user of AWS whom the role `platform` lets in. */
async function scene(rules: Partial<AmbientRules> = allowed) {
  const made = await cloudsScene();
  const { aws } = made.clouds;
  const own = aws.addUser('operator');
  let reads = 0;
  const clouds = {
    aws: async () => {
      reads++;
      const secretAccessKey = new SecretValue(own.secretAccessKey);
      return {
        accessKeyId: own.accessKeyId,
        secretAccessKey,
        region: 'eu-west-1',
        principal: 'keys of the environment',
      };
    },
    azureToken: unused,
    gcpIdToken: unused,
    gcpSignedJwt: unused,
  };
  const none = { ambientIdentityHosts: [], ambientIdentityNamespaces: [], credentialDirectories: [] };
  const identity = operatorIdentity({ ...none, ...rules }, clouds, '/nowhere');
  made.bench.operator = (namespace, host, field) =>
    identity.sources({ kind: 'SecretStore', name: 'app', namespace, consumerNamespace: undefined }, host, field);
  const trust = { subject: 'nobody', audience: 'nobody', maxSessionSeconds: 7_200 };
  aws.roles.set('platform', { ...trust, principal: own.arn });
  aws.roles.set('other', { ...trust, principal: 'arn:aws:iam::111122223333:user/other' });
  return { ...made, own, reads: () => reads };
}

const document = (role = 'platform', more: object = {}) => ({
  values: {
    login: { 'fn::open::aws-login': { ambient: { roleArn: roleArn(role), sessionName: 'shop' }, ...more } },
    read: {
      'fn::open::aws-secrets': { region: 'us-west-2', login: `\${login}`, get: { db: { secretId: 'prod-db' } } },
    },
  },
});

describe('aws-login as the operator', () => {
  it('gives credentials of the role, and never those of the operator', async () => {
    const { bench, clouds, logins, own } = await scene();
    const { value, lifetimeMs = 0 } = await bench.open({ 'shop/app': document() });
    expect(value).toMatchObject({
      login: { accessKeyId: expect.stringMatching(/^ASIA/) },
      read: { db: 'from-aws-secrets' },
    });
    expect(JSON.stringify(value)).not.toContain(own.secretAccessKey);
    expect(lifetimeMs).toBeGreaterThan(7_100_000);
    expect(clouds.aws.asked()).toEqual(['AssumeRole', 'secretsmanager.GetSecretValue']);
    expect([clouds.aws.http.requests[0]?.headers['host'], logins]).toEqual([sts, ['aws ambient success']]);
  });

  const refused: readonly [why: string, rules: Partial<AmbientRules>, says: string][] = [
    ['no namespace is listed', { ambientIdentityHosts: [sts] }, 'add "shop" to --ambient-identity-namespaces'],
    ['another namespace is', { ...allowed, ambientIdentityNamespaces: ['infra'] }, 'add "shop" to --ambient-identity-'],
    ['STS is not listed', { ambientIdentityNamespaces: ['*'] }, `add "${sts}" to --ambient-identity-hosts`],
    ['the STS of another region is', { ...allowed, ambientIdentityHosts: ['sts.eu-west-1.amazonaws.com'] }, sts],
  ];

  it.each(refused)('is refused where %s, and nothing is read or sent', async (_, rules, says) => {
    const { bench, clouds, reads } = await scene(rules);
    const { error } = await bench.open({ 'shop/app': document() });
    expect(error).toMatchObject({ reason: 'IdentityDenied', message: expect.stringContaining(says) });
    expect(error?.message).toContain('environment "shop/app": values.login: aws-login: ambient: ');
    expect([clouds.aws.asked(), reads()]).toEqual([[], 0]);
  });

  it('is a matter of the namespace whose document says so, not of who was allowed before', async () => {
    const { bench } = await scene();
    const environments = { 'shop/app': document(), 'other/app': document() };
    expect((await bench.open(environments)).error).toBeUndefined();
    const { error } = await bench.open(environments, { name: 'other/app' });
    expect(error).toMatchObject({ reason: 'IdentityDenied' });
  });

  it('says whom the role does not trust, without the keys', async () => {
    const { bench, own } = await scene();
    const { error } = await bench.open({ 'shop/app': document('other') });
    expect(error).toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining("let the operator's own identity assume it (keys of the environment)"),
    });
    expect(error?.message).not.toContain(own.secretAccessKey);
  });
});
