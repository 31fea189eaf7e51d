import { describe, expect, it } from 'vitest';
import { readyOf } from '../../../test/support/model/kinds.ts';
import { OneOperator, specOf, storeSpec, textIn } from '../../../test/support/model/one-operator.ts';

const infisicalStore = {
  provider: {
    infisical: {
      auth: {
        universalAuthCredentials: {
          clientId: { name: 'login', key: 'clientId' },
          clientSecret: { name: 'login', key: 'clientSecret' },
        },
      },
      secretsScope: { projectSlug: 'p', environmentSlug: 'e' },
    },
  },
};

const base64 = (text: string) => Buffer.from(text).toString('base64');
const dataOf = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)]));

async function taking(
  target: string,
  there: Readonly<Record<string, string>>,
  { store = storeSpec({ k: 'from-source' }), secretKey = 's', creationPolicy = 'Owner' } = {} as {
    store?: Readonly<Record<string, unknown>>;
    secretKey?: string;
    creationPolicy?: string;
  },
) {
  const cluster = new OneOperator({ events: true });
  cluster.upstream.set('s', 'k', 'from-source');
  cluster.apply('SecretStore', 's', { spec: store });
  cluster.apply('Secret', target, { data: dataOf(there) });
  const spec = specOf(['s'], { target });
  cluster.apply('ExternalSecret', 'e', {
    spec: { ...spec, target: { name: target, creationPolicy }, data: [{ secretKey, remoteRef: { key: 'k' } }] },
  });
  cluster.start();
  await cluster.clock.advance(10_000);
  return cluster;
}

/** An event, as far as it is looked at. */
interface Told {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
}

const events = (cluster: OneOperator): readonly Told[] => cluster.all('Event');
const warnings = (cluster: OneOperator) =>
  events(cluster)
    .filter(({ type }) => type === 'Warning')
    .map(({ reason, message }) => `${reason}: ${message}`);

describe('taking over a Secret that somebody else made', () => {
  it('warns once, naming the keys that went and those with another value', async () => {
    const cluster = await taking('theirs', { b: '1', a: '2', s: 'theirs' });
    expect(Object.keys(cluster.get('Secret', 'theirs')?.data ?? {})).toEqual(['s']);
    expect(warnings(cluster)).toEqual([
      'TakenOver: Secret "theirs" was there already and is taken over; keys that went: "a", "b"; keys with another value now: "s"',
    ]);
    await cluster.clock.advance(2 * 3_600_000);
    expect(warnings(cluster)).toHaveLength(1);
  });

  it('says nothing when it held just these values', async () => {
    expect(warnings(await taking('theirs', { s: 'from-source' }))).toEqual([]);
  });

  it('names under Merge only what it writes over', async () => {
    const cluster = await taking('theirs', { b: '1', s: 'theirs' }, { creationPolicy: 'Merge' });
    expect(textIn(cluster.get('Secret', 'theirs'), 'b')).toBe('1');
    expect(warnings(cluster)).toEqual([
      'TakenOver: Secret "theirs" was there already and is taken over; keys with another value now: "s"',
    ]);
  });

  it('never shows a value', async () => {
    const cluster = await taking('theirs', { b: 'canary-1', s: 'canary-2' });
    expect(JSON.stringify(events(cluster))).not.toMatch(/canary|from-source/);
  });
});

describe("a target that holds the credentials of the object's own store", () => {
  it('is refused where they would go, and keeps its keys', async () => {
    const cluster = await taking('login', { clientId: 'i', clientSecret: 'c' }, { store: infisicalStore });
    const ready = readyOf(cluster.get('ExternalSecret', 'e'));
    expect(ready?.status).toBe('False');
    expect(ready?.message).toContain('holds the credentials of SecretStore "s"');
    expect(ready?.message).toContain('would lose "clientId", "clientSecret"');
    expect(Object.keys(cluster.get('Secret', 'login')?.data ?? {})).toEqual(['clientId', 'clientSecret']);
  });

  it('takes a rotation of the credential under Merge', async () => {
    const options = { store: infisicalStore, secretKey: 'clientSecret', creationPolicy: 'Merge' };
    const cluster = await taking('login', { clientId: 'i', clientSecret: 'c' }, options);
    expect(textIn(cluster.get('Secret', 'login'), 'clientSecret')).toBe('from-source');
    expect(textIn(cluster.get('Secret', 'login'), 'clientId')).toBe('i');
    expect(readyOf(cluster.get('ExternalSecret', 'e'))?.status).toBe('True');
  });

  it('leaves a Secret of the same name in another namespace out of it', async () => {
    const store = structuredClone(infisicalStore);
    const { universalAuthCredentials: login } = store.provider.infisical.auth;
    Object.assign(login.clientId, { namespace: 'elsewhere' });
    Object.assign(login.clientSecret, { namespace: 'elsewhere' });
    const cluster = await taking('login', { clientId: 'i' }, { store });
    expect(Object.keys(cluster.get('Secret', 'login')?.data ?? {})).toEqual(['s']);
  });
});
