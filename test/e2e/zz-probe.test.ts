import { expect, it, onTestFinished } from 'vitest';
import { createFleet } from '../support/fleet.ts';
import { createScene } from '../support/scene.ts';
import { pause, until } from '../support/wait.ts';

it('survives a flood of force-syncs', async () => {
  const ground = await createScene('flood');
  onTestFinished(() => ground.end());
  const { api, namespace, double } = ground;
  const fleet = await createFleet(ground, { objects: 1, scopes: 1 });
  await until('synced', () => fleet.problems().length === 0);
  double.faults.add({ kind: 'latency', delayMs: 300 });
  double.requests.reset();
  let stop = false;
  let n = 0;
  const flood = (async () => {
    while (!stop) {
      await api.patch({ kind: 'ExternalSecret', namespace, name: 'es-0' }, { metadata: { annotations: { 'force-sync': String(n++) } } });
      await pause(5);
    }
  })();
  await pause(500);
  let took = 0;
  for (const k of ['k0','k1','k2','k0','k1']) {
  fleet.change('es-0', k);
  const t = performance.now();
  try { await until('followed during flood', () => fleet.wrongSecrets().length === 0, 5000); console.log('took', k, performance.now() - t); } catch { took = -1; console.log('never', k) }
  }
  if (took === 0) took = 1;
  stop = true;
  await flood;
  await until('settled', () => fleet.problems().length === 0);
  console.log(`flood: ${n} patches, took ${took}, lists ${double.requests.counts().byKind.list}, states ${ground.externalSecrets.history('es-0').length}`);
  expect(took).toBeGreaterThan(0);
});

it('lands its change beside a busy writer', async () => {
  const ground = await createScene('busy');
  onTestFinished(() => ground.end());
  const { api, namespace } = ground;
  const fleet = await createFleet(ground, { objects: 1, scopes: 1, refreshInterval: '1s' });
  await until('synced', () => fleet.problems().length === 0);
  let stop = false;
  let n = 0;
  const storm = (async () => {
    while (!stop) {
      await api.patch({ kind: 'Secret', namespace, name: 'es-0' }, { metadata: { annotations: { 'other/n': String(n++) } } });
      await api.patch({ kind: 'ExternalSecret', namespace, name: 'es-0' }, { metadata: { annotations: { 'other/n': String(n++) } } });
      await pause(10);
    }
  })();
  await pause(500);
  fleet.change('es-0', 'k0');
  const t = performance.now();
  let took = -1;
  try { await until('followed during storm', () => fleet.wrongSecrets().length === 0, 8000); took = performance.now() - t; } catch {}
  stop = true;
  await storm;
  await until('settled', () => fleet.problems().length === 0);
  console.log(`storm: ${n} patches, took ${took}, es states ${ground.externalSecrets.history('es-0').length}; reds ${ground.externalSecrets.history('es-0').filter(({object}) => JSON.stringify(object.status).includes('"False"')).length}`);
  console.log(ground.secrets.get('es-0')?.metadata.annotations);
  expect(took).toBeGreaterThan(0);
});
