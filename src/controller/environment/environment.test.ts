// The controller of Environments on a cluster in memory.
import { describe, expect, it, onTestFinished } from 'vitest';
import { EnvironmentCluster } from '../../../test/support/environment-cluster.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { revisionName } from '../../core/environment-revisions.ts';

type Specs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

async function started(specs: Specs, options: { readonly served?: string } = {}) {
  const cluster = new EnvironmentCluster(options);
  for (const [key, spec] of Object.entries(specs)) cluster.environment(key, spec);
  cluster.start();
  onTestFinished(async () => {
    await cluster.stop();
    expect(cluster.faults).toEqual([]);
  });
  await cluster.settle();
  return cluster;
}

const revisionsOf = (cluster: EnvironmentCluster) =>
  cluster
    .all('ControllerRevision')
    .map(({ revision = 0 }) => revision)
    .sort((a, b) => a - b);

const shared = { sharedWith: { namespaces: ['shop'] } };

describe('an Environment', () => {
  it('is checked, and says what it gives, names and is', async () => {
    const cluster = await started({
      'shop/app': {
        imports: ['infra/base'],
        values: { url: '${host}', password: { 'fn::open::kubernetes-secrets': { get: {} } } },
      },
      'infra/base': { values: { host: 'h' }, ...shared },
    });
    expect(cluster.status('shop/app')).toMatchObject({
      observedGeneration: 1,
      conditions: [{ type: 'Ready', status: 'True', reason: 'Valid', observedGeneration: 1 }],
      imports: ['infra/base'],
      revision: 1,
      keys: [
        { name: 'host', type: 'string', secret: false },
        { name: 'password', type: 'object', secret: true },
        { name: 'url', type: 'string', secret: false },
      ],
    });
    expect(cluster.status('infra/base').importedBy).toEqual(['shop/app']);
    expect(cluster.events.map(({ reason, type }) => `${type} ${reason}`)).toEqual(['Normal Valid', 'Normal Valid']);
  });

  it('is quiet once it is told, also after a restart', async () => {
    const cluster = await started({ 'shop/app': { imports: ['base'] }, 'shop/base': { values: { a: '${nope}' } } });
    cluster.calls.length = 0;
    cluster.events.length = 0;
    await cluster.settle(3_600_000);
    await cluster.stop();
    cluster.start();
    await cluster.settle(3_600_000);
    expect(cluster.calls).toEqual([]);
    expect(cluster.events).toEqual([]);
  });

  it('with an error is Stalled, says where, and is repaired by what it names', async () => {
    const cluster = await started({ 'shop/app': { imports: ['base'], values: { url: '${host}' } }, 'shop/base': {} });
    expect(cluster.status('shop/app').conditions).toMatchObject([
      { type: 'Stalled', status: 'True', reason: 'InvalidSpec' },
      {
        type: 'Ready',
        status: 'False',
        reason: 'InvalidEnvironment',
        message: expect.stringContaining('values.url: unknown property "host"'),
      },
    ]);
    expect(cluster.status('shop/app').diagnostics).toMatchObject([{ severity: 'error', path: 'values.url' }]);
    expect(cluster.status('shop/app').revision).toBeUndefined();
    cluster.environment('shop/base', { values: { host: 'h' } });
    await cluster.settle();
    expect(cluster.status('shop/app').conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
    expect(cluster.status('shop/app').diagnostics).toBeUndefined();
    expect(cluster.status('shop/app').revision).toBe(1);
  });

  it('waits a second for what it names, and says then that it is missing', async () => {
    const cluster = new EnvironmentCluster();
    cluster.environment('shop/app', { imports: ['base'] });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.settle(900);
    expect(cluster.ready('shop/app')).toBeUndefined();
    await cluster.settle(300);
    expect(cluster.ready('shop/app')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('imports[0]: environment "shop/base" does not exist'),
    });
    cluster.environment('shop/base', {});
    await cluster.settle(100);
    expect(cluster.ready('shop/app')?.status).toBe('True');
  });

  it('is never green for a spec that was not checked: that is withdrawn first', async () => {
    const cluster = await started({ 'shop/app': { values: { a: 1 } } });
    const seen: (string | undefined)[] = [];
    cluster.fault = (call) => {
      if (call.startsWith('create ControllerRevision')) seen.push(cluster.ready('shop/app')?.status);
      return undefined;
    };
    cluster.environment('shop/app', { values: { a: 2 } });
    await cluster.settle();
    expect(seen).toEqual([undefined]);
    expect(cluster.ready('shop/app')).toMatchObject({ status: 'True', observedGeneration: 2 });
  });

  it('loses what is no longer shared with it, by name and by label, and gets it back', async () => {
    const byLabel = { sharedWith: { namespaceSelector: { matchLabels: { team: 'a' } } } };
    const cluster = await started({
      'shop/app': { imports: ['infra/base'] },
      'infra/base': { values: { a: 1 }, ...shared },
    });
    expect(cluster.ready('shop/app')?.status).toBe('True');
    cluster.environment('infra/base', { values: { a: 1 } });
    await cluster.settle();
    expect(cluster.ready('shop/app')?.message).toContain('"infra/base" does not exist, or is not shared');
    expect(cluster.status('infra/base').importedBy).toBeUndefined();
    cluster.environment('infra/base', { values: { a: 1 }, ...byLabel });
    await cluster.settle();
    expect(cluster.ready('shop/app')?.status).toBe('False');
    cluster.apply('Namespace', 'shop', {}, { labels: { team: 'a' } });
    await cluster.settle();
    expect(cluster.ready('shop/app')?.status).toBe('True');
    expect(cluster.status('infra/base').importedBy).toEqual(['shop/app']);
    cluster.apply('Namespace', 'shop', {}, { labels: { team: 'b' } });
    await cluster.settle();
    expect(cluster.ready('shop/app')?.status).toBe('False');
  });

  it('tells those who name it as they come and go, and no stranger', async () => {
    const cluster = await started({
      'infra/base': { values: { a: 1 }, ...shared },
      'other/spy': { imports: ['infra/base'] },
      'infra/own': { values: { a: '${environments.infra.base.a}' } },
    });
    expect(cluster.status('infra/base').importedBy).toEqual(['infra/own']);
    cluster.environment('shop/app', { imports: ['infra/base@latest'] });
    await cluster.settle();
    expect(cluster.status('infra/base').importedBy).toEqual(['infra/own', 'shop/app']);
    cluster.remove('Environment', 'infra/own');
    cluster.environment('shop/app', {});
    await cluster.settle();
    expect(cluster.status('infra/base').importedBy).toBeUndefined();
  });

  it('that others read is read by name where the operator serves another namespace', async () => {
    const cluster = await started(
      { 'shop/app': { imports: ['infra/base'] }, 'infra/base': { values: { a: 1 }, ...shared } },
      { served: 'shop' },
    );
    expect(cluster.ready('shop/app')?.status).toBe('True');
    expect(cluster.ready('infra/base')).toBeUndefined();
    cluster.environment('infra/base', { values: { a: 1 } });
    await cluster.settle();
    expect(cluster.ready('shop/app')?.status).toBe('False');
  });

  it('of another class is left alone', async () => {
    const cluster = await started({ 'shop/app': { controller: 'other' }, 'shop/own': { controller: 'default' } });
    expect(cluster.ready('shop/app')).toBeUndefined();
    expect(cluster.ready('shop/own')?.status).toBe('True');
  });

  it('with a secret in plain text is valid, and warned of once', async () => {
    const values = { a: { 'fn::secret': 'CANARY' } };
    const cluster = await started({ 'shop/app': { values } });
    const warnings = () => cluster.events.filter(({ reason }) => reason === 'PlainSecret');
    expect(cluster.ready('shop/app')).toMatchObject({
      status: 'True',
      message: 'the document is valid; 1 warning, see status.diagnostics',
    });
    expect(warnings()).toMatchObject([
      { type: 'Warning', message: expect.stringContaining('`escapement env encrypt --key-file env.key -w FILE`') },
    ]);
    cluster.environment('shop/app', { values: { ...values, b: 1 } });
    await cluster.settle();
    await cluster.stop();
    cluster.start();
    await cluster.settle();
    expect(warnings().length).toBe(1);
    expect(JSON.stringify([cluster.status('shop/app'), cluster.events, cluster.calls])).not.toContain('CANARY');
  });
});

describe('revisions', () => {
  it('are made of every accepted change of the document, and of no other', async () => {
    const cluster = await started({ 'shop/app': { values: { a: 1 } } });
    const edit = async (spec: object) => {
      cluster.environment('shop/app', { ...spec });
      await cluster.settle();
    };
    await edit({ values: { a: 2 } });
    await edit({ values: { a: 2 }, ...shared, tags: { stable: 1 } });
    await edit({ values: { a: '${nope}' }, tags: { stable: 1 } });
    await edit({ values: { a: 1 }, tags: { stable: 1 } });
    expect(revisionsOf(cluster)).toEqual([1, 2, 3]);
    expect(cluster.status('shop/app').revision).toBe(3);
    const [first] = cluster.all('ControllerRevision');
    expect(first).toMatchObject({
      revision: 1,
      data: { values: { a: 1 } },
      metadata: { ownerReferences: [{ kind: 'Environment', name: 'app', controller: true }] },
    });
  });

  it('are few, but for those with a tag', async () => {
    const cluster = await started({ 'shop/app': { values: { a: 0 } } });
    for (let a = 1; a <= 6; a++) {
      cluster.environment('shop/app', { values: { a }, tags: { first: 1 }, revisionHistoryLimit: 3 });
      await cluster.settle();
    }
    expect(revisionsOf(cluster)).toEqual([1, 5, 6, 7]);
  });

  it('are read by number and by tag; going back is one edit', async () => {
    const cluster = await started({ 'shop/base': { values: { old: 1 } }, 'shop/app': { imports: ['base@stable'] } });
    expect(cluster.ready('shop/app')?.message).toContain('environment "shop/base" has no tag "stable"');
    cluster.environment('shop/base', { values: { new: 1 }, tags: { stable: 2 } });
    await cluster.settle();
    const keys = () => cluster.status('shop/app').keys?.map(({ name }) => name);
    expect(keys()).toEqual(['new']);
    cluster.environment('shop/base', { values: { new: 1 }, tags: { stable: 1 } });
    await cluster.settle();
    expect(keys()).toEqual(['old']);
    cluster.environment('shop/app', { imports: ['base@2'] });
    await cluster.settle();
    expect(keys()).toEqual(['new']);
  });

  it('keep their numbers apart although some were deleted by hand', async () => {
    const cluster = await started({ 'shop/app': { values: { a: 1 } } });
    for (const { metadata } of cluster.all('ControllerRevision'))
      cluster.remove('ControllerRevision', `shop/${metadata.name}`);
    await cluster.settle();
    expect(revisionsOf(cluster)).toEqual([2]);
    expect(cluster.status('shop/app').revision).toBe(2);
  });

  it('go with their Environment, and begin anew with the next one of its name', async () => {
    const cluster = await started({ 'shop/app': { values: { a: 1 } } });
    cluster.remove('Environment', 'shop/app');
    await cluster.settle();
    expect(revisionsOf(cluster)).toEqual([]);
    cluster.environment('shop/app', { values: { a: 2 } });
    await cluster.settle();
    expect(revisionsOf(cluster)).toEqual([1]);
  });

  it('whose create met a conflict are made once, whether it was done before or not', async () => {
    for (const isDone of [false, true]) {
      const cluster = await started({});
      let isMet = false;
      cluster.fault = (call) => {
        if (isMet || !call.startsWith('create ControllerRevision')) return undefined;
        isMet = true;
        const name = call.split(' ')[2] ?? '';
        const { uid = '' } = cluster.get('Environment', 'shop/app')?.metadata ?? {};
        const ownerReferences = [{ apiVersion: '', kind: 'Environment', name: 'app', uid, controller: true }];
        // Without our label no cache shows it.
        const parts = { revision: 1, data: { values: { a: 1 } } };
        if (isDone) cluster.apply('ControllerRevision', `shop/${name}`, parts, { ownerReferences });
        return new OperatorError('Conflict', 'exists');
      };
      cluster.environment('shop/app', { values: { a: 1 } });
      await cluster.settle(10_000);
      expect([isMet, ...revisionsOf(cluster)]).toEqual([true, 1]);
      expect(cluster.ready('shop/app')?.status).toBe('True');
    }
  });

  it('are not made over an object of that name that is none of theirs', async () => {
    const cluster = await started({ 'shop/app': { values: { a: 1 } } });
    const { uid = '' } = cluster.get('Environment', 'shop/app')?.metadata ?? {};
    const name = revisionName({ name: 'app', uid }, 2);
    cluster.apply('ControllerRevision', `shop/${name}`, { revision: 2, data: { values: { evil: 1 } } });
    cluster.environment('shop/app', { values: { a: 2 } });
    await cluster.settle();
    expect(cluster.ready('shop/app')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('is in the way'),
    });
    expect(cluster.get('ControllerRevision', `shop/${name}`)?.data).toEqual({ values: { evil: 1 } });
  });
});
