// What Environments publish, on a cluster in memory.
import { describe, expect, it, onTestFinished } from 'vitest';
import { EnvironmentCluster, type StoredObject } from '../../../test/support/environment-cluster.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { objectValue, textValue } from '../../core/esc/value.ts';

const fromSecret = { 'fn::open::kubernetes-secrets': { get: { it: { name: 'db', key: 'password' } } } };
const values = {
  db: fromSecret,
  environmentVariables: { HOST: 'h', PASSWORD: '${db.it}', PORT: 1 },
  files: { 'tls.crt': 'cert' },
};
const publish = { secretName: 'app-secret', configMapName: 'app-config' };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const password = (text: string) => ({ data: { password: base64(text) } });

async function started(spec: object = { values, publish }, options: { readonly configMaps?: boolean } = {}) {
  const cluster = new EnvironmentCluster(options);
  cluster.apply('Secret', 'shop/db', password('one'));
  cluster.environment('shop/app', { ...spec });
  cluster.start();
  onTestFinished(async () => {
    await cluster.stop();
    expect(cluster.faults).toEqual([]);
  });
  await cluster.settle();
  return cluster;
}

const secretOf = (cluster: EnvironmentCluster, name = 'app-secret') => {
  const data = cluster.get('Secret', `shop/${name}`)?.data as Record<string, string> | undefined;
  return (
    data && Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]))
  );
};
const configOf = (cluster: EnvironmentCluster, name = 'app-config') => cluster.get('ConfigMap', `shop/${name}`)?.data;

describe('an Environment that is published', () => {
  it('writes secret variables and files to its Secret, plain variables to its ConfigMap, and owns both', async () => {
    const cluster = await started();
    expect(secretOf(cluster)).toEqual({ PASSWORD: 'one', 'tls.crt': 'cert' });
    expect(configOf(cluster)).toEqual({ HOST: 'h', PORT: '1' });
    for (const kind of ['Secret', 'ConfigMap']) {
      const name = kind === 'Secret' ? 'app-secret' : 'app-config';
      expect(cluster.get(kind, `shop/${name}`)?.metadata).toMatchObject({
        labels: { 'reconcile.external-secrets.io/managed': 'true' },
        ownerReferences: [
          { kind: 'Environment', apiVersion: 'escapement.dev/v1alpha1', name: 'app', controller: true },
        ],
      });
    }
    expect(cluster.ready('shop/app')).toMatchObject({ status: 'True', reason: 'Published' });
    expect(cluster.status('shop/app').published).toMatchObject(publish);
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['Published', 'Created', 'Created']);
    expect(JSON.stringify([cluster.status('shop/app'), cluster.events, cluster.calls])).not.toMatch(/"one"|cert"/);
  });

  it('is quiet while nothing changes, also after a restart, and looks again after its interval', async () => {
    const cluster = await started({ values, publish: { ...publish, refreshInterval: '10m' } });
    cluster.calls.length = 0;
    await cluster.settle(35 * 60_000);
    await cluster.stop();
    cluster.start();
    await cluster.settle();
    expect(cluster.calls).toEqual([]);
  });

  it('follows a Secret that it reads, an Environment that it imports, and its own edits, at once', async () => {
    const cluster = await started({ imports: ['base'], values: { db: fromSecret }, publish });
    expect(cluster.ready('shop/app')?.status).toBe('False');
    cluster.environment('shop/base', { values: { environmentVariables: { HOST: 'h', PASSWORD: '${db.it}' } } });
    expect(secretOf(cluster)).toBeUndefined();
    cluster.environment('shop/base', { values: { ...values, db: { it: { 'fn::secret': 'x' } } } });
    await cluster.settle();
    expect(secretOf(cluster)).toMatchObject({ PASSWORD: 'x' });
    cluster.environment('shop/base', { values });
    await cluster.settle(100);
    expect(secretOf(cluster)).toMatchObject({ PASSWORD: 'one' });
    cluster.apply('Secret', 'shop/db', password('two'));
    await cluster.settle(100);
    expect(secretOf(cluster)).toMatchObject({ PASSWORD: 'two' });
    cluster.environment('shop/app', { imports: ['base'], values: { environmentVariables: { HOST: 'i' } }, publish });
    await cluster.settle(100);
    expect(configOf(cluster)).toEqual({ HOST: 'i', PORT: '1' });
  });

  it('mends drift of values, marks and presence', async () => {
    const cluster = await started();
    const drift: readonly [string, string, (object: StoredObject) => StoredObject][] = [
      ['Secret', 'app-secret', (object) => ({ ...object, data: { PASSWORD: base64('drift') } })],
      ['ConfigMap', 'app-config', (object) => ({ ...object, data: { HOST: 'drift' } })],
      [
        'Secret',
        'app-secret',
        ({ metadata, ...object }) => ({ ...object, metadata: { ...metadata, ownerReferences: [] } }),
      ],
    ];
    for (const [kind, name, change] of drift) {
      cluster.edit(kind, `shop/${name}`, change);
      await cluster.settle(100);
      expect([secretOf(cluster), configOf(cluster)]).toEqual([
        { PASSWORD: 'one', 'tls.crt': 'cert' },
        { HOST: 'h', PORT: '1' },
      ]);
      expect(cluster.get(kind, `shop/${name}`)?.metadata.ownerReferences?.length).toBe(1);
    }
    cluster.remove('Secret', 'shop/app-secret');
    cluster.remove('ConfigMap', 'shop/app-config');
    await cluster.settle(100);
    expect(secretOf(cluster)).toMatchObject({ PASSWORD: 'one' });
    expect(configOf(cluster)).toEqual({ HOST: 'h', PORT: '1' });
  });

  it('leaves what is published as it is when it has an error, and says so', async () => {
    const cluster = await started();
    const secret = cluster.get('Secret', 'shop/app-secret');
    cluster.remove('Secret', 'shop/db');
    await cluster.settle();
    expect(cluster.ready('shop/app')).toMatchObject({
      status: 'False',
      reason: 'PublishFailed',
      message: expect.stringContaining('Secret "shop/db" does not exist'),
    });
    cluster.environment('shop/app', { values: { ...values, environmentVariables: { HOST: '${nope}' } }, publish });
    await cluster.settle();
    expect(cluster.ready('shop/app')?.reason).toBe('InvalidEnvironment');
    expect(cluster.get('Secret', 'shop/app-secret')).toEqual(secret);
    cluster.environment('shop/app', { values, publish });
    cluster.apply('Secret', 'shop/db', password('back'));
    await cluster.settle();
    expect(secretOf(cluster)).toMatchObject({ PASSWORD: 'back' });
  });

  it('takes over what nobody controls, and refuses what another one does, leaving the rest in step', async () => {
    const cluster = new EnvironmentCluster();
    const owners = [
      { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'es', uid: 'u', controller: true },
    ];
    cluster.apply('Secret', 'shop/db', password('one'));
    cluster.apply(
      'Secret',
      'shop/app-secret',
      { data: { THEIRS: base64('t') }, type: 'Opaque' },
      { ownerReferences: owners },
    );
    cluster.apply('ConfigMap', 'shop/app-config', { data: { old: '1' } }, { labels: { keep: 'me' } });
    cluster.environment('shop/app', { values, publish });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.settle();
    expect(configOf(cluster)).toEqual({ HOST: 'h', PORT: '1' });
    expect(cluster.get('ConfigMap', 'shop/app-config')?.metadata.labels).toMatchObject({ keep: 'me' });
    expect(secretOf(cluster)).toEqual({ THEIRS: 't' });
    expect(cluster.ready('shop/app')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('target is owned by ExternalSecret "es"'),
    });
  });

  it('never shares a target with another Environment', async () => {
    const cluster = await started();
    cluster.environment('shop/rival', { values, publish });
    await cluster.settle();
    expect(cluster.ready('shop/rival')?.message).toContain('target is owned by another Environment: "app"');
    expect(cluster.ready('shop/app')?.status).toBe('True');
  });

  it('deletes what it published under another name, and all once it publishes no more; only its own', async () => {
    const cluster = await started();
    cluster.apply(
      'Secret',
      'shop/foreign',
      { data: {}, type: 'Opaque' },
      {
        labels: { 'reconcile.external-secrets.io/managed': 'true' },
      },
    );
    cluster.environment('shop/app', { values, publish: { secretName: 'new-secret', configMapName: 'app-config' } });
    await cluster.settle();
    expect([secretOf(cluster), secretOf(cluster, 'new-secret')]).toMatchObject([undefined, { PASSWORD: 'one' }]);
    cluster.environment('shop/app', { values });
    await cluster.settle();
    expect([secretOf(cluster, 'new-secret'), configOf(cluster)]).toEqual([undefined, undefined]);
    expect(cluster.status('shop/app').published).toBeUndefined();
    expect(cluster.ready('shop/app')?.reason).toBe('Valid');
    expect(cluster.all('Secret').map(({ metadata: { name } }) => name)).toEqual(['db', 'foreign']);
  });

  it('writes no ConfigMap where that is not allowed, and says who allows it', async () => {
    const cluster = await started({ values, publish }, { configMaps: false });
    expect(cluster.ready('shop/app')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('genericTargets.enabled'),
    });
    cluster.environment('shop/app', { values, publish: { secretName: 'app-secret' } });
    await cluster.settle();
    expect(secretOf(cluster)).toEqual({ HOST: 'h', PASSWORD: 'one', PORT: '1', 'tls.crt': 'cert' });
    expect(cluster.all('ConfigMap')).toEqual([]);
  });

  it.each([
    [{}, 'name a Secret'],
    [{ configMapName: 'c' }, 'for what is secret'],
    [{ ...publish, refreshInterval: 'soon' }, 'spec.publish.refreshInterval'],
  ])('refuses %j', async (publishing, message) => {
    const cluster = await started({ values, publish: publishing });
    expect(cluster.ready('shop/app')).toMatchObject({ status: 'False', message: expect.stringContaining(message) });
    expect(cluster.all('ConfigMap')).toEqual([]);
  });

  it('is opened anew at two thirds of the shortest lifetime of what it opened, and by force-sync', async () => {
    const cluster = new EnvironmentCluster();
    const openedAt: number[] = [];
    const lifetimes = [900_000, 300_000];
    cluster.providers['it'] = {
      inputs: true,
      outputs: true,
      async open(_, { noteLifetime }) {
        openedAt.push(cluster.clock.monotonicMs());
        for (const ms of lifetimes) noteLifetime?.(ms);
        return objectValue([['token', textValue(`t${openedAt.length}`, { secret: true })]]);
      },
    };
    const opening = { it: { 'fn::open::it': {} }, environmentVariables: { TOKEN: '${it.token}' } };
    cluster.environment('shop/app', { values: opening, publish: { secretName: 'app-secret' } });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.settle(410_000);
    expect(openedAt.map((at) => Math.round((at - (openedAt[0] ?? 0)) / 1_000))).toEqual([0, 200, 400]);
    expect(secretOf(cluster)).toEqual({ TOKEN: 't3' });
    const { spec = {} } = cluster.get('Environment', 'shop/app') ?? {};
    cluster.apply('Environment', 'shop/app', { spec }, { annotations: { 'force-sync': '1' } });
    await cluster.settle(100);
    expect(secretOf(cluster)).toEqual({ TOKEN: 't4' });
  });

  describe('whose source does not answer', () => {
    const minuteMs = 60_000;

    /** Published every ten minutes; the source fails from the first publication on, for so long. */
    async function silentFor(ms: number, failure: OperatorError) {
      const cluster = new EnvironmentCluster();
      let answersAtMs = 0;
      let value = 'one';
      cluster.providers['it'] = {
        inputs: true,
        outputs: true,
        async open() {
          if (cluster.clock.monotonicMs() < answersAtMs) throw failure;
          return textValue(value, { secret: true });
        },
      };
      const opening = { environmentVariables: { TOKEN: { 'fn::open::it': {} } } };
      const every = { secretName: 'app-secret', refreshInterval: '10m' };
      cluster.environment('shop/app', { values: opening, publish: every });
      cluster.start();
      onTestFinished(() => cluster.stop());
      await cluster.settle();
      value = 'two';
      answersAtMs = cluster.clock.monotonicMs() + 10 * minuteMs + ms;
      const seen = new Set<string>();
      const until = cluster.clock.monotonicMs() + 25 * minuteMs;
      while (cluster.clock.monotonicMs() < until) {
        await cluster.settle(5_000);
        const { status, message } = cluster.ready('shop/app') ?? {};
        seen.add(`${status} ${secretOf(cluster)?.['TOKEN']}${/does not answer/.test(message ?? '') ? ', silent' : ''}`);
      }
      return seen;
    }

    const down = new OperatorError('UpstreamUnavailable', 'no answer');
    const throttled = new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: 2 * minuteMs });

    it.each<[why: string, ms: number, failure: OperatorError]>([
      ['for ten seconds', 10_000, down],
      ['for as long as it asks', minuteMs, throttled],
    ])('stays Ready when that lasts %s', async (_, ms, failure) => {
      expect(await silentFor(ms, failure)).toEqual(new Set(['True one', 'True one, silent', 'True two']));
    });

    it('says so when that lasts, keeps what it published, and is in step again after', async () => {
      expect(await silentFor(5 * minuteMs, down)).toEqual(
        new Set(['True one', 'True one, silent', 'False one', 'True two']),
      );
    });

    it('says at once what is no silence', async () => {
      const denied = new OperatorError('AccessDenied', 'no right');
      expect(await silentFor(1_000, denied)).toContain('False one');
    });
  });

  it('meets a conflict, and writes what is wanted all the same', async () => {
    const cluster = await started();
    let isMet = false;
    cluster.fault = (call) => {
      if (isMet || !call.startsWith('update Secret')) return undefined;
      isMet = true;
      return new OperatorError('Conflict', 'it has changed');
    };
    cluster.apply('Secret', 'shop/db', password('two'));
    await cluster.settle(5_000);
    expect([isMet, secretOf(cluster)]).toMatchObject([true, { PASSWORD: 'two' }]);
    expect(cluster.ready('shop/app')?.status).toBe('True');
  });
});
