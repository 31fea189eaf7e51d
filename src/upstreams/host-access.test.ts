// Every way by which a namespace can name a host, put together as the operator does it: all of them ask the same rules.
import { describe, expect, it } from 'vitest';
import { noCluster } from '../../test/support/no-cluster.ts';
import { systemClock } from '../base/clock.ts';
import { asOperatorError } from '../base/operator-error.ts';
import { readCloudVariables } from '../config-cloud.ts';
import { infisicalSpec } from '../crds/infisical.ts';
import { pulumiSpec } from '../crds/pulumi.ts';
import type { ConnectContext } from '../providers/contract.ts';
import { clusterOf, openInline } from '../providers/esc/esc.fixture.ts';
import { credentialsFrom } from '../providers/infisical/provider.fixture.ts';
import { heapAccount } from '../runtime/memory-account.ts';
import { createCheckHost } from './host-access.ts';
import { openUpstreams } from './open.ts';

const { signal } = new AbortController();
const rules = [{ namespaces: { matchLabels: { team: 'a' } }, hosts: ['allowed.example.com'] }];
const labels = new Map<string, Record<string, string>>([
  ['bound', { team: 'a' }],
  ['free', {}],
]);

/** Stores send nothing before a read; what is sent to a loopback address is denied by the general policy. */
function upstreams() {
  const clock = systemClock;
  const nothing = () => {};
  return openUpstreams(
    {
      hosts: { insecureHosts: [] },
      checkHost: createCheckHost(rules, async (name) => labels.get(name)),
      proxy: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined },
      cloud: readCloudVariables({}),
      fakeProvider: false,
      userAgent: 'test',
    },
    {
      account: heapAccount(clock),
      clock,
      observe: { login: nothing, request: nothing, call: nothing, readsOf: () => nothing },
    },
  );
}

async function reasonOf(what: Promise<unknown>): Promise<string> {
  return await what.then(
    () => 'none',
    (thrown: unknown) => asOperatorError(thrown).reason,
  );
}

describe('hosts by namespace', () => {
  const check = createCheckHost(rules, async (name) => labels.get(name));
  it.each([
    { why: 'a listed host', namespace: 'bound', host: 'allowed.example.com', is: 'none' },
    { why: 'another host', namespace: 'bound', host: 'other.example.com', is: 'HostDenied' },
    { why: 'a namespace that no rule speaks of', namespace: 'free', host: 'other.example.com', is: 'none' },
    { why: 'a namespace that nobody knows yet', namespace: 'new', host: 'allowed.example.com', is: 'ApiUnavailable' },
    { why: 'what an administrator wrote', namespace: undefined, host: 'other.example.com', is: 'none' },
  ])('$why: $is', async ({ namespace, host, is }) => {
    expect(await reasonOf(check(namespace, new URL(`https://${host}/api`), signal))).toBe(is);
  });

  it('are asked for nobody where there are no rules', async () => {
    const asked = createCheckHost([], () => Promise.reject(new Error('asked')));
    await asked('bound', new URL('https://other.example.com'), signal);
  });
});

describe('the ways to a host', () => {
  const material = new Map([
    ['login/id', 'id'],
    ['login/secret', 'secret'],
  ]);
  const context = (namespace: string | undefined): ConnectContext => ({
    storeKind: namespace === undefined ? 'ClusterSecretStore' : 'SecretStore',
    storeName: 'store',
    storeNamespace: namespace,
    consumerNamespace: namespace === undefined ? 'bound' : undefined,
    cluster: noCluster,
    credentials: credentialsFrom(material),
    caText: async () => '',
    holder: 'store',
  });
  const login = { clientId: { name: 'login', key: 'id' }, clientSecret: { name: 'login', key: 'secret' } };
  const infisical = (host: string) =>
    infisicalSpec.parse({
      hostAPI: `https://${host}`,
      auth: { universalAuthCredentials: login },
      secretsScope: { projectSlug: 'shop', environmentSlug: 'dev' },
    });
  const pulumi = (host: string) =>
    pulumiSpec.parse({
      apiUrl: `https://${host}/api/esc`,
      organization: 'org',
      project: 'shop',
      environment: 'dev',
      auth: { accessToken: { secretRef: { name: 'login', key: 'secret' } } },
    });
  const connect = (name: 'infisical' | 'pulumi', namespace: string | undefined, host: string) => {
    const provider = upstreams().provider(name);
    return provider?.connect({ infisical, pulumi }[name](host), context(namespace), signal) ?? Promise.reject();
  };

  it.each(['infisical', 'pulumi'] as const)('are judged for a store of %s', async (name) => {
    expect(await reasonOf(connect(name, 'bound', 'other.example.com'))).toBe('HostDenied');
    expect(await reasonOf(connect(name, 'bound', 'allowed.example.com'))).toBe('none');
    expect(await reasonOf(connect(name, 'free', 'other.example.com'))).toBe('none');
    expect(await reasonOf(connect(name, undefined, 'other.example.com'))).toBe('none');
  });

  it('are judged for a Webhook', async () => {
    const nothing = { caBundle: undefined, caPem: undefined, body: undefined };
    const call = (namespace: string, host: string) =>
      upstreams().sendWebhook(
        { method: 'GET', url: `https://${host}/`, headers: {}, timeoutMs: 1_000, namespace, ...nothing },
        signal,
      );
    const said = await call('bound', 'other.example.com').catch(asOperatorError);
    expect(said).toMatchObject({ reason: 'HostDenied', message: expect.stringContaining('upstreamHostsFor') });
    // Past the rules of the namespace it meets those that hold for everybody.
    const general = await call('free', '127.0.0.1').catch(asOperatorError);
    expect(general).toMatchObject({ reason: 'HostDenied', message: expect.stringContaining('loopback') });
  });

  it('are judged for openings of Environments, in the name of the namespace whose document holds them', async () => {
    const open = async (namespace: string, inputs: object) =>
      await openInline(
        { name: `${namespace}/app`, consumer: namespace, holder: 'store', notBeforeMs: 0 },
        {
          cluster: clusterOf({ environments: { [`${namespace}/app`]: { values: inputs } } }),
          providers: await upstreams().environmentProviders(),
        },
        signal,
      ).catch(asOperatorError);
    const ofLogin = (site: string) => ({
      a: { 'fn::open::infisical-login': { siteUrl: site, static: { clientId: 'i', clientSecret: 's' } } },
    });
    const ofRead = (site: string) => ({
      a: {
        'fn::open::infisical-secrets': {
          login: { accessToken: 'token', siteUrl: site },
          get: { key: { projectId: 'p', environment: 'dev', secretKey: 'K' } },
        },
      },
    });
    for (const made of [ofLogin, ofRead]) {
      const site = 'https://127.0.0.1';
      expect(await open('bound', made(site))).toMatchObject({ message: expect.stringContaining('upstreamHostsFor') });
      expect(await open('free', made(site))).toMatchObject({ message: expect.stringContaining('loopback') });
    }
  });
});
