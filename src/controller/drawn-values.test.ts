// What a template or a generator draws, over weeks of a fake clock, restarts and edits by others: it stays, and is drawn anew
// when it has to be. The controllers are the real ones, on a cluster in memory.
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Call } from '../../test/support/model/api.ts';
import { type ModelObject, readyOf } from '../../test/support/model/kinds.ts';
import { OneOperator, specOf, storeSpec, textIn } from '../../test/support/model/one-operator.ts';

const hour = 3_600_000;
const day = 24 * hour;
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const passwords = { data: { password: '{{ randAlphaNum 16 }}', user: '{{ .s | sha256sum }}' } };
const certificates = { data: { 'tls.crt': '{{ (genSelfSignedCertWithKey "web" nil nil 3 .s).Cert }}' } };

interface Wish {
  readonly interval?: string;
  readonly policy?: string;
  readonly creation?: string;
}

const specFor = (template: object, { interval = '1h', policy, creation = 'Owner' }: Wish = {}) => ({
  ...specOf(['s'], { target: 'e', interval }),
  target: { name: 'e', template, creationPolicy: creation },
  ...(policy === undefined ? {} : { refreshPolicy: policy }),
});

async function synced(template: object, wish: Wish = {}) {
  const cluster = new OneOperator();
  cluster.apply('SecretStore', 's', { spec: storeSpec({ k: key }) });
  cluster.apply('ExternalSecret', 'e', { spec: specFor(template, wish) });
  cluster.start();
  onTestFinished(() => cluster.stop());
  await cluster.clock.advance(5_000);
  expect(readyOf(cluster.get('ExternalSecret', 'e'))).toMatchObject({ status: 'True' });
  return cluster;
}

const secret = (cluster: OneOperator) => cluster.get('Secret', 'e');
const text = (cluster: OneOperator, name: string) => textIn(secret(cluster), name);
const version = (cluster: OneOperator) => secret(cluster)?.metadata.resourceVersion;
const withData = (object: ModelObject, name: string, value: string): ModelObject => ({
  ...object,
  data: { ...object.data, [name]: Buffer.from(value).toString('base64') },
});

describe('what a template drew', () => {
  it('stays at refreshes, and over a restart', async () => {
    const cluster = await synced(passwords);
    const [drawn, first] = [text(cluster, 'password'), version(cluster)];
    await cluster.clock.advance(10 * hour);
    await cluster.stop();
    cluster.start();
    await cluster.clock.advance(5_000);
    await cluster.clock.advance(10 * hour);
    expect(text(cluster, 'password')).toBe(drawn);
    expect(version(cluster)).toBe(first);
  });

  it.each<[why: string, change: (cluster: OneOperator) => void]>([
    ['the value that the template is given', (cluster) => cluster.upstream.set('s', 'k', 'other')],
    [
      'the text of the template',
      (cluster) =>
        cluster.apply('ExternalSecret', 'e', {
          spec: specFor({ data: { ...passwords.data, more: 'x' } }),
        }),
    ],
    [
      'a force-sync',
      (cluster) =>
        cluster.edit('ExternalSecret', 'e', (es) => ({
          ...es,
          metadata: { ...es.metadata, annotations: { 'force-sync': '1' } },
        })),
    ],
    [
      'an edit of it by hand',
      (cluster) => cluster.edit('Secret', 'e', (object) => withData(object, 'password', 'mine')),
    ],
    ['the loss of the Secret', (cluster) => cluster.remove('Secret', 'e')],
  ])('is drawn anew after %s', async (_, change) => {
    const cluster = await synced(passwords);
    const drawn = text(cluster, 'password');
    change(cluster);
    await cluster.clock.advance(2 * hour);
    expect(text(cluster, 'password')).toMatch(/^[a-zA-Z0-9]{16}$/);
    expect(text(cluster, 'password')).not.toBe(drawn);
  });

  it('stays when somebody edits another value, which is mended', async () => {
    const cluster = await synced(passwords);
    const drawn = text(cluster, 'password');
    cluster.edit('Secret', 'e', (object) => withData(object, 'user', 'eve'));
    await cluster.clock.advance(5_000);
    expect(text(cluster, 'user')).toBe(createHash('sha256').update(key).digest('hex'));
    expect(text(cluster, 'password')).toBe(drawn);
  });

  it('stays when others edit their own values in a target that is shared', async () => {
    const cluster = await synced(passwords, { creation: 'CreateOrMerge' });
    const drawn = text(cluster, 'password');
    cluster.edit('Secret', 'e', (object) => withData(object, 'theirs', 'x'));
    await cluster.clock.advance(2 * hour);
    expect(text(cluster, 'theirs')).toBe('x');
    expect(text(cluster, 'password')).toBe(drawn);
  });
});

describe('a certificate that a template made for three days', () => {
  const serial = (cluster: OneOperator) => new X509Certificate(text(cluster, 'tls.crt') ?? '').serialNumber;

  it.each<[why: string, wish: Wish]>([
    ['at a refresh', { interval: '1h' }],
    ['when the interval is longer than its life', { interval: '240h' }],
    ['without refreshes', { interval: '0s' }],
    ['under OnChange', { policy: 'OnChange' }],
    ['in a target that is shared', { creation: 'CreateOrMerge' }],
  ])('is renewed when a day is left: %s', async (_, wish) => {
    const cluster = await synced(certificates, wish);
    const first = serial(cluster);
    await cluster.clock.advance(2 * day - hour);
    expect(serial(cluster)).toBe(first);
    await cluster.clock.advance(2.2 * hour);
    const second = serial(cluster);
    expect(second).not.toBe(first);
    await cluster.clock.advance(2 * day - 4 * hour);
    expect(serial(cluster)).toBe(second);
    await cluster.clock.advance(4 * hour);
    expect(serial(cluster)).not.toBe(second);
  });

  it('is renewed by the process that comes after', async () => {
    const cluster = await synced(certificates, { interval: '0s' });
    const first = serial(cluster);
    await cluster.clock.advance(day);
    await cluster.stop();
    cluster.start();
    await cluster.clock.advance(5_000);
    expect(serial(cluster)).toBe(first);
    await cluster.clock.advance(1.1 * day);
    expect(serial(cluster)).not.toBe(first);
  });

  it('is not renewed under CreatedOnce', async () => {
    const cluster = await synced(certificates, { policy: 'CreatedOnce' });
    const first = serial(cluster);
    await cluster.clock.advance(10 * day);
    expect(serial(cluster)).toBe(first);
  });
});

/** A number from 0 up to 1 that is another one each time. */
function chance(): () => number {
  let state = 7;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const isStatus = ({ verb, kind }: Call) => kind === 'ExternalSecret' && verb === 'status';

/** A target of an ExternalSecret whose values are drawn, and where its password is. */
interface Drawing {
  readonly creation?: string;
  readonly template?: object;
  readonly manifest?: { readonly apiVersion: string; readonly kind: string };
  readonly policy?: string;
}

const generatorRef = { apiVersion: 'generators.external-secrets.io/v1alpha1', kind: 'Password', name: 'pw' };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };

/** An ExternalSecret `e` that draws a password, and an operator that is to make it once it is started. */
function drawing({ creation = 'Owner', template, manifest, policy }: Drawing = {}) {
  const cluster = new OneOperator({ random: chance(), manifests: true });
  cluster.apply('Password', 'pw', { spec: { length: 24 } });
  if (creation === 'Merge') cluster.apply('Secret', 'e', { data: { theirs: 'eA==' } });
  const target = { name: 'e', creationPolicy: creation, template, manifest };
  const dataFrom = [{ sourceRef: { generatorRef } }];
  cluster.apply('ExternalSecret', 'e', { spec: { refreshInterval: '1h', refreshPolicy: policy, target, dataFrom } });
  onTestFinished(() => cluster.stop());
  const kind = manifest?.kind ?? 'Secret';
  const password = () => {
    const text = cluster.get(kind, 'e')?.data?.['password'];
    return manifest === undefined ? text : text && Buffer.from(text).toString('base64');
  };
  return { cluster, password };
}

const isTold = (cluster: OneOperator) => readyOf(cluster.get('ExternalSecret', 'e'))?.status === 'True';
const toldAt = (cluster: OneOperator) => cluster.get('ExternalSecret', 'e')?.status?.refreshTime ?? '';

/** Another process works from now on, and the API server works again. */
async function another(cluster: OneOperator) {
  await cluster.stop();
  cluster.fault = () => undefined;
  cluster.start();
  await cluster.clock.advance(5_000);
}

/** Such an object, of which a process that is gone has drawn the password and could not tell. */
async function diedUntold() {
  const { cluster, password } = drawing();
  cluster.fault = (call) => (isStatus(call) ? 'refuse' : undefined);
  cluster.start();
  await cluster.clock.advance(5_000);
  const drawn = password();
  await cluster.stop();
  return { cluster, password, drawn };
}

describe('what a generator drew for a process that died before it could tell', () => {
  it.each<[why: string, wish: Drawing]>([
    ['a Secret of its own', {}],
    ['one that is left to itself', { creation: 'Orphan' }],
    ['a Secret of somebody else', { creation: 'Merge' }],
    ['a Secret that is shared', { creation: 'CreateOrMerge' }],
    ['a Secret that is made once', { policy: 'CreatedOnce' }],
    ['a Secret with a template', { template: { data: { password: '{{ .password }}', user: '{{ randAlphaNum 9 }}' } } }],
    ['a target of another kind', { manifest: configMap }],
  ])('is told by the next one, and stays: %s', async (_, wish) => {
    const { cluster, password } = drawing(wish);
    cluster.fault = (call) => (isStatus(call) ? 'refuse' : undefined);
    cluster.start();
    await cluster.clock.advance(5_000);
    const drawn = password();
    expect([drawn !== undefined, isTold(cluster)]).toEqual([true, false]);
    await another(cluster);
    expect([password(), isTold(cluster)]).toEqual([drawn, true]);
    await another(cluster);
    expect(password()).toBe(drawn);
  });

  it('stays a whole interval from when it is told, and is drawn anew then', async () => {
    const { cluster, password } = drawing();
    cluster.start();
    await cluster.clock.advance(5_000);
    const first = password();
    cluster.fault = (call) => (isStatus(call) ? 'refuse' : undefined);
    await cluster.clock.advance(hour);
    const second = password();
    expect(second).not.toBe(first);
    await another(cluster);
    await cluster.clock.advance(hour - 20_000);
    expect(password()).toBe(second);
    await cluster.clock.advance(20_000);
    expect(password()).not.toBe(second);
  });

  it('is told soon, also when no refresh was due: somebody had edited the Secret', async () => {
    const { cluster, password } = drawing();
    cluster.start();
    await cluster.clock.advance(5_000);
    const before = toldAt(cluster);
    cluster.fault = (call) => (isStatus(call) ? 'refuse' : undefined);
    cluster.edit('Secret', 'e', (object) => withData(object, 'password', 'mine'));
    await cluster.clock.advance(5_000);
    const drawn = password();
    await another(cluster);
    expect(password()).toBe(drawn);
    expect(toldAt(cluster) > before).toBe(true);
  });

  it.each<[why: string, wish: Drawing]>([
    ['by a generator', {}],
    ['by a template', { template: { data: { password: '{{ randAlphaNum 16 }}' } } }],
  ])('is found although no cache shows its Secret yet: drawn %s', async (_, wish) => {
    const { cluster, password } = drawing(wish);
    const fakes = [{ sourceRef: { generatorRef: { ...generatorRef, kind: 'Fake' } } }];
    if (wish.template !== undefined) {
      cluster.apply('Fake', 'pw', { spec: { data: { any: 'x' } } });
      cluster.edit('ExternalSecret', 'e', (es) => ({ ...es, spec: { ...es.spec, dataFrom: fakes } }));
    }
    cluster.start();
    await cluster.clock.advance(5_000);
    const drawn = password();
    await cluster.stop();
    const labels = cluster.get('Secret', 'e')?.metadata.labels ?? {};
    const relabel = (to: Readonly<Record<string, string>>) =>
      cluster.edit('Secret', 'e', (object) => ({ ...object, metadata: { ...object.metadata, labels: to } }));
    relabel({}); // so that the cache which the next process begins with has it not
    cluster.watchLagMs = () => 2_000;
    cluster.start();
    await cluster.clock.advance(3_000); // it follows its kinds by now, and waits to hear of the generator
    relabel(labels);
    await cluster.clock.advance(17_000);
    expect(password()).toBe(drawn);
  });

  it('stays when the answer to what was told is lost as well', async () => {
    const { cluster, password, drawn } = await diedUntold();
    cluster.fault = (call) => (isStatus(call) ? 'lose' : undefined);
    cluster.start();
    await cluster.clock.advance(5_000);
    expect(isTold(cluster)).toBe(true);
    cluster.fault = () => undefined;
    await cluster.clock.advance(60_000);
    expect(password()).toBe(drawn);
  });

  it('is drawn anew for a spec that was edited meanwhile', async () => {
    const { cluster, password, drawn } = await diedUntold();
    cluster.edit('ExternalSecret', 'e', (es) => ({ ...es, spec: { ...es.spec, refreshInterval: '2h' } }));
    await another(cluster);
    expect([password() === drawn, isTold(cluster)]).toEqual([false, true]);
  });

  it('leaves no trace on a Secret of which nothing is drawn', async () => {
    const { cluster } = drawing();
    cluster.apply('Fake', 'pw', { spec: { data: { password: 'x' } } });
    const fakes = [{ sourceRef: { generatorRef: { ...generatorRef, kind: 'Fake' } } }];
    cluster.start();
    await cluster.clock.advance(5_000);
    const marks = () => Object.keys(secret(cluster)?.metadata.annotations ?? {}).filter((name) => /drawn/.test(name));
    expect(marks()).toHaveLength(1);
    cluster.edit('ExternalSecret', 'e', (es) => ({ ...es, spec: { ...es.spec, dataFrom: fakes } }));
    await cluster.clock.advance(5_000);
    expect([text(cluster, 'password'), marks()]).toEqual(['x', []]);
  });
});
