import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import {
  type AzureVault,
  azureLogin,
  azureVaultName,
  startAzureVault,
} from '../../../../test/support/cloud/azure-vault.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { printedDocuments } from '../../../core/esc/as-printed.fixture.ts';
import { azureProviders } from './azure.ts';
import { type CloudBench, cloudBench, ending, JumpingClock } from './cloud.fixture.ts';

const { clientSecret, ...who } = azureLogin;
const federated = { ...who, oidc: true };
const fixed = { ...who, clientSecret: { 'fn::secret': clientSecret } };

function document(get: object, { login = federated, vault = azureVaultName }: { login?: object; vault?: string } = {}) {
  return {
    values: {
      login: { 'fn::open::azure-login': login },
      secrets: { 'fn::open::azure-secrets': { login: '${login}', vault, get } },
    },
  };
}

interface Scene {
  readonly azure: AzureVault;
  readonly bench: CloudBench;
  readonly clock: JumpingClock;
}

async function scene(options: { readonly wholeMs?: number } = {}): Promise<Scene> {
  const clock = new JumpingClock();
  const azure = ending(await startAzureVault({ clock }));
  azure.secrets.set('db', { versions: { v1: 'one', v2: 'two' } });
  azure.secrets.set('datadog-api-key', { versions: { v1: 'dog' } });
  return { azure, clock, bench: cloudBench({ clock, routes: azure.routes, providers: azureProviders, ...options }) };
}

const numbersOf = ({ entra, vault }: AzureVault) => [entra, vault].map(({ requests }) => requests.length);
const nextWave = { notBeforeMs: Number.MAX_SAFE_INTEGER };

describe('azure-login and azure-secrets', () => {
  it('hand out a token of a ServiceAccount, and read the newest or a given version with it', async () => {
    const { azure, bench } = await scene();
    const get = { db: { name: 'db' }, old: { name: 'db', version: 'v1' }, same: { name: 'db' } };
    const { value, lifetimeMs } = await bench.open({ 'shop/app': document(get) });
    expect(value).toEqual({
      login: { ...who, oidc: { token: expect.stringMatching(/^eyJ/) } },
      secrets: { db: 'two', old: 'one', same: 'two' },
    });
    expect(lifetimeMs).toBeGreaterThan(3_590_000);
    expect(numbersOf(azure)).toEqual([1, 2]);
  });

  it('log in with a client secret, without a ServiceAccount and without an end', async () => {
    const { bench } = await scene();
    const opened = await bench.open({ 'shop/app': document({ a: { name: 'db' } }, { login: fixed }) });
    expect(opened.value).toEqual({ login: azureLogin, secrets: { a: 'two' } });
    expect([opened.lifetimeMs, bench.minted]).toEqual([undefined, []]);
  });

  it('are one request each for all Environments that open the same in a wave', async () => {
    const { azure, bench } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'db' } }), 'shop/too': document({ b: { name: 'db' } }) };
    const opened = await Promise.all(['shop/app', 'shop/too'].map((name) => bench.open(environments, { name })));
    expect(opened.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect([numbersOf(azure), bench.minted]).toEqual([[1, 1], ['shop/default']]);
  });

  it('read anew in the next wave, with the same token for those who use it', async () => {
    const { azure, bench } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'db' } }) };
    const first = await bench.open(environments);
    azure.secrets.set('db', { versions: { v3: 'three' } });
    const second = await bench.open(environments, nextWave);
    const { login } = first.value as { readonly login: object };
    expect(second.value).toEqual({ login, secrets: { a: 'three' } });
    expect(numbersOf(azure)).toEqual([1, 2]);
  });

  it('hand out another token after two thirds of its life', async () => {
    const { bench, clock } = await scene();
    const environments = { 'shop/app': { values: { login: { 'fn::open::azure-login': federated } } } };
    const first = await bench.open(environments);
    clock.jump(39 * 60_000);
    const second = await bench.open(environments);
    expect(second.value).toEqual(first.value);
    expect(second.lifetimeMs).toBeLessThanOrEqual(21 * 60_000);
    clock.jump(2 * 60_000);
    const third = await bench.open(environments);
    expect(third.value).not.toEqual(first.value);
    expect(third.lifetimeMs).toBeGreaterThan(59 * 60_000);
  });

  it('log in anew when Key Vault refuses the token', async () => {
    const { azure, bench } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'db' }, b: { name: 'datadog-api-key' } }) };
    await bench.open(environments);
    azure.endTokens();
    expect((await bench.open(environments, nextWave)).value).toMatchObject({ secrets: { a: 'two', b: 'dog' } });
    expect(azure.entra.requests).toHaveLength(2);
  });

  it('mint anew when Entra finds the token expired', async () => {
    const { azure, bench } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'db' } }) };
    await bench.open(environments);
    azure.endTokens();
    azure.aheadSeconds = 7_200;
    const { error } = await bench.open(environments, nextWave);
    expect(error).toMatchObject({ reason: 'AccessDenied', message: expect.stringContaining('AADSTS700024') });
    azure.aheadSeconds = 0;
    expect((await bench.open(environments, nextWave)).value).toMatchObject({ secrets: { a: 'two' } });
    expect(bench.minted).toHaveLength(3);
  });

  it('use the ServiceAccount and the audience that are named', async () => {
    const { azure, bench } = await scene();
    azure.subject = 'system:serviceaccount:shop:reader';
    azure.audience = 'api://shop';
    const login = { ...federated, serviceAccount: 'reader', audience: 'api://shop' };
    const opened = await bench.open({ 'shop/app': document({ a: { name: 'db' } }, { login }) });
    expect(opened).toMatchObject({ value: { secrets: { a: 'two' } } });
    expect(bench.minted).toEqual(['shop/reader']);
  });

  it('open the example of Pulumi’s page as printed, where the identity comes from an import', async () => {
    const { bench } = await scene();
    const printed: object = parse(printedDocuments.azureSecret);
    const identity = { values: { azure: { login: { 'fn::open::azure-login': federated } } } };
    const { value } = await bench.open({ 'shop/app': printed, 'shop/azure': identity });
    expect(value).toMatchObject({ pulumiConfig: { 'myApp:datadogApiKey': { secretId: 'dog' } } });
  });

  it('open the manifest of the documentation', async () => {
    const { azure, bench } = await scene();
    azure.secrets.set('db-password', { versions: { v1: 'new' } });
    azure.subject = 'system:serviceaccount:my-app:secrets';
    bench.accounts.add('my-app/secrets');
    const text = readFileSync('docs/manifests/environment-azure.yaml', 'utf8')
      .replace('<id of the application>', who.clientId)
      .replace('<id of the tenant>', who.tenantId);
    const [, manifest] = parseAllDocuments(text).map((each) => each.toJS() as { readonly spec: object });
    const { value } = await bench.open({ 'my-app/azure': manifest?.spec ?? {} }, { name: 'my-app/azure' });
    expect(value).toMatchObject({
      environmentVariables: { ARM_OIDC_TOKEN: expect.stringMatching(/^eyJ/), DB_PASSWORD: 'new' },
    });
  });

  it('ask for nothing more of the vault while it wants to be left alone', async () => {
    const { azure, bench } = await scene();
    const error = { code: 'Throttled', message: 'Request was not processed because too many requests were received.' };
    azure.vault.answerWith({ status: 429, headers: { 'retry-after': '20' }, body: { error } });
    const environments = { 'shop/app': document({ a: { name: 'db' } }) };
    const first = await bench.open(environments);
    expect(first.error).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 20_000 });
    azure.vault.answerWith(undefined);
    expect((await bench.open(environments, nextWave)).error).toMatchObject({ reason: 'UpstreamThrottled' });
    expect(azure.vault.requests).toHaveLength(1);
  });
});

it('ask no host that the namespace may not reach', async () => {
  const { azure } = await scene();
  const checkSite = () => Promise.reject(new OperatorError('HostDenied', 'not from here'));
  const providers: typeof azureProviders = (ports) => azureProviders({ ...ports, checkSite });
  const bench = cloudBench({ clock: new JumpingClock(), routes: azure.routes, providers });
  const opened = await bench.open({ 'shop/app': document({ a: { name: 'db' } }) });
  expect(opened.error).toMatchObject({ reason: 'HostDenied' });
  expect(numbersOf(azure).every((each) => each === 0)).toBe(true);
});

describe('what fails at Azure', () => {
  interface Failure {
    readonly why: string;
    readonly prepare?: (scene: Scene) => void;
    readonly login?: object;
    readonly vault?: string;
    readonly get?: object | string;
    readonly reason: string;
    readonly says: readonly string[];
    readonly wholeMs?: number;
  }
  const failures: readonly Failure[] = [
    {
      why: 'a secret that is not there',
      get: { name: 'nope' },
      reason: 'InvalidValue',
      says: ['values.secrets', 'azure-secrets', '"nope"', '404 (SecretNotFound)', 'was not found in this key vault'],
    },
    { why: 'a version that is not there', get: { name: 'db', version: 'v9' }, reason: 'InvalidValue', says: ['404'] },
    {
      why: 'a secret that is switched off',
      prepare: ({ azure }) => azure.secrets.set('db', { versions: { v1: 'one' }, isDisabled: true }),
      reason: 'InvalidValue',
      says: ['403 (Forbidden, SecretDisabled)', 'enable the secret'],
    },
    {
      why: 'a missing right',
      prepare: ({ azure }) => azure.secrets.set('db', { versions: { v1: 'one' }, isForbidden: true }),
      reason: 'AccessDenied',
      says: ['403 (Forbidden, ForbiddenByRbac)', 'Caller is not authorized', 'Key Vault Secrets User'],
    },
    {
      why: 'a firewall',
      prepare: ({ azure }) => {
        const error = {
          code: 'Forbidden',
          message: 'Client address is not authorized.',
          innererror: { code: 'ForbiddenByFirewall' },
        };
        azure.vault.answerWith({ status: 403, body: { error } });
      },
      reason: 'AccessDenied',
      says: ['ForbiddenByFirewall', 'let the nodes of the cluster through'],
    },
    {
      why: 'a vault that is not there',
      vault: 'other-vault',
      reason: 'UpstreamUnavailable',
      says: ['azure-secrets: Key Vault (secret "db" of other-vault.vault.azure.net)', 'does not resolve'],
    },
    {
      why: 'a vault that is a host elsewhere',
      vault: 'https://vault.example.com',
      reason: 'InvalidSpec',
      says: ['vault'],
    },
    {
      why: 'a vault with a port',
      vault: 'https://my-keyvault.vault.azure.net:444',
      reason: 'InvalidSpec',
      says: ['vault'],
    },
    { why: 'a name that would leave the secrets', get: { name: '../keys/k' }, reason: 'InvalidSpec', says: ['name'] },
    { why: 'an identifier elsewhere', get: 'https://x.example/secrets/db', reason: 'InvalidSpec', says: ['neither'] },
    { why: 'a text that is no identifier', get: 'db', reason: 'InvalidSpec', says: ['identifier of a secret'] },
    {
      why: 'a vault of another tenant',
      prepare: ({ azure }) => {
        azure.isOwnTenant = false;
      },
      reason: 'AccessDenied',
      says: ['401 (Unauthorized)', 'AKV10032', 'tenant of the vault'],
    },
    {
      why: 'a tenant that is not there',
      login: { ...federated, tenantId: 'shop.example.com' },
      reason: 'LoginRejected',
      says: ['azure-secrets: Microsoft Entra', 'AADSTS90002', "Tenant 'shop.example.com' not found"],
    },
    {
      why: 'a tenant that is a path',
      login: { ...federated, tenantId: 'a/../b' },
      reason: 'InvalidSpec',
      says: ['tenantId'],
    },
    {
      why: 'an application that is not there',
      login: { ...federated, clientId: 'nobody' },
      reason: 'LoginRejected',
      says: ['(unauthorized_client, AADSTS700016)', "'nobody'"],
    },
    {
      why: 'another subject',
      login: { ...federated, serviceAccount: 'reader' },
      reason: 'LoginRejected',
      says: ['(invalid_client, AADSTS700213)', 'system:serviceaccount:shop:reader', 'federated credential'],
    },
    {
      why: 'another audience',
      login: { ...federated, audience: 'api://other' },
      reason: 'LoginRejected',
      says: ['AADSTS700212'],
    },
    {
      why: 'another issuer',
      prepare: ({ bench }) => {
        bench.issuer = 'https://other.example';
      },
      reason: 'LoginRejected',
      says: ['AADSTS700211'],
    },
    {
      why: 'another client secret',
      login: { ...who, clientSecret: { 'fn::secret': 'canary-secret' } },
      reason: 'LoginRejected',
      says: ['AADSTS7000215', 'check clientId, tenantId and clientSecret'],
    },
    {
      why: 'a ServiceAccount that is not there',
      login: { ...federated, serviceAccount: 'gone' },
      reason: 'ReferenceNotFound',
      says: ['azure-login: serviceAccount', '"shop/gone"'],
    },
    {
      why: 'throttling at the login',
      prepare: ({ azure }) => azure.entra.answerWith({ status: 429, headers: { 'retry-after': '9' } }),
      reason: 'UpstreamThrottled',
      says: ['Microsoft Entra answered HTTP 429'],
    },
    {
      why: 'a fault of the server',
      prepare: ({ azure }) => azure.entra.answerWith({ status: 503 }),
      reason: 'UpstreamUnavailable',
      says: ['Microsoft Entra answered HTTP 503'],
    },
    {
      why: 'a vault that never answers',
      prepare: ({ azure }) => {
        azure.isSilent = true;
      },
      reason: 'UpstreamUnavailable',
      says: ['Key Vault', 'in time'],
      wholeMs: 400,
    },
    {
      why: 'something else that answers',
      prepare: ({ azure }) => azure.vault.answerWith({ status: 200, body: { value: 7 } }),
      reason: 'UpstreamInvalid',
      says: ['Key Vault'],
    },
  ];

  it.each(failures)(
    'tells $why as $reason',
    async ({ prepare, get = { name: 'db' }, reason, says, wholeMs, ...rest }) => {
      const made = await scene(wholeMs === undefined ? {} : { wholeMs });
      prepare?.(made);
      const environments = { 'shop/app': document({ a: get }, rest) };
      const { error } = await made.bench.open(environments);
      expect(error?.message).toContain('environment "shop/app": values.');
      for (const text of says) expect(error?.message).toContain(text);
      expect(error?.reason).toBe(reason);
      expect(error?.message).not.toMatch(/eyJ|canary|entra-token|Trace ID|Timestamp/);
      // A condition with another text would be a change of the object.
      const again = await made.bench.open(environments, nextWave);
      expect(again.error?.message).toBe(error?.message);
    },
  );
});
