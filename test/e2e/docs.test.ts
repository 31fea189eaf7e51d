// The manifests that the documentation shows, applied as they stand there: only placeholders and hosts are replaced.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createScene, type Scene } from '../support/scene.ts';
import { until } from '../support/wait.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'manifests');
const project = 'shop-x7f2';

describe('the manifests of docs/providers/infisical.md', () => {
  let scene: Scene;
  let apply: (...names: readonly string[]) => Promise<void>;

  beforeAll(async () => {
    scene = await createScene('docs');
    apply = await plant(scene);
    return () => scene.end();
  });

  it('sync a single key with universal auth', async () => {
    await apply('infisical-universal-auth');
    await scene.whenSynced('database');
    expect(await scene.secretData('database')).toEqual({ password: scene.value('/DB_PASSWORD') });
  });

  it('read keys of the folder, below it, from the root, and a property', async () => {
    await apply('infisical-universal-auth', 'infisical-scope', 'infisical-keys');
    await scene.whenSynced('shop');
    expect(await scene.secretData('shop')).toEqual({
      'api-key': scene.value('/shop/API_KEY'),
      'mail-password': scene.value('/shop/mail/PASSWORD'),
      'root-token': scene.value('/shared/TOKEN'),
      'database-host': scene.value('host'),
    });
  });

  it('take an object apart', async () => {
    await apply('infisical-universal-auth', 'infisical-scope', 'infisical-extract');
    await scene.whenSynced('shop-database');
    expect(await scene.secretData('shop-database')).toEqual({ host: scene.value('host'), port: '5432' });
  });

  it('search by the beginning of the name, by folder and by expression, and warn of a name that is there twice', async () => {
    await apply('infisical-universal-auth', 'infisical-scope', 'infisical-find');
    await scene.whenSynced('shop-all');
    expect(await scene.secretData('shop-all')).toEqual({
      DB_PASSWORD: scene.value('/shop/DB_PASSWORD'),
      MAIL_DB_PASSWORD: scene.value('/shop/mail/DB_PASSWORD'),
      MAIL_PASSWORD: scene.value('/shop/mail/PASSWORD'),
      API_KEY: scene.value('/shop/API_KEY'),
    });
    const warning = await until('the warning', () =>
      scene.eventsOf('ExternalSecret', 'shop-all').find(({ reason }) => reason === 'Shadowed'),
    );
    expect(warning).toMatchObject({ type: 'Warning', message: expect.stringContaining('"/shop/mail/DB_PASSWORD"') });
  });

  it('show the fake store', async () => {
    await apply('fake');
    await scene.whenSynced('from-fake');
    expect(await scene.secretData('from-fake')).toEqual({ user: 'ada', 'next-user': 'grace', port: '5432' });
  });
});

describe('the store of docs/migrating-from-eso.md', () => {
  it('is served by the class that it names, and by no other', async () => {
    const scene = await createScene('docs-class', { operator: false });
    onTestFinished(() => scene.end());
    const apply = await plant(scene);
    await scene.startOperator(['--controller-class=another']);
    await apply('beside-eso-store', 'infisical-token-auth');
    await scene.stores.until('infisical-token', 'has a verdict', ({ status }) => status?.conditions !== undefined);
    expect((await scene.api.get(scene.address('SecretStore', 'infisical-trial')))?.status?.conditions).toBeUndefined();
    await scene.operator().stop();
    await scene.startOperator(['--controller-class=escapement']);
    await scene.stores.until('infisical-trial', 'has a verdict', ({ status }) => status?.conditions !== undefined);
  });
});

/** Fills the double with what the pages read, and gives the way to apply their manifests. */
async function plant({ double, value, apply }: Scene): Promise<(...names: readonly string[]) => Promise<void>> {
  double.projects.add({ slug: project, environments: [{ slug: 'prod' }] });
  const texts = {
    '/DB_PASSWORD': value('/DB_PASSWORD'),
    '/shared/TOKEN': value('/shared/TOKEN'),
    '/shop/API_KEY': value('/shop/API_KEY'),
    '/shop/DB_PASSWORD': value('/shop/DB_PASSWORD'),
    '/shop/DATABASE_JSON': JSON.stringify({ primary: { host: value('host'), port: 5432 } }),
    '/shop/mail/PASSWORD': value('/shop/mail/PASSWORD'),
    '/shop/mail/DB_PASSWORD': value('/shop/mail/DB_PASSWORD'),
    '/shop-old/API_KEY': value('/shop-old/API_KEY'),
  };
  for (const [address, text] of Object.entries(texts)) {
    const slash = address.lastIndexOf('/');
    const place = { environment: 'prod', path: address.slice(0, slash) || '/', project };
    double.secrets.set({ ...place, key: address.slice(slash + 1), value: text });
  }
  const { clientId, clientSecret } = double.identities.add({
    name: 'docs',
    universal: { clientSecrets: [{ secret: value('client-secret') }] },
    access: { [project]: { role: 'viewer' } },
  });
  const replacements = {
    '<client id of the machine identity>': clientId,
    '<client secret of the machine identity>': clientSecret,
    'https://app.infisical.com': double.url,
    'https://infisical.example.com': double.url,
  };
  return async (...names) => {
    const read = names.map(async (name) => {
      const shown = await readFile(join(folder, `${name}.yaml`), 'utf8');
      return Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), shown);
    });
    await apply(...(await Promise.all(read)));
  };
}
