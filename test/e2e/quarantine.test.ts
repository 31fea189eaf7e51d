// A process that is killed twice in the middle of heavy work on one object: the next one names it, lets it wait and serves
// everybody else, until the object changes.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readRecord } from '../../src/core/quarantine.ts';
import { credentials, entry, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, until } from '../support/wait.ts';

const rows = JSON.stringify(Array.from({ length: 40_000 }, (_, a) => ({ a, b: 'xxxx' })));
/** Each takes a thread some 100 ms; together they are still something that an object may ask for. */
const heavyData = Array.from({ length: 40 }, (_, i) => entry(`k${i}`, 'ROWS', '@pretty|@pretty|@pretty|@ugly|0.a'));

async function plant(scene: Scene): Promise<void> {
  const reader = plantSample(scene);
  scene.double.secrets.set({ environment: 'dev', path: '/', key: 'ROWS', value: rows });
  await scene.put(
    credentials('credentials', reader),
    store({ name: 'store', hostAPI: scene.double.url }),
    externalSecret({ name: 'heavy', spec: { refreshInterval: '1s', data: heavyData } }),
    externalSecret({ name: 'small', spec: { refreshInterval: '1s' } }),
  );
}

it('an object that is worked on at two deaths waits, says so, and is let out by a change', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'escapement-state-'));
  const scene = await createScene('quarantine', { flags: [`--state-dir=${folder}`], operator: false });
  onTestFinished(async () => {
    await scene.end();
    rmSync(folder, { recursive: true });
  });
  // Made when it is not there yet.
  const noted = () => readRecord(readFileSync(join(folder, 'running.json'), { encoding: 'utf8', flag: 'a+' }));
  const heavy = `ExternalSecret/${scene.namespace}/heavy`;
  await plant(scene);
  for (let death = 1; death <= 2; death++) {
    const operator = await scene.startOperator();
    await until(`a thread works on it before death ${death}`, () => {
      const { running, suspects } = noted();
      const { deaths = 0 } = suspects.find(({ key }) => key === heavy) ?? {};
      return deaths === death - 1 && running.some(({ key }) => key === heavy);
    });
    expect(noted().running.map(({ key }) => key)).toEqual([heavy]);
    await operator.stop('SIGKILL');
  }

  const operator = await scene.startOperator();
  const said = (words: string) => new RegExp(`"detail":"${heavy}"[^\n]*${words}`);
  const waits = await scene.whenFailed('heavy');
  expect(condition(waits, 'Ready')?.message).toContain('the operator died twice while it worked on this object');
  expect(operator.output()).toMatch(said('the last process died while it worked on'));
  expect(operator.output()).toMatch(said('died twice while it worked on them'));
  const rotated = scene.value('rotated');
  scene.double.secrets.set({ environment: 'dev', path: '/', key: 'API_KEY', value: rotated });
  await until('others are served', async () => (await scene.secretData('small'))?.['value'] === rotated);

  await scene.edit('ExternalSecret', 'heavy', { spec: { data: heavyData.slice(0, 1) } });
  await scene.whenSynced('heavy');
  expect(await scene.secretData('heavy')).toEqual({ k0: '0' });
});
