// What Environments open from clouds, under the chart's real rights: the manifests of the pages about them, and the documents
// that ESC's own pages print, each by tokens of ServiceAccounts that the API server signs and the doubles check.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { printedDocuments } from '../../src/core/esc/as-printed.fixture.ts';
import { type AuditTrail, followAudit, refusedIn } from '../support/audit.ts';
import type { AwsKey } from '../support/cloud/aws-signature.ts';
import { azureLogin } from '../support/cloud/azure-vault.ts';
import { type Clouds, startClouds, vaultHost } from '../support/cloud/clouds.ts';
import type { ClusterTrust } from '../support/cloud/cluster-tokens.ts';
import { googleReader } from '../support/cloud/google-federation.ts';
import { clusterIssuer } from '../support/cluster-trust.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { createScene, type Manifest, type Scene } from '../support/scene.ts';
import { condition, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');

let scene: Scene;
let clouds: Clouds;
let trust: ClusterTrust;
let audit: AuditTrail | undefined;
let operatorAtAws: AwsKey;

beforeAll(async () => {
  trust = await clusterIssuer(inject('controlPlane'));
  audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
  clouds = await startClouds({
    trust,
    vaults: [{ id: 'vault-1', name: 'Shop', items: [connectItem] }],
    github: { appId: 123_456, organization: 'acme', repositories: ['web'] },
  });
  operatorAtAws = clouds.aws.addUser('operator');
  const { accessKeyId, secretAccessKey } = operatorAtAws;
  const ambient = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: 'us-east-1' };
  scene = await createScene('clouds', {
    operator: false,
    env: { ...clouds.env, ...ambient },
    values: { rbac: { serviceAccountTokenCreate: true } },
  });
  plant();
  const namespaces = `--ambient-identity-namespaces=${scene.namespace}`;
  await scene.startOperator([namespaces, '--ambient-identity-hosts=sts.us-east-1.amazonaws.com']);
});

afterAll(async () => {
  const { namespace } = scene;
  const printed = scene.operator().output();
  const opened = scene.secrets.values().flatMap((secret) => Object.values(secret.data ?? {}));
  const refused = refusedIn(namespace, await audit?.calls());
  await scene.end();
  await clouds.stop();
  expect(refused).toEqual([]);
  const texts = opened.map((text) => Buffer.from(text, 'base64').toString()).filter((text) => text.length > 12);
  expect(texts.filter((text) => printed.includes(text))).toEqual([]);
});

const account = (name = 'default') => `system:serviceaccount:${scene.namespace}:${name}`;
const connectItem = {
  id: 'item-1',
  title: 'Database',
  sections: [{ id: 'admin', label: 'Admin' }],
  fields: [
    { id: 'password', label: 'password', value: 'p4ssw0rd-of-the-app' },
    { id: 'admin-password', label: 'password', value: 'p4ssw0rd-of-admin', section: { id: 'admin' } },
  ],
};

/** What the clouds hold, and whom they trust. */
function plant(): void {
  const { aws, azure, google, pulumi, vault } = clouds;
  const trusted = { subject: account(), audience: 'sts.amazonaws.com', maxSessionSeconds: 7_200 };
  aws.roles.set('platform', { ...trusted, principal: operatorAtAws.arn });
  for (const role of ['my-app', 'esc-oidc', 'pulumi-deployment-role']) aws.roles.set(role, trusted);
  aws.secrets.set('eu-central-1/prod/db-password', [{ text: scene.value('aws-db') }]);
  aws.secrets.set('us-west-2/prod/db-password', [{ text: scene.value('aws-west') }]);
  aws.parameters.set('eu-central-1//my-app/api-key', { value: scene.value('aws-key'), type: 'SecureString' });
  azure.subject = account('secrets');
  azure.secrets.set('db-password', { versions: { v1: scene.value('azure-db') } });
  azure.secrets.set('datadog-api-key', { versions: { v1: scene.value('datadog') } });
  google.subject = account('secrets');
  google.secrets.set('db-password', [scene.value('gcp-old'), scene.value('gcp-db')]);
  pulumi.environments.set('acme/shop/prod', { database: { url: scene.value('pulumi-url') } });
  pulumi.environments.tag('acme/shop/prod', 'stable', 1);
  pulumi.trust('acme', { ...trust, audience: 'urn:pulumi:org:acme', subject: account() });
  vault.kv2.set('my-app', { 'api-key': scene.value('vault-key') });
  vault.leased.set('my-app', 3_600);
  vault.policies.set('my-app', ['secret/data/my-app', 'database/creds/my-app']);
  const reader = { audience: 'vault', subject: account('vault-reader') };
  vault.roles.set('my-app', { ...reader, policies: ['my-app'], ttlSeconds: 3_600 });
}

/** A manifest of docs/manifests as it is printed, but for its namespace and who logs in. */
async function shown(file: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, '../../docs/manifests', `environment-${file}.yaml`), 'utf8');
  const replacements = {
    '<id of the application>': azureLogin.clientId,
    '<id of the tenant>': azureLogin.tenantId,
    '<id of the subscription>': azureLogin.subscriptionId,
    'reader@my-project.iam.gserviceaccount.com': googleReader,
    'https://vault.example.com:8200': `https://${vaultHost}`,
  };
  return Object.entries(replacements)
    .reduce((all, [from, to]) => all.replaceAll(from, to), text)
    .replaceAll(/^( *namespace:) .*$/gm, `$1 ${scene.namespace}`);
}

const loginOf = (role: string) => ({
  'fn::open::aws-login': { oidc: { roleArn: `arn:aws:iam::123456789012:role/${role}`, sessionName: role } },
});

function environment(name: string, spec: object) {
  return { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata: { name }, spec };
}

/** A store of the Environment, and an ExternalSecret for each of its objects, called `environment-object`. */
function consumers(name: string, ...objects: readonly string[]) {
  const apiVersion = 'external-secrets.io/v1';
  return [
    { apiVersion, kind: 'SecretStore', metadata: { name }, spec: { provider: { esc: { environment: name } } } },
    ...objects.map((key) => ({
      apiVersion,
      kind: 'ExternalSecret',
      metadata: { name: `${name}-${key.toLowerCase()}` },
      spec: { refreshInterval: '1h', secretStoreRef: { name }, dataFrom: [{ extract: { key } }] },
    })),
  ];
}

/** What the Secret of an ExternalSecret holds once it is there. */
async function synced(name: string): Promise<Record<string, string>> {
  await scene.whenSynced(name);
  return (await scene.secretData(name)) ?? {};
}

describe('the manifests of the pages about clouds', () => {
  /** Credentials that AWS has given, all three of one login. */
  const isAwsTriple = (data: Record<string, string>) =>
    clouds.aws
      .given()
      .some(
        ({ accessKeyId, secretAccessKey, sessionToken }) =>
          data['AWS_ACCESS_KEY_ID'] === accessKeyId &&
          data['AWS_SECRET_ACCESS_KEY'] === secretAccessKey &&
          data['AWS_SESSION_TOKEN'] === sessionToken,
      );

  interface Page {
    readonly file: string;
    /** Name of its Environment. */
    readonly name: string;
    readonly before?: () => Manifest;
    readonly holds: (data: Record<string, string>) => unknown;
  }
  const secret = (name: string, stringData: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    stringData,
  });
  const pages: readonly Page[] = [
    {
      file: 'aws',
      name: 'aws',
      holds(data) {
        expect(data).toMatchObject({ DB_PASSWORD: scene.value('aws-db'), API_KEY: scene.value('aws-key') });
        expect(isAwsTriple(data)).toBe(true);
      },
    },
    {
      file: 'azure',
      name: 'azure',
      async holds({ ARM_OIDC_TOKEN = '', ...data }) {
        expect(data).toEqual({
          ARM_USE_OIDC: 'true',
          ARM_CLIENT_ID: azureLogin.clientId,
          ARM_TENANT_ID: azureLogin.tenantId,
          ARM_SUBSCRIPTION_ID: azureLogin.subscriptionId,
          DB_PASSWORD: scene.value('azure-db'),
        });
        const terms = { issuer: trust.issuer, audience: 'api://AzureADTokenExchange', subject: account('secrets') };
        await jwtVerify(ARM_OIDC_TOKEN, createLocalJWKSet(trust.keys), terms);
      },
    },
    {
      file: 'gcp',
      name: 'gcp',
      holds({ CLOUDSDK_AUTH_ACCESS_TOKEN = '', ...data }) {
        expect(data).toEqual({ DB_PASSWORD: scene.value('gcp-db') });
        expect(CLOUDSDK_AUTH_ACCESS_TOKEN).toMatch(/^ya29\./);
      },
    },
    {
      file: '1password',
      name: 'database',
      before: () => secret('onepassword-connect', { token: clouds.onePassword.token }),
      holds: (data) => expect(data).toEqual({ PGPASSWORD: 'p4ssw0rd-of-the-app' }),
    },
    {
      file: 'github',
      name: 'github',
      before: () => secret('github-app', { 'private-key.pem': clouds.github.keys.privatePem }),
      holds(data) {
        expect(clouds.github.made.map(({ token }) => token)).toContain(data['GITHUB_TOKEN']);
        for (const { terms } of clouds.github.made) {
          expect(terms).toEqual({ repositories: ['web'], permissions: { contents: 'read' } });
        }
      },
    },
    {
      file: 'pulumi',
      name: 'cloud',
      holds: (data) => expect(data).toEqual({ DATABASE_URL: scene.value('pulumi-url') }),
    },
    {
      file: 'vault',
      name: 'vault',
      holds(data) {
        const [DATABASE_USER, DATABASE_PASSWORD] = [/^v-/, /^.{36}$/].map((text) => expect.stringMatching(text));
        expect(data).toEqual({ API_KEY: scene.value('vault-key'), DATABASE_USER, DATABASE_PASSWORD });
        expect(clouds.vault.leases.size).toBe(1);
      },
    },
  ];

  it.each(pages)(
    'give what $name opens to an ExternalSecret, and publish it',
    async ({ file, name, before, holds }) => {
      if (before !== undefined) await scene.apply(before());
      await scene.apply(await shown(file), ...consumers(name, 'environmentVariables'));
      const target = `${name}-published`;
      const spec = { publish: { secretName: target } };
      await scene.api.patch(scene.address('Environment', name), { spec });
      const data = await synced(`${name}-environmentvariables`);
      await holds(data);
      const published = await until(`${target} is there`, () => scene.secretData(target));
      // One login for all who hold it in the namespace: what is short-lived is the same everywhere.
      expect(published).toEqual(data);
    },
  );
});

describe('what an Environment opens from a cloud', () => {
  const asOperator = (region: string) => ({
    login: {
      'fn::open::aws-login': {
        region,
        ambient: { roleArn: 'arn:aws:iam::123456789012:role/platform', sessionName: 'platform' },
      },
    },
    environmentVariables: { KEY: `\${login.secretAccessKey}` },
  });

  it('may be opened as the operator, by the STS that the administrator lists and no other', async () => {
    await scene.apply(
      environment('platform', { values: asOperator('us-east-1') }),
      environment('abroad', { values: asOperator('eu-central-1') }),
      ...consumers('platform', 'environmentVariables'),
      ...consumers('abroad', 'environmentVariables'),
    );
    const { KEY } = await synced('platform-environmentvariables');
    const given = clouds.aws.given().find(({ secretAccessKey }) => secretAccessKey === KEY);
    expect(given?.arn).toContain('assumed-role/platform/');
    const red = await scene.whenFailed('abroad-environmentvariables');
    expect(condition(red, 'Ready')?.message).toContain(
      'add "sts.eu-central-1.amazonaws.com" to --ambient-identity-hosts',
    );
    expect(await scene.secretData('abroad-environmentvariables')).toBeUndefined();
  });

  it('is told when it is missing and when it is forbidden, and what was there stays', async () => {
    const { aws } = clouds;
    const read = (secretId: string) => ({
      values: {
        login: loginOf('my-app'),
        read: { 'fn::open::aws-secrets': { region: 'us-west-2', login: `\${login}`, get: { it: { secretId } } } },
        environmentVariables: { IT: `\${read.it}` },
      },
    });
    await scene.apply(environment('told', read('prod/db-password')), ...consumers('told', 'environmentVariables'));
    const before = await synced('told-environmentvariables');
    const says = async (secretId: string, text: string) => {
      await scene.apply(environment('told', read(secretId)));
      const tells = (one: ApiObject) => condition(one, 'Ready')?.message?.includes(text) === true;
      const red = await scene.externalSecrets.until('told-environmentvariables', `says ${text}`, tells);
      const place = `environment "${scene.namespace}/told": values.read: aws-secrets: secret "${secretId}"`;
      expect(condition(red, 'Ready')?.message).toContain(place);
    };
    await says('nope', 'ResourceNotFoundException');
    const role = aws.roles.get('my-app');
    if (role === undefined) throw new Error('no role');
    aws.roles.set('my-app', { ...role, allows: /^secretsmanager:prod/ });
    aws.forgetKeys('my-app');
    await says('other', 'AccessDeniedException');
    aws.roles.set('my-app', role);
    expect(await scene.secretData('told-environmentvariables')).toEqual(before);
  });

  it('is counted: logins by cloud, and when the first of what they gave ends', async () => {
    const operator = scene.operator();
    for (const [provider, method] of [
      ['aws', 'oidc'],
      ['aws', 'ambient'],
      ['azure', 'oidc'],
      ['gcp', 'oidc'],
      ['github', 'app'],
      ['vault', 'jwt'],
    ]) {
      const series = `{provider="${provider}",method="${method}",outcome="success"}`;
      expect([series, (await operator.metric('escapement_logins_total', series)) > 0]).toEqual([series, true]);
    }
    for (const kind of ['Environment', 'ExternalSecret']) {
      const leftSeconds = await operator.metric('escapement_earliest_expiry_seconds', `kind="${kind}"`);
      expect(leftSeconds).toBeGreaterThan(1_000);
      expect(leftSeconds).toBeLessThan(3_601);
    }
  });
});

describe('the documents that ESC’s pages print', () => {
  it('log in to AWS and read a secret, as variables and as configuration', async () => {
    await scene.apply(
      environment('concepts', parse(printedDocuments.awsSecrets)),
      ...consumers('concepts', 'environmentVariables', 'pulumiConfig'),
    );
    expect(await synced('concepts-pulumiconfig')).toEqual({ dbPassword: scene.value('aws-west') });
    const data = await synced('concepts-environmentvariables');
    expect(Object.keys(data).sort()).toEqual(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']);
  });

  it('share the credentials of a deployment role', async () => {
    await scene.apply(
      environment('stack', parse(printedDocuments.awsStack)),
      ...consumers('stack', 'environmentVariables', 'pulumiConfig'),
    );
    // A key of a Secret has no colon.
    expect(await synced('stack-pulumiconfig')).toEqual({ aws_region: 'us-east-1' });
    const { AWS_ACCESS_KEY_ID } = await synced('stack-environmentvariables');
    expect(AWS_ACCESS_KEY_ID).toMatch(/^ASIA/);
  });

  it('hold configuration of a stack', async () => {
    await scene.apply(
      environment('plain', parse(printedDocuments.stackConfiguration)),
      ...consumers('plain', 'pulumiConfig'),
    );
    expect(await synced('plain-pulumiconfig')).toEqual({ aws_region: 'us-west-2', myApp_apiKey: 'demo-api-key-123' });
  });

  it('pull a key from Azure with the login of another document', async () => {
    await scene.apply(
      await shown('azure'),
      environment('keys', parse(printedDocuments.azureSecret)),
      ...consumers('keys', 'pulumiConfig'),
    );
    expect(await synced('keys-pulumiconfig')).toEqual({
      myApp_datadogApiKey: JSON.stringify({ secretId: scene.value('datadog') }),
    });
  });

  it('override what is common in production', async () => {
    await scene.apply(
      environment('common', parse(printedDocuments.common)),
      environment('production', parse(printedDocuments.production)),
      ...consumers('production', 'pulumiConfig'),
    );
    expect(await synced('production-pulumiconfig')).toEqual({ myApp_instanceType: 't3.large', myApp_replicas: '3' });
  });
});
