// Stores of provider `pulumi` under the chart's real rights: every field of the block, every form of key, both logins, private
// certificates and proxies, what may not be reached, and what the manifests of docs/providers/pulumi.md do.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { startProxy } from '../../src/http/door.fixture.ts';
import { digits, type Plain, secret, unknown } from '../support/pulumi-double/values.ts';
import {
  account,
  byAccount,
  byToken,
  entry,
  externalSecret,
  type PulumiScene,
  startPulumi,
} from '../support/pulumi-scene.ts';
import type { KindedManifest } from '../support/scene.ts';
import { createCa, issue } from '../support/tls.ts';
import { condition, isFailed, isReady, until } from '../support/wait.ts';

const place = 'acme/shop/prod';

/** What the environment of a scene holds; each text is known to the canary check. */
function plant({ scene, pulumi }: PulumiScene): void {
  const { value } = scene;
  pulumi.environments.set(place, {
    db: { password: secret(value('password')), hosts: ['one', 'two'], users: [{ name: 'a' }, { name: secret('b') }] },
    'key.with.dots': value('dotted'),
    'key "quoted"': value('quoted'),
    json: secret(`{"inner":{"k":"${value('inner')}"}}`),
    large: digits('12345678901234567890.10'),
    none: null,
    markup: '<&>',
    environmentVariables: { TOKEN: secret(value('token')) },
    files: { TLS_CERT: value('cert'), OTHER: value('other') },
    pulumiConfig: { 'aws:region': 'eu' },
  });
}

async function planted(options: Parameters<typeof startPulumi>[0] = {}): Promise<PulumiScene> {
  const made = await startPulumi(options);
  plant(made);
  return made;
}

describe('keys', () => {
  it('of every form are served to many ExternalSecrets by one open and one read', async () => {
    const { scene, pulumi, login, store } = await planted({ operator: false });
    const { value } = scene;
    const names = Array.from({ length: 10 }, (_, i) => `keys-${i}`);
    const spec = {
      data: [
        entry('password', 'db.password'),
        entry('index', 'db["hosts"][1]'),
        entry('every', 'db.users[*].name'),
        entry('dotted', '["key.with.dots"]'),
        entry('quoted', '["key \\"quoted\\""]'),
        entry('colon', 'pulumiConfig["aws:region"]'),
        entry('list', 'db.hosts'),
        entry('object', 'db.users[0]'),
        entry('property', 'db', { property: 'hosts.0' }),
        entry('inner', 'json', { property: 'inner.k' }),
        entry('large', 'large'),
        entry('none', 'none'),
        entry('markup', 'markup'),
        entry('revision', 'db.hosts[0]', { version: '1' }),
        entry('latest', 'db.hosts[0]', { version: 'latest' }),
        entry('decoded', 'markup', { metadataPolicy: 'None', conversionStrategy: 'Default', decodingStrategy: 'None' }),
      ],
      dataFrom: [
        { extract: { key: 'environmentVariables' } },
        {
          extract: { key: 'pulumiConfig', conversionStrategy: 'Default' },
          rewrite: [{ regexp: { source: ':', target: '_' } }],
        },
        { find: { path: 'files', name: { regexp: '^TLS_' } } },
        { find: { name: { regexp: '^large$' } }, rewrite: [{ regexp: { source: 'large', target: 'found' } }] },
      ],
    };
    // All is there when the operator starts, so that all is due at one instant: one wave.
    await scene.apply(login(), store('pulumi'), ...names.map((name) => externalSecret(name, spec)));
    await scene.startOperator();
    for (const name of names) {
      await scene.whenSynced(name);
      expect(await scene.secretData(name)).toEqual({
        password: value('password'),
        index: 'two',
        every: '["a","b"]',
        dotted: value('dotted'),
        quoted: value('quoted'),
        colon: 'eu',
        list: '["one","two"]',
        object: '{"name":"a"}',
        property: 'one',
        inner: value('inner'),
        large: '12345678901234567890.10',
        none: '',
        markup: '<&>',
        revision: 'one',
        latest: 'one',
        decoded: '<&>',
        TOKEN: value('token'),
        aws_region: 'eu',
        TLS_CERT: value('cert'),
        found: '12345678901234567890.10',
      });
    }
    // One for the latest, and one for revision 1.
    expect(pulumi.counts).toMatchObject({ open: 2, read: 2, exchange: 0 });
  });

  it('of several environments are laid over each other, the later wins', async () => {
    const { scene, pulumi, login, store } = await planted();
    pulumi.environments.set('acme/shop/base', { environmentVariables: { TOKEN: 'old', ONLY: scene.value('only') } });
    const base = { sourceRef: { storeRef: { name: 'base' } } };
    await scene.apply(
      login(),
      store('pulumi'),
      store('base', { ...byToken, environment: 'base' }),
      externalSecret('app', {
        dataFrom: [{ extract: { key: 'environmentVariables' }, ...base }, { extract: { key: 'environmentVariables' } }],
      }),
    );
    await scene.whenSynced('app');
    expect(await scene.secretData('app')).toEqual({ TOKEN: scene.value('token'), ONLY: scene.value('only') });
  });

  it('that are gone let deletionPolicy act; a missing environment, an unknown value and one of another type do not', async () => {
    const { scene, pulumi, login, store } = await planted();
    const { value } = scene;
    const spec = { refreshInterval: '1s', target: { deletionPolicy: 'Delete' } };
    const rest = { db: { password: 'p' }, environmentVariables: { TOKEN: 't' } };
    await scene.apply(
      login(),
      store('pulumi'),
      externalSecret('single', { ...spec, data: [entry('cert', 'files.TLS_CERT')] }),
      externalSecret('whole', { ...spec, dataFrom: [{ extract: { key: 'files' } }] }),
    );
    for (const name of ['single', 'whole']) await scene.whenSynced(name);
    const wrongs: readonly (readonly [reason: RegExp, change: () => unknown])[] = [
      [/there is no such environment/, () => pulumi.environments.delete(place)],
      [/"files\.TLS_CERT" is unknown/, () => pulumi.environments.set(place, { ...rest, files: { TLS_CERT: unknown } })],
      [/cannot be extracted: it is a list/, () => pulumi.environments.set(place, { ...rest, files: ['x'] })],
    ];
    for (const [reason, change] of wrongs) {
      change();
      const told = (one: Parameters<typeof isFailed>[0]) =>
        isFailed(one) && reason.test(condition(one, 'Ready')?.message ?? '');
      await scene.externalSecrets.until('whole', `says ${reason}`, told);
      expect(await scene.secretData('whole')).toEqual({ TLS_CERT: value('cert'), OTHER: value('other') });
    }
    pulumi.environments.set(place, rest);
    await scene.secrets
      .until('single', 'is gone', () => scene.secrets.get('single') === undefined)
      .catch(() => undefined);
    expect(await scene.secretData('single')).toBeUndefined();
  });
});

describe('a store', () => {
  it('is read with the older place of the token, and with white space around it', async () => {
    const { scene, pulumi, login, store } = await planted();
    const token = ` ${pulumi.addToken(['acme'])}\n`;
    const { accessToken } = byToken.auth;
    await scene.apply(
      login(token),
      store('pulumi', { accessToken }),
      externalSecret('app', { data: [entry('p', 'db.password')] }),
    );
    await scene.whenSynced('app');
  });

  it('logs in with the token of a ServiceAccount that the API server signed, for the audience that is set', async () => {
    const made = await planted();
    const { scene, pulumi, store } = made;
    const audience = 'urn:pulumi:org:acme';
    await made.trustAccount('reader');
    await made.trustAccount('reader', audience);
    const set = byAccount({ serviceAccountRef: { name: 'reader', audiences: [audience] }, expirationSeconds: 900 });
    await scene.apply(
      account,
      store('pulumi', byAccount()),
      store('set', set),
      externalSecret('app', { dataFrom: [{ extract: { key: 'files' } }] }),
      externalSecret('with-set', { secretStoreRef: { name: 'set' }, data: [entry('p', 'db.password')] }),
    );
    for (const name of ['app', 'with-set']) await scene.whenSynced(name);
    expect(await scene.secretData('app')).toEqual({ TLS_CERT: scene.value('cert'), OTHER: scene.value('other') });
    expect(pulumi.counts.exchange).toBe(2);
    expect(new Set(pulumi.exchanges.map(({ expiration }) => expiration))).toEqual(new Set([600, 900]));
    for (const body of pulumi.exchanges) expect(body).toMatchObject({ audience: 'urn:pulumi:org:acme', scope: '' });
  });

  it('may be a ClusterSecretStore with either login, whose references name their namespaces', async () => {
    const made = await planted();
    const { scene, store, login } = made;
    const { namespace } = scene;
    await made.trustAccount('reader');
    const logins = {
      token: { auth: { accessToken: { secretRef: { name: 'login', key: 'token', namespace } } } },
      account: byAccount({ serviceAccountRef: { name: 'reader', namespace } }),
      nowhere: byAccount(),
    };
    const nameOf = (which: string) => `pulumi-${which}-${namespace}`;
    await scene.apply(login(), account);
    for (const [which, more] of Object.entries(logins)) {
      const secretStoreRef = { kind: 'ClusterSecretStore', name: nameOf(which) };
      await scene.apply(
        store(nameOf(which), more, 'ClusterSecretStore'),
        externalSecret(which, { secretStoreRef, data: [entry('password', 'db.password')] }),
      );
    }
    for (const which of ['token', 'account']) {
      await scene.whenSynced(which);
      expect(await scene.secretData(which)).toEqual({ password: scene.value('password') });
    }
    // Without a namespace it is the consumer's, as for the other providers.
    await scene.whenSynced('nowhere');
  });

  it('is refused by the API server when its login is not one, or its tokens live too short', async () => {
    const { scene, store } = await planted();
    const refused: readonly (readonly [more: object, told: RegExp])[] = [
      [{ ...byToken, accessToken: byToken.auth.accessToken }, /auth.*accessToken/],
      [{ auth: { ...byToken.auth, ...byAccount().auth } }, /accessToken.*oidcConfig/],
      [{ auth: {} }, /accessToken.*oidcConfig/],
      [byAccount({ expirationSeconds: 60 }), /600/],
    ];
    for (const [more, told] of refused) await expect(scene.apply(store('pulumi', more))).rejects.toThrow(told);
  });

  it('with a wrong field says so, and asks nothing', async () => {
    const { scene, pulumi, login, store } = await planted();
    const wrongs: Readonly<Record<string, readonly [more: object, told: RegExp]>> = {
      organization: [{ organization: '' }, /organization is empty/],
      project: [{ project: '..' }, /project is no name/],
      environment: [{ environment: 'a/b' }, /environment is no name/],
      'secret-ref': [{ auth: { accessToken: {} } }, /secretRef is required/],
      'api-url': [{ apiUrl: 'ftp://pulumi.example/api/esc' }, /apiUrl/],
      'ca-bundle': [{ caBundle: Buffer.from('no pem').toString('base64') }, /caBundle/],
    };
    const stores = Object.entries(wrongs).map(([name, [more]]) => store(name, { ...byToken, ...more }));
    await scene.apply(login(), ...stores);
    for (const [name, [, told]] of Object.entries(wrongs)) {
      expect(condition(await scene.stores.until(name, 'is red', isFailed), 'Ready')?.message).toMatch(told);
    }
    expect(Object.values(pulumi.counts).every((count) => count === 0)).toBe(true);
  });

  it('is red with a dead token, green with a good one, and red within its validation when that dies', async () => {
    const { scene, pulumi, login, store } = await planted();
    const { spec, ...rest } = store('pulumi');
    await scene.apply(login('pul-dead'), { ...rest, spec: { ...Object(spec), refreshInterval: 2 } });
    const red = await scene.stores.until('pulumi', 'is red', isFailed);
    expect(condition(red, 'Ready')?.message).toMatch(/pulumi\.auth\.accessToken|token/);
    const token = pulumi.addToken(['acme']);
    await scene.apply(login(token));
    await scene.stores.until('pulumi', 'is valid', isReady);
    pulumi.revokeToken(token);
    const again = await scene.stores.until('pulumi', 'is red again', isFailed, 20_000);
    expect(condition(again, 'Ready')?.message).not.toContain(token);
    expect(pulumi.counts.open).toBe(0);
  });

  it('has one event for the warnings of many refreshes', async () => {
    const { scene, pulumi, login, store } = await planted();
    let n = 0;
    const evaluation = (): Record<string, Plain> => ({ n: ++n });
    const diagnostics = [
      { summary: `deprecated: ${scene.value('x').slice(0, 3)}`, path: 'db', severity: 'warning' as const },
    ];
    pulumi.environments.set(place, evaluation, { diagnostics });
    await scene.apply(
      login(),
      store('pulumi'),
      externalSecret('app', { refreshInterval: '1s', data: [entry('n', 'n')] }),
    );
    await until('it was opened six times', () => n >= 6);
    const warnings = () => scene.eventsOf('ExternalSecret', 'app').filter(({ reason }) => reason === 'SourceWarning');
    await scene.events
      .until(warnings()[0]?.metadata.name ?? '', 'is there', () => warnings().length > 0)
      .catch(() => undefined);
    expect(warnings()).toMatchObject([{ type: 'Warning', message: expect.stringContaining('db: deprecated') }]);
    expect(warnings()[0]?.['count'] ?? 1).toBe(1);
  });
});

describe('the way to the service', () => {
  const ca = createCa('private');
  const tls = issue(ca, { names: ['127.0.0.1', 'pulumi.example.test'] });
  const caBundle = Buffer.from(ca.certPem).toString('base64');
  const holders = {
    caBundle: { more: { caBundle }, holder: undefined },
    'caProvider of a Secret': {
      more: { caProvider: { type: 'Secret', name: 'ca', key: 'ca.crt' } },
      holder: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'ca' }, stringData: { 'ca.crt': ca.certPem } },
    },
    'caProvider of a ConfigMap': {
      more: { caProvider: { type: 'ConfigMap', name: 'ca', key: 'ca.crt' } },
      holder: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ca' }, data: { 'ca.crt': ca.certPem } },
    },
  };

  it('is verified with the certificates of the store, from all three places, and with no others', async () => {
    const { scene, pulumi, login, store } = await planted({ pulumi: { tls } });
    await scene.apply(login(), store('pulumi'), externalSecret('app', { data: [entry('p', 'db.password')] }));
    expect(condition(await scene.whenFailed('app'), 'Ready')?.message).toContain('caBundle or caProvider');
    expect(pulumi.counts).toMatchObject({ open: 0, definition: 0 });
    for (const [what, { more, holder }] of Object.entries(holders)) {
      const name = what.toLowerCase().replaceAll(' ', '-');
      if (holder !== undefined) await scene.apply(holder);
      const secretStoreRef = { name };
      await scene.apply(
        store(name, { ...byToken, ...more }),
        externalSecret(name, { secretStoreRef, data: [entry('p', 'db.password')] }),
      );
      await scene.whenSynced(name);
      if (holder !== undefined)
        await scene.api.delete(scene.address(holder.kind as 'Secret', 'ca')).catch(() => undefined);
    }
  });

  it('leads through the proxy of the environment, with either login', async () => {
    const proxy = await startProxy();
    const made = await planted({ pulumi: { tls }, operator: false });
    const { scene, pulumi, login, store } = made;
    const port = pulumi.host.split(':').at(-1);
    const audience = `https://pulumi.example.test:${port}`;
    await made.trustAccount('reader', audience);
    const through = { apiUrl: `${audience}/api/esc`, caBundle };
    await scene.startOperator([], { env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } });
    await scene.apply(
      login(),
      account,
      store('pulumi', { ...byToken, ...through }),
      store('account', { ...byAccount(), ...through }),
      externalSecret('app', { data: [entry('p', 'db.password')] }),
      externalSecret('by-account', { secretStoreRef: { name: 'account' }, data: [entry('p', 'db.password')] }),
    );
    for (const name of ['app', 'by-account']) await scene.whenSynced(name);
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT pulumi.example.test:${port}`]));
  });

  it('leads to no host that is not allowed: nothing is sent there, no token of any identity', async () => {
    const made = await planted({ operator: false });
    const { scene, pulumi, login, store } = made;
    await made.trustAccount('reader');
    await scene.startOperator(['--upstream-hosts=pulumi.example.com']);
    await scene.apply(login(), account, store('pulumi'), store('account', byAccount()));
    await scene.apply(externalSecret('app', { data: [entry('p', 'db.password')] }));
    for (const name of ['pulumi', 'account']) {
      const red = await scene.stores.until(name, 'is red', isFailed);
      expect(condition(red, 'Ready')?.message).toContain('--upstream-hosts');
    }
    expect(condition(await scene.whenFailed('app'), 'Ready')?.message).toContain('--upstream-hosts');
    expect(Object.values(pulumi.counts).every((count) => count === 0)).toBe(true);
    await scene.operator().stop();
    await scene.startOperator([`--upstream-hosts=${pulumi.host}`]);
    await scene.whenSynced('app');
    await scene.stores.until('account', 'is valid', isReady);
  });

  it('is not made with an identity of another namespace', async () => {
    const { scene, pulumi, store } = await planted();
    const foreign = byAccount({ serviceAccountRef: { name: 'default', namespace: 'kube-system' } });
    await scene.apply(store('pulumi', foreign));
    const red = await scene.stores.until('pulumi', 'is red', isFailed);
    expect(condition(red, 'Ready')?.message).toMatch(/namespace/);
    expect(pulumi.counts.exchange).toBe(0);
  });
});

describe('the manifests of docs/providers/pulumi.md', () => {
  /** Applies them as they stand, but for the address, which is Pulumi Cloud's, and the names of clusters. */
  async function shown(made: PulumiScene, ...names: readonly string[]): Promise<void> {
    const { scene, pulumi } = made;
    for (const name of names) {
      const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'manifests', `${name}.yaml`), 'utf8');
      const filled = text
        .replaceAll('<access token of Pulumi Cloud>', pulumi.addToken(['acme']))
        .replaceAll('namespace: shop', `namespace: ${scene.namespace}`);
      for (const document of parseAllDocuments(filled)) {
        const manifest = document.toJS() as KindedManifest; // a file of the documentation, which a test reads whole
        const spec = Object(manifest['spec']);
        const block = spec.provider?.pulumi;
        const controller = manifest.kind === 'ClusterSecretStore' ? { controller: scene.controllerClass } : {};
        const provider = { pulumi: { ...block, apiUrl: pulumi.apiUrl } };
        await scene.apply(block === undefined ? manifest : { ...manifest, spec: { ...spec, ...controller, provider } });
      }
    }
  }

  const values = (made: PulumiScene) => ({
    db: { password: secret(made.scene.value('password')), hosts: ['h1', 'h2'] },
    environmentVariables: { TOKEN: made.scene.value('token') },
    files: { TLS_CERT: made.scene.value('cert'), OTHER: 'x' },
  });

  it('sync with an access token, from one environment and from several', async () => {
    const made = await startPulumi();
    const { scene, pulumi } = made;
    const first = pulumi.environments.set(place, values(made));
    pulumi.environments.tag(place, 'stable', first);
    pulumi.environments.set('acme/shop/base', { environmentVariables: { TOKEN: 'old', ONLY: 'base' } });
    await shown(made, 'pulumi-access-token', 'pulumi-keys', 'pulumi-several');
    await scene.whenSynced('database');
    expect(await scene.secretData('database')).toEqual({
      password: scene.value('password'),
      host: 'h1',
      pinned: scene.value('password'),
      TOKEN: scene.value('token'),
      TLS_CERT: scene.value('cert'),
    });
    await scene.whenSynced('layers');
    expect(await scene.secretData('layers')).toEqual({ TOKEN: scene.value('token'), ONLY: 'base' });
  });

  it('log in with a ServiceAccount', async () => {
    const made = await startPulumi();
    made.pulumi.environments.set(place, values(made));
    await made.trustAccount('pulumi-reader', 'urn:pulumi:org:acme');
    await shown(made, 'pulumi-oidc');
    await made.scene.stores.until('pulumi-oidc', 'is valid', isReady);
  });

  it('reach a service of one’s own from a ClusterSecretStore', async () => {
    const ca = createCa('own');
    const made = await startPulumi({ pulumi: { tls: issue(ca, { names: ['127.0.0.1'] }) } });
    const { scene } = made;
    made.pulumi.environments.set(place, values(made));
    onTestFinished(() =>
      scene.api.delete({ kind: 'ClusterSecretStore', name: 'pulumi-self-hosted' }).then(() => undefined),
    );
    await scene.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'pulumi-ca' },
      data: { 'ca.crt': ca.certPem },
    });
    await shown(made, 'pulumi-access-token', 'pulumi-cluster-store');
    const secretStoreRef = { kind: 'ClusterSecretStore', name: 'pulumi-self-hosted' };
    await scene.apply(externalSecret('app', { secretStoreRef, data: [entry('p', 'db.password')] }));
    await scene.whenSynced('app');
  });
});
