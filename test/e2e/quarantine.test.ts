// A process that is killed twice in the middle of heavy work on one object: the next one names it, lets it wait and serves
// everybody else, until the object changes.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readRecord } from '../../src/core/quarantine.ts';
import { kubectl, listOf } from '../support/kubectl.ts';
import { credentials, entry, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, isFailed, until } from '../support/wait.ts';

/** A scene whose operator notes what it works on; it is not started yet. */
async function noting() {
  const folder = mkdtempSync(join(tmpdir(), 'escapement-state-'));
  const scene = await createScene('quarantine', { flags: [`--state-dir=${folder}`], operator: false });
  onTestFinished(async () => {
    await scene.end();
    rmSync(folder, { recursive: true });
  });
  const reader = plantSample(scene);
  await scene.put(
    credentials('credentials', reader),
    store({ name: 'store', hostAPI: scene.double.url }),
    externalSecret({ name: 'small', spec: { refreshInterval: '1s' } }),
  );
  // Made when it is not there yet.
  const noted = () => readRecord(readFileSync(join(folder, 'running.json'), { encoding: 'utf8', flag: 'a+' }));
  return { scene, noted };
}

type Noting = Awaited<ReturnType<typeof noting>>;

/** Starts the operator and kills it in the middle of work on the object, twice; then starts the one that knows. */
async function afterTwoDeaths({ scene, noted }: Noting, object: string): Promise<void> {
  for (let death = 1; death <= 2; death++) {
    const operator = await scene.startOperator();
    await until(`a thread works on it before death ${death}`, () => {
      const { running, suspects } = noted();
      const { deaths = 0 } = suspects.find(({ key }) => key === object) ?? {};
      return deaths === death - 1 && running.some(({ key }) => key === object);
    });
    expect(noted().running.map(({ key }) => key)).toEqual([object]);
    await operator.stop('SIGKILL');
  }
  await scene.startOperator();
}

/** The log names the object, and a change upstream reaches a neighbour. */
async function expectOthersServed(scene: Scene, object: string): Promise<void> {
  const said = (words: string) => new RegExp(`"detail":"${object}"[^\n]*${words}`);
  expect(scene.operator().output()).toMatch(said('the last process died while it worked on'));
  expect(scene.operator().output()).toMatch(said('died twice while it worked on them'));
  const rotated = scene.value('rotated');
  scene.double.secrets.set({ environment: 'dev', path: '/', key: 'API_KEY', value: rotated });
  await until('others are served', async () => (await scene.secretData('small'))?.['value'] === rotated);
}

const waits = (object: string) =>
  new RegExp(
    `died twice while it worked on ${object}, the second time shortly before \\d{4}-[^ ]+Z: that waits until its spec is edited, or until \\d{4}-[^ ]+Z`,
  );

const rows = JSON.stringify(Array.from({ length: 40_000 }, (_, a) => ({ a, b: 'xxxx' })));
/** Each takes a thread some 100 ms; together they are still something that an object may ask for. */
const heavyData = Array.from({ length: 40 }, (_, i) =>
  entry(`k${i}`, '/rows/ROWS', '@pretty|@pretty|@pretty|@ugly|0.a'),
);

it('an ExternalSecret that is worked on at two deaths waits, says so, and is let out by a change', async () => {
  const made = await noting();
  const { scene } = made;
  const heavy = `ExternalSecret/${scene.namespace}/heavy`;
  scene.double.secrets.set({ environment: 'dev', path: '/rows', key: 'ROWS', value: rows });
  await scene.put(externalSecret({ name: 'heavy', spec: { refreshInterval: '1s', data: heavyData } }));
  await afterTwoDeaths(made, heavy);
  expect(condition(await scene.whenFailed('heavy'), 'Ready')?.message).toMatch(waits(heavy));
  await expectOthersServed(scene, heavy);

  await scene.edit('ExternalSecret', 'heavy', { spec: { data: heavyData.slice(0, 1) } });
  await scene.whenSynced('heavy');
  expect(await scene.secretData('heavy')).toEqual({ k0: '0' });
});

/** 12,000 values, each made of another: a thread is needed, and kubectl still notes them. */
const heavyValues = { one: 'x', all: Array.from({ length: 12_000 }, (_, i) => `\${one}${i}`) };

function environment(name: string, values: object) {
  const publish = { secretName: `${name}-published`, refreshInterval: '1s' };
  const spec = { values: { ...values, environmentVariables: { ONE: 'one' } }, publish };
  return { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata: { name }, spec };
}

/** The Environment that is heavy, one that is not, and a store over each with an ExternalSecret. */
async function plantEnvironments({ apply, put }: Scene): Promise<void> {
  await apply(listOf([environment('heavy', heavyValues), environment('light', {})]));
  for (const name of ['heavy', 'light']) {
    const data = [entry('value', 'environmentVariables', 'ONE')];
    await put(
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'SecretStore',
        metadata: { name },
        spec: { provider: { esc: { environment: name } } },
      },
      externalSecret({ name: `of-${name}`, storeRef: { name }, spec: { refreshInterval: '1s', data } }),
    );
  }
}

it('an Environment that is worked on at two deaths waits for all who open it, and an edit lets it out', async () => {
  const made = await noting();
  const { scene } = made;
  const { namespace, kubeconfig } = scene;
  const heavy = `Environment/${namespace}/heavy`;
  await plantEnvironments(scene);
  await afterTwoDeaths(made, heavy);
  const readyOf = async (name: string) => {
    const { stdout } = await kubectl(['get', 'env', name, '-n', namespace, '-o', 'json'], { kubeconfig });
    return condition(JSON.parse(stdout), 'Ready');
  };
  await until('the Environment says so', async () => (await readyOf('heavy'))?.reason === 'Quarantined');
  expect((await readyOf('heavy'))?.message).toMatch(waits(heavy));
  await until('there is an event', () => scene.eventsOf('Environment', 'heavy').length > 0);
  expect(condition(await scene.whenFailed('of-heavy'), 'Ready')?.message).toMatch(waits(heavy));
  await expectOthersServed(scene, heavy);
  await scene.whenSynced('of-light');
  expect((await readyOf('light'))?.status).toBe('True');
  expect(await scene.secretData('light-published')).toEqual({ ONE: 'one' });

  await scene.apply(environment('heavy', {}));
  await until('it is let out', async () => (await readyOf('heavy'))?.status === 'True');
  await scene.whenSynced('of-heavy');
  expect(await scene.secretData('of-heavy')).toEqual({ value: 'one' });
});

it('a SecretStore whose large answer is read at two deaths waits with all who read it, and an edit lets it out', async () => {
  const made = await noting();
  const { scene } = made;
  const large = `SecretStore/${scene.namespace}/large`;
  for (let i = 0; i < 3_000; i++)
    scene.double.secrets.set({ environment: 'dev', path: '/large', key: `K${i}`, value: `${i}`.padEnd(1_000, '.') });
  const data = [entry('value', '/large/K0')];
  await scene.put(
    store({ name: 'large', hostAPI: scene.double.url }),
    externalSecret({ name: 'of-large', storeRef: { name: 'large' }, spec: { refreshInterval: '1s', data } }),
  );
  await afterTwoDeaths(made, large);
  const told = await scene.stores.until('large', 'says so', isFailed);
  expect(condition(told, 'Ready')?.message).toMatch(waits(large));
  expect(condition(await scene.whenFailed('of-large'), 'Ready')?.message).toMatch(waits(large));
  await expectOthersServed(scene, large);

  await scene.edit('SecretStore', 'large', { spec: { refreshInterval: 3_600 } });
  await scene.whenSynced('of-large');
});
