// What stores of Pulumi ESC cost: opens, reads and logins, counted by the double, and writes to the API server, counted by its
// audit log. And that no Secret ever mixes two generations of what is rotated together.
import { describe, expect, inject, it } from 'vitest';
import { countWrites, followAudit, untilQuiet } from '../support/audit.ts';
import { type Plain, secret } from '../support/pulumi-double/values.ts';
import {
  account,
  byAccount,
  byToken,
  entry,
  externalSecret,
  type PulumiScene,
  startPulumi,
} from '../support/pulumi-scene.ts';
import { decoded } from '../support/scene.ts';
import { isReady, pause, until, untilSteady } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');
const environments = 4;
const objects = 100;

/** 100 ExternalSecrets of 5 keys each, over 4 environments, by one ServiceAccount. Nothing runs yet. */
async function fleet(
  refreshInterval: string,
  evaluationOf: (
    values: Readonly<Record<string, Plain>>,
  ) => Parameters<PulumiScene['pulumi']['environments']['set']>[1],
) {
  const made = await startPulumi({ operator: false });
  const { scene, pulumi, store } = made;
  await made.trustAccount('reader');
  const keys = Array.from({ length: 5 }, (_, k) => `k${k}`);
  const stores = Array.from({ length: environments }, (_, i) =>
    store(`store-${i}`, { ...byAccount(), environment: `env-${i}` }),
  );
  const names = Array.from({ length: objects }, (_, i) => `es-${i}`);
  for (let i = 0; i < environments; i++) {
    const values = Object.fromEntries(keys.map((key) => [key, secret(scene.value(`${i}-${key}`))]));
    pulumi.environments.set(`acme/shop/env-${i}`, evaluationOf(values));
  }
  const specOf = (i: number) => ({
    refreshInterval,
    secretStoreRef: { name: `store-${i % environments}` },
    data: keys.map((key) => entry(key, key)),
  });
  await scene.apply(account, ...stores, ...names.map((name, i) => externalSecret(name, specOf(i))));
  const allSynced = () =>
    until(
      'all are synced',
      () =>
        names.every(
          (name) => scene.secrets.get(name) !== undefined && isReady(scene.externalSecrets.get(name) ?? never),
        ),
      60_000,
    );
  return { ...made, names, allSynced };
}

const never = { metadata: {} } as Parameters<typeof isReady>[0];

describe.skipIf(auditLogPath === undefined)('100 ExternalSecrets of 5 keys over 4 environments', () => {
  it('cost 4 opens, 4 reads and 1 login in each refresh, and write nothing while nothing changes', async () => {
    const { scene, pulumi, names, allSynced } = await fleet('1h', (values) => () => values);
    const audit = await followAudit(auditLogPath ?? '');
    await scene.startOperator();
    await allSynced();
    say(`first sync: ${JSON.stringify(pulumi.counts)}`);
    expect(pulumi.counts).toMatchObject({ open: 4, read: 4, exchange: 1 });
    for (let i = 0; i < objects; i++) {
      const data = decoded((await scene.api.get(scene.address('Secret', `es-${i}`))) ?? { ...never, data: {} });
      expect(Object.keys(data).length).toBe(5);
      expect(data['k3']).toBe(scene.value(`${i % environments}-k3`));
    }

    await Promise.all(
      names.map((name) => scene.api.patch(scene.address('ExternalSecret', name), { spec: { refreshInterval: '5s' } })),
    );
    await pause(8_000); // a beat for the edits
    await untilQuiet(audit);
    const before = await scene.operator().metric('externalsecret_sync_calls_total', scene.namespace);
    await untilLeftAlone(pulumi);
    pulumi.resetCounts();
    await audit.restart();
    await pause(12_500);
    await untilLeftAlone(pulumi);
    const checks = (await scene.operator().metric('externalsecret_sync_calls_total', scene.namespace)) - before;
    say(`12.5 s of quiet waves: ${checks} checks, ${JSON.stringify(pulumi.counts)}`);
    expect(checks).toBeGreaterThanOrEqual(2 * objects);
    expect(pulumi.counts.open).toBe(pulumi.counts.read);
    expect(pulumi.counts.open).toBeGreaterThanOrEqual(2 * environments);
    expect(pulumi.counts.open).toBeLessThanOrEqual(3 * environments); // two full beats, and a third for those at the border
    expect(pulumi.counts.exchange).toBe(0);
    expect(countWrites(await audit.calls(), scene.namespace)).toEqual({});
  }, 180_000);

  it('open nothing where definitions prove that nothing changed', async () => {
    const { scene, pulumi, allSynced, names } = await fleet('5s', (values) => values);
    await scene.startOperator();
    await allSynced();
    expect(pulumi.counts).toMatchObject({ open: 4, read: 4, exchange: 1 });
    const audit = await followAudit(auditLogPath ?? '');
    await untilQuiet(audit);
    pulumi.resetCounts();
    await audit.restart();
    await pause(12_500);
    say(`12.5 s of quiet waves, proven: ${JSON.stringify(pulumi.counts)}`);
    expect(pulumi.counts).toMatchObject({ open: 0, read: 0, exchange: 0 });
    expect(pulumi.counts.definition).toBeGreaterThanOrEqual(2 * environments);
    expect(pulumi.counts.definition).toBeLessThanOrEqual(3 * environments);
    expect(countWrites(await audit.calls(), scene.namespace)).toEqual({});
    // One environment is edited: one open, and its 25 Secrets follow.
    const edited = Object.fromEntries(Array.from({ length: 5 }, (_, k) => [`k${k}`, secret(scene.value(`new-k${k}`))]));
    pulumi.environments.set('acme/shop/env-0', edited);
    const followed = (name: string) => decoded(scene.secrets.get(name) ?? never)['k0'] === scene.value('new-k0');
    await until('the edit is there', () => names.filter(followed).length === objects / environments, 30_000);
    expect(pulumi.counts).toMatchObject({ open: 1, read: 1 });
  }, 180_000);
});

describe('a triple that rotates at random', () => {
  it('is never mixed in any version of any Secret', async () => {
    const { scene, pulumi, login, store } = await startPulumi();
    let generation = 0;
    const triple = (n: number) => ({ id: `id-${n}`, key: secret(`key-${n}`), session: secret(`token-${n}`) });
    // Some are stored, as a rotator does; some are minted by the open, each time others.
    const rotate = () => {
      generation++;
      pulumi.environments.set('acme/shop/prod', generation % 2 === 0 ? triple(generation) : () => triple(++generation));
    };
    rotate();
    const spec = { refreshInterval: '1s', data: ['id', 'key', 'session'].map((key) => entry(key, key)) };
    const names = Array.from({ length: 10 }, (_, i) => `es-${i}`);
    await scene.apply(login(), store('pulumi', byToken), ...names.map((name) => externalSecret(name, spec)));
    const versions = () => scene.secrets.history().filter(({ object }) => names.includes(object.metadata.name));
    const untilMs = performance.now() + 60_000;
    while (versions().length < 150 && performance.now() < untilMs) {
      await pause(Math.random() * 400);
      rotate();
    }
    const generationsOf = (data: Record<string, string>) =>
      new Set(Object.values(data).map((text) => text.replace(/^[a-z]+-/, '')));
    const seen = versions().map(({ object }) => decoded(object));
    say(`${seen.length} versions of ${names.length} Secrets over ${generation} generations`);
    expect(seen.length).toBeGreaterThanOrEqual(100);
    expect(seen.filter((data) => Object.keys(data).length !== 3 || generationsOf(data).size !== 1)).toEqual([]);
  }, 180_000);
});

/** Waits for a moment between two beats, so that no read is counted without its open. */
async function untilLeftAlone({ counts }: PulumiScene['pulumi']): Promise<void> {
  await untilSteady('the double is left alone', () => JSON.stringify(counts), { forMs: 300 });
}

function say(line: string): void {
  process.stdout.write(`pulumi economy: ${line}\n`);
}
