// What a template draws, over weeks of a fake clock, restarts and edits by others: it stays, and is drawn anew when it has
// to be. The controllers are the real ones, on a cluster in memory.
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ModelObject, readyOf } from '../../test/support/model/kinds.ts';
import { OneOperator, specOf, storeSpec, textIn } from '../../test/support/model/one-operator.ts';
import { loadLanguage } from '../core/rendering.ts';

// The clock of the model does not wait for files.
beforeAll(loadLanguage);

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
