// Values that a template draws, on a real API server: they are not written again at an interval, at a restart or by the next
// leader, and are drawn anew after a change of what they were drawn from.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScene, type Scene } from '../support/scene.ts';
import { pause, until } from '../support/wait.ts';

let scene: Scene;

beforeAll(async () => {
  // Every refresh moves refreshTime, so that it can be seen.
  scene = await createScene('drawn', { flags: ['--heartbeat-interval=0s', '--enable-leader-election=true'] });
  await scene.apply(store('ada'));
});

afterAll(() => scene.end());

const store = (user: string) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'SecretStore',
  metadata: { name: 'values' },
  spec: { provider: { fake: { data: [{ key: 'user', value: user }] } } },
});

const data = {
  letters: '{{ randAlphaNum 16 }}',
  id: '{{ uuidv4 }}',
  at: '{{ now | unixEpoch }}-{{ now }}',
  htpasswd: '{{ htpasswd .user "password" "bcrypt" }}',
  key: '{{ genPrivateKey "ecdsa" }}',
};
/** Those that are new at each draw for certain. */
const random = ['letters', 'id', 'htpasswd', 'key'] as const;

const wish = (name: string, template: object = { data }) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret' as const,
  metadata: { name },
  spec: {
    refreshInterval: '1s',
    secretStoreRef: { name: 'values' },
    target: { template },
    data: [{ secretKey: 'user', remoteRef: { key: 'user' } }],
  },
});

const secret = (name: string) => scene.api.get(scene.address('Secret', name));

/** Waits until the object was refreshed so many times more. */
async function refreshed(name: string, times: number): Promise<void> {
  const seen = () => new Set(scene.externalSecrets.history(name).map(({ object }) => object.status?.refreshTime)).size;
  const before = seen();
  await until(`${name} is refreshed ${times} times`, () => seen() >= before + times, 30_000);
}

async function drawn(name: string): Promise<Readonly<Record<string, string>>> {
  await scene.whenSynced(name);
  return (await scene.secretData(name)) ?? {};
}

async function expectDrawnAnew(name: string, before: Readonly<Record<string, string>>): Promise<void> {
  await until(`${name} is drawn anew`, async () => {
    const now = (await scene.secretData(name)) ?? {};
    return random.every((key) => now[key] !== undefined && now[key] !== before[key]);
  });
}

describe('what a template draws', () => {
  it('is written once, over refreshes, a restart and a change of the leader', async () => {
    await scene.put(wish('lasting'));
    const before = await drawn('lasting');
    const version = (await secret('lasting'))?.metadata.resourceVersion;
    await refreshed('lasting', 2);
    const former = scene.operator();
    await scene.startOperator(); // waits for the Lease
    await pause(500);
    await former.stop();
    await until('the next one leads', async () => (await scene.operator().metric('escapement_leader')) === 1, 30_000);
    await refreshed('lasting', 2);
    await scene.operator().stop();
    await scene.startOperator();
    await refreshed('lasting', 2);
    expect(await scene.secretData('lasting')).toEqual(before);
    expect((await secret('lasting'))?.metadata.resourceVersion).toBe(version);
  });

  it('is drawn anew after a change of its values', async () => {
    await scene.put(wish('values-change'));
    const before = await drawn('values-change');
    await scene.apply(store('grace'));
    await expectDrawnAnew('values-change', before);
    expect((await scene.secretData('values-change'))?.['htpasswd']).toMatch(/^grace:/);
  });

  it('is drawn anew after a change of its text', async () => {
    await scene.put(wish('text-change'));
    const before = await drawn('text-change');
    await scene.put(wish('text-change', { data: { ...data, more: 'x' } }));
    await expectDrawnAnew('text-change', before);
  });

  it('is drawn anew after a change of a ConfigMap that it is taken from', async () => {
    const source = (text: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'texts' },
      data: { extra: text },
    });
    await scene.apply(source('one'));
    const templateFrom = [{ configMap: { name: 'texts', items: [{ key: 'extra' }] } }];
    await scene.put(wish('source-change', { data, templateFrom }));
    const before = await drawn('source-change');
    await scene.apply(source('two'));
    await expectDrawnAnew('source-change', before);
    expect((await scene.secretData('source-change'))?.['extra']).toBe('two');
  });

  it('is drawn anew for a target of another type', async () => {
    await scene.put(wish('type-change'));
    const before = await drawn('type-change');
    await scene.api.delete(scene.address('Secret', 'type-change')); // a type cannot be edited
    await scene.put(wish('type-change', { data, type: 'example.com/other' }));
    await expectDrawnAnew('type-change', before);
    await until('the type is new', async () => (await secret('type-change'))?.type === 'example.com/other');
  });

  it('is drawn anew by force-sync', async () => {
    await scene.put(wish('forced'));
    const before = await drawn('forced');
    await scene.edit('ExternalSecret', 'forced', { metadata: { annotations: { 'force-sync': '1' } } });
    await expectDrawnAnew('forced', before);
  });
});
