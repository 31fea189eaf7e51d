// The doubles of all clouds, with everything laid out that a case needs.

import { systemClock } from '../../../src/base/clock.ts';
import { awsAccount } from '../../support/cloud/aws.ts';
import type { AwsApis } from '../../support/cloud/aws-apis.ts';
import { type AzureVault, azureLogin, azureVaultName, hiddenVaultName } from '../../support/cloud/azure-vault.ts';
import { type Clouds, startClouds } from '../../support/cloud/clouds.ts';
import { clusterToken, clusterTrust } from '../../support/cloud/cluster-tokens.ts';
import {
  type GoogleFederation,
  googlePool,
  googleProject,
  googleReader,
} from '../../support/cloud/google-federation.ts';
import type { ConnectItem } from '../../support/cloud/one-password.ts';
import { secret } from '../../support/pulumi-double/values.ts';
import type { Facts } from './contract.ts';
import { cloudDesk } from './desk.ts';
import { awsPlaces, awsRegion, objectFacts, secretBytes, secretText } from './laid-out.ts';
import type { CloudName } from './providers.ts';
import type { CloudTarget } from './run.ts';

const subject = 'system:serviceaccount:shop:default';

const ids = {
  vault: 'hfnjvi6aymbsnfc2xeeoheizda',
  hidden: 'zzzzvi6aymbsnfc2xeeoheizda',
  item: 'wepiqdxdzncjtnvmv5fegud4qy',
};
const database: ConnectItem = {
  id: ids.item,
  title: 'Database',
  sections: [{ id: 'admin-1', label: 'Admin' }],
  fields: [
    { id: 'password', label: 'password', value: 'p4ssw0rd-of-app' },
    { id: 'x1', label: 'password', value: 'p4ssw0rd-of-admin', section: { id: 'admin-1' } },
    { id: 'x2', label: 'code', value: 'otpauth://totp/x', totp: '123456' },
  ],
};

export interface CloudDoubles {
  readonly targets: Readonly<Record<CloudName, CloudTarget>>;
  /** Variables of a process that reaches them by the clouds' own names. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startCloudDoubles(): Promise<CloudDoubles> {
  const clouds = await startClouds({
    trust: clusterTrust,
    vaults: [
      { id: ids.vault, name: 'Shop', items: [database] },
      { id: ids.hidden, name: 'Hidden', items: [database], isHidden: true },
    ],
    github: { appId: 4711, organization: 'acme', user: 'alice', repositories: ['web'] },
  });
  return {
    targets: {
      aws: { facts: await awsFacts(clouds.aws), routes: clouds.aws.routes },
      gcp: { facts: await gcpFacts(clouds.google), routes: clouds.google.routes },
      azure: { facts: await azureFacts(clouds.azure), routes: clouds.azure.routes },
      '1password': { facts: onePasswordFacts(clouds) },
      github: { facts: githubFacts(clouds), routes: { 'api.github.com': clouds.github.url } },
      pulumi: { facts: await pulumiFacts(clouds) },
    },
    env: clouds.env,
    stop: () => clouds.stop(),
  };
}

/** Of the ServiceAccount that is trusted, and of another. */
async function tokensFor(audience: string): Promise<Readonly<{ token: string; strangerToken: string }>> {
  const order = { audiences: [audience], lifeSeconds: 3_600 };
  return {
    token: await clusterToken(systemClock, { ...order, account: 'shop/default' }),
    strangerToken: await clusterToken(systemClock, { ...order, account: 'other/default' }),
  };
}

async function awsFacts(aws: AwsApis): Promise<Facts> {
  const secretArn = `arn:aws:secretsmanager:${awsRegion}:${awsAccount}:secret:db-AbCdEf`;
  const versions = [{ text: secretText }, { text: 'of-before', stage: 'AWSPREVIOUS' }];
  for (const name of ['db', secretArn]) aws.secrets.set(`${awsRegion}/${name}`, versions);
  aws.secrets.set(`${awsRegion}/bytes`, [{ bytes: secretBytes }]).set(`${awsRegion}/hidden`, [{ text: secretText }]);
  aws.parameters
    .set(`${awsRegion}//shop/db`, { value: 'of-the-parameter', selectors: ['1'] })
    .set(`${awsRegion}//shop/list`, { value: 'a,b,c', type: 'StringList' })
    .set(`${awsRegion}//shop/sealed`, { value: 'of-the-sealed', type: 'SecureString' })
    .set(`${awsRegion}//shop/hidden`, { value: 'hidden' });
  const trust = { subject, audience: 'sts.amazonaws.com' };
  aws.roles.set('reader', trust).set('ended', { ...trust, lifeSeconds: -1 });
  const { accessKeyId, secretAccessKey } = aws.addUser('reader', /^(?!.*hidden)/);
  const tokens = await tokensFor(trust.audience);
  return {
    ...awsPlaces,
    ...tokens,
    ...(await endedKeys(aws, tokens.token)),
    accessKeyId,
    secretAccessKey,
    secretArn,
    roleArn: `arn:aws:iam::${awsAccount}:role/reader`,
  };
}

/** Credentials of a role that had ended when they were given. */
async function endedKeys({ routes }: AwsApis, token: string): Promise<Facts> {
  const oidc = { roleArn: `arn:aws:iam::${awsAccount}:role/ended`, sessionName: 'ended' };
  const desk = await cloudDesk({ routes, token });
  const { login } = Object(await desk.values({ login: { 'fn::open::aws-login': { oidc } } }));
  await desk.stop();
  return {
    endedAccessKeyId: login.accessKeyId,
    endedSecretAccessKey: login.secretAccessKey,
    endedSessionToken: login.sessionToken,
  };
}

async function gcpFacts(google: GoogleFederation): Promise<Facts> {
  google.secrets.set('db', ['of-the-first', null, secretText]).set('bytes', [secretBytes]).set('hidden', [secretText]);
  google.forbidden.add('hidden');
  return {
    ...objectFacts,
    ...(await tokensFor(google.audience)),
    project: googleProject,
    accessToken: google.addToken(),
    secret: 'db',
    firstText: 'of-the-first',
    disabledVersion: '2',
    bytesSecret: 'bytes',
    bytesBase64: secretBytes.toString('base64'),
    hiddenSecret: 'hidden',
    otherProject: '999999999999',
    pool: googlePool.workloadPoolId,
    provider: googlePool.providerId,
    account: googleReader,
  };
}

async function azureFacts(azure: AzureVault): Promise<Facts> {
  const [older, newer] = ['1'.repeat(32), '2'.repeat(32)];
  azure.secrets
    .set('db', { versions: { [older]: 'of-before', [newer]: secretText } })
    .set('off', { versions: { [newer]: secretText }, isDisabled: true })
    .set('hidden', { versions: { [newer]: secretText }, isForbidden: true });
  const { tenantId, clientId, clientSecret } = azureLogin;
  return {
    ...objectFacts,
    ...(await tokensFor(azure.audience)),
    tenantId,
    clientId,
    clientSecret,
    vault: azureVaultName,
    secret: 'db',
    version: older,
    versionText: 'of-before',
    disabledSecret: 'off',
    hiddenSecret: 'hidden',
    hiddenVault: hiddenVaultName,
  };
}

function onePasswordFacts({ onePassword }: Clouds): Facts {
  return {
    host: onePassword.url,
    token: onePassword.token,
    vault: 'Shop',
    vaultId: ids.vault,
    item: 'Database',
    itemId: ids.item,
    field: 'password',
    fieldText: 'p4ssw0rd-of-app',
    section: 'Admin',
    sectionField: 'password',
    sectionText: 'p4ssw0rd-of-admin',
    otpField: 'code',
    hiddenVault: 'Hidden',
    hiddenVaultId: ids.hidden,
  };
}

function githubFacts({ github }: Clouds): Facts {
  const { appId, keys } = github;
  const app = { appId: String(appId), privateKey: keys.privatePem };
  return { ...app, owner: 'acme', user: 'alice', repository: 'web', permission: 'contents' };
}

async function pulumiFacts({ pulumi }: Clouds): Promise<Facts> {
  pulumi.environments.set('acme/shop/prod', { password: secret('of-before') });
  pulumi.environments.set('acme/shop/prod', { password: secret('of-the-newest') });
  const audience = 'urn:pulumi:org:acme';
  pulumi.trust('acme', { ...clusterTrust, audience, subject });
  return {
    ...(await tokensFor(audience)),
    apiUrl: pulumi.apiUrl,
    accessToken: pulumi.addToken(['acme']),
    environment: 'acme/shop/prod',
    key: 'password',
    keyText: 'of-the-newest',
    version: '1',
    versionText: 'of-before',
  };
}
