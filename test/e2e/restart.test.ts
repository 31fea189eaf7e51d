// Processes that end: killed at any point, or told to stop. Whatever happens, the Secrets converge, and none is written that
// was right already. What becomes of the lease is in replicas.test.ts.
import { afterEach, describe, expect, inject, it } from 'vitest';
import { countWrites, followAudit, writesOf } from '../support/audit.ts';
import { createFleet, statesOf } from '../support/fleet.ts';
import { kubectl } from '../support/kubectl.ts';
import { startOperator } from '../support/operator.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, pause, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');
const scenes: Scene[] = [];

afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.end();
});

async function scene(): Promise<Scene> {
  const made = await createScene('restart', { operator: false });
  scenes.push(made);
  return made;
}

describe('an operator that is killed', () => {
  it('converges after any number of kills, and rewrites no Secret that is right', async () => {
    const ground = await scene();
    const fleet = await createFleet(ground, { objects: 100, scopes: 4, refreshInterval: '2s' });
    const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
    // During the first sync: whenever some ten Secrets more are there.
    for (let created = 5; created <= 85; created += 10) {
      await killAt(ground, `${created} Secrets are there`, () => fleet.rightSecrets().size >= created);
    }
    await ground.startOperator();
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED`));

    // During the updates after a change of every value upstream.
    await ground.operator().stop('SIGKILL');
    for (const name of fleet.names) fleet.change(name, 'k1');
    for (let updated = 10; updated <= 90; updated += 20) {
      await killAt(ground, `${updated} Secrets are updated`, () => fleet.rightSecrets().size >= updated);
    }
    await ground.startOperator();
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    await pause(3_000); // a wave in which nothing is left to do
    expect(fleet.problems()).toEqual([]);
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED MODIFIED`));
    if (audit === undefined) return;
    const secretWrites = writesOf(await audit.calls(), ground.namespace).filter((call) => call.resource === 'secrets');
    // 504 is what the log says of a caller that went away; nothing else was refused, and nothing written twice.
    expect(secretWrites.map(({ code }) => code).filter((code) => code >= 400 && code !== 504)).toEqual([]);
    say(`14 kills: ${JSON.stringify(countWrites(await audit.calls(), ground.namespace))}`);
  }, 180_000);
});

describe('an operator that is told to stop', () => {
  it('ends in time in the middle of writing, and gives back token and lease', async () => {
    const ground = await scene();
    const { namespace, double, kubeconfig } = ground;
    const fleet = await createFleet(ground, { objects: 200, scopes: 4 });
    const flags = ['--enable-leader-election=true', `--leader-election-namespace=${namespace}`];
    double.faults.add({ kind: 'hang', when: { path: '/s3' } }); // these must be abandoned
    await ground.startOperator(flags);
    await until('writing has begun', () => fleet.rightSecrets().size >= 10, 30_000);
    const startedMs = performance.now();
    expect(await ground.operator().stop()).toBe(0);
    const tookMs = performance.now() - startedMs;
    await pause(500); // what was written last is on its way to the watch
    const done = fleet.rightSecrets().size;
    say(`SIGTERM while writing: ended after ${Math.round(tookMs)} ms with ${done} of 200 Secrets written`);
    expect(tookMs).toBeLessThan(10_000);
    expect(done).toBeLessThanOrEqual(150);
    expect(fleet.wrongSecrets().filter((line) => !line.endsWith('has no Secret'))).toEqual([]);
    // Nothing is left half done: whoever has its Secret says so.
    const written = [...fleet.rightSecrets().keys()];
    const isTold = (name: string) => condition(ground.externalSecrets.get(name), 'Ready')?.status === 'True';
    await until('the statuses are seen', () => written.every(isTold), 2_000);
    expect(double.requests.counts().byKind).toMatchObject({ login: 1, revoke: 1 });
    const lease = ['get', 'lease', 'escapement-controller', '-n', namespace, '-o', 'jsonpath={.spec.holderIdentity}'];
    expect((await kubectl(lease, { kubeconfig })).stdout).toBe('');

    double.faults.clear();
    const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
    await ground.startOperator(flags);
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED`));
    if (audit === undefined) return;
    // What was right is not so much as asked to be written again, which the watch would not show.
    const writes = countWrites(await audit.calls(), namespace);
    expect(writes).toMatchObject({ 'create secrets': 200 - done, 'patch externalsecrets/status': 200 - done });
    expect(Object.keys(writes).filter((what) => /^(update|patch|delete) secrets$/.test(what))).toEqual([]);
  });

  it('does not wait for an upstream that hangs', async () => {
    const ground = await scene();
    ground.double.faults.add({ kind: 'hang' });
    await createFleet(ground, { objects: 2, scopes: 2 });
    await ground.startOperator();
    await until('a request hangs', () => ground.double.requests.counts().inFlight > 0);
    const startedMs = performance.now();
    expect(await ground.operator().stop()).toBe(0);
    const tookMs = Math.round(performance.now() - startedMs);
    say(`SIGTERM while the upstream hangs: ended after ${tookMs} ms`);
    expect(tookMs).toBeLessThan(2_500);
  });
});

/** Runs an operator until something has come about, and kills it some ms later. */
async function killAt(ground: Scene, what: string, isSo: () => boolean): Promise<void> {
  const operator = await startOperator({ kubeconfig: ground.kubeconfig, namespace: ground.namespace }, false);
  try {
    await until(what, isSo, 30_000);
    await pause(Math.random() * 40);
  } finally {
    await operator.stop('SIGKILL');
  }
}

function say(line: string): void {
  process.stdout.write(`restart: ${line}\n`);
}
