// Clocks that are wrong: a machine's that is minutes off, one that is set while the operator runs, replicas that disagree.
// What lasts (leases, tokens, pauses, intervals) is measured, so nothing stops and nothing storms; what is written down
// (refreshTime, lastTransitionTime) is what the clock says.
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { countWrites, followAudit } from '../support/audit.ts';
import { createFleet } from '../support/fleet.ts';
import { kubernetesVerifier } from '../support/infisical-double/verifiers.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { kubectl } from '../support/kubectl.ts';
import type { Operator } from '../support/operator.ts';
import { externalSecret, plantSample, project, store } from '../support/samples.ts';
import { createScene, type Scene, type SceneOptions } from '../support/scene.ts';
import { type SettableClock, settableClock } from '../support/set-clock.ts';
import { condition, pause, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');
const hourMs = 3_600_000;
const minuteMs = 60_000;
const lease = { durationMs: 4_000, renewDeadlineMs: 3_000, retryMs: 1_000 };
/** A status holds whole seconds, and was written some moments ago. */
const roughlyMs = 15_000;

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.end();
});

async function scene(options: SceneOptions = {}): Promise<Scene> {
  const made = await createScene('clock', { operator: false, ...options });
  scenes.push(made);
  return made;
}

async function clockAt(offsetMs: number): Promise<SettableClock> {
  const clock = await settableClock(offsetMs);
  onTestFinished(() => clock.remove());
  return clock;
}

describe('a clock that is set while the operator runs', () => {
  it('makes no token older, no refresh later and no request more', async () => {
    const ground = await scene();
    const { double } = ground;
    const clock = await clockAt(0);
    // By the wall clock the tokens would end with the first step, or never with the second.
    const tokens = { ttlSeconds: 3_600, maxTtlSeconds: 7_200 };
    const fleet = await createFleet(ground, { objects: 12, scopes: 3, refreshInterval: '2s', tokens });
    const operator = await ground.startOperator([], { env: clock.env });
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    const transitions = transitionsOf(ground, fleet.names);

    for (const [step, offsetMs] of [hourMs, -hourMs, 0].entries()) {
      await settled(operator);
      const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
      double.requests.reset();
      const seen = ground.secrets.history().length;
      await clock.set(operator, offsetMs);
      const startedMs = performance.now();
      await pause(5_000); // some waves in which nothing has changed
      const waves = Math.ceil((performance.now() - startedMs) / 2_000) + 1;
      const { list, login } = double.requests.counts().byKind;
      say(`clock at ${offsetMs / hourMs} h: ${list} lists of 3 scopes in 5 s, ${login} logins`);
      expect(list).toBeGreaterThanOrEqual(3);
      expect(list).toBeLessThanOrEqual(3 * waves);
      expect(login).toBe(0);
      expect(ground.secrets.history().length).toBe(seen);
      if (audit !== undefined) {
        // At most one heartbeat for each object, as the hour between two of them seems to be over.
        const { 'patch externalsecrets/status': told = 0, ...others } = countWrites(
          await audit.calls(),
          ground.namespace,
        );
        expect([told <= 12, others]).toEqual([true, {}]);
      }
      const key = `k${step}`;
      for (const name of fleet.names) fleet.change(name, key);
      await until('the changes are there', () => fleet.problems().length === 0, 10_000);
      for (const name of fleet.names) {
        const refreshed = Date.parse(ground.externalSecrets.get(name)?.status?.refreshTime ?? '');
        expect(Math.abs(refreshed - clock.nowMs())).toBeLessThan(roughlyMs);
      }
      expect(transitionsOf(ground, fleet.names)).toEqual(transitions);
    }
    expect(double.requests.counts().byKind.login).toBe(0);
  });

  it.each([-hourMs, hourMs])('by %i ms does not keep a token from being renewed in time', async (byMs) => {
    const ground = await scene();
    const { double } = ground;
    const clock = await clockAt(0);
    const tokens = { ttlSeconds: 8, maxTtlSeconds: 8 };
    const fleet = await createFleet(ground, { objects: 2, scopes: 1, refreshInterval: '1s', tokens });
    const operator = await ground.startOperator([], { env: clock.env });
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    await clock.set(operator, byMs);
    double.requests.reset();
    await pause(17_000);
    const { byKind, byStatus } = double.requests.counts();
    say(`clock by ${byMs / hourMs} h, tokens of 8 s: ${byKind.login} logins in 17 s, ${byKind.list} lists`);
    expect(byKind.login).toBeGreaterThanOrEqual(2);
    expect(byKind.login).toBeLessThanOrEqual(4);
    expect(byStatus['401'] ?? 0).toBe(0);
    expect(byKind.list).toBeGreaterThanOrEqual(12);
    const red = ground.externalSecrets.history().filter(({ object }) => condition(object, 'Ready')?.status === 'False');
    expect(red).toEqual([]);
  });

  it('tells the present verdict with the present time, also one that lies before the last', async () => {
    const ground = await scene();
    const clock = await clockAt(0);
    const fleet = await createFleet(ground, { objects: 1, scopes: 1, refreshInterval: '1s' });
    const operator = await ground.startOperator([], { env: clock.env });
    await until('it is synced', () => fleet.problems().length === 0);
    await clock.set(operator, -hourMs);
    // A fault of content is told at once, other than a source that does not answer.
    ground.double.faults.add({ kind: 'status', status: 403 });
    const red = await ground.whenFailed('es-0');
    expect(Math.abs(transitionOf(red) - clock.nowMs())).toBeLessThan(roughlyMs);
    ground.double.faults.clear();
    const green = await ground.whenSynced('es-0');
    expect(Math.abs(transitionOf(green) - clock.nowMs())).toBeLessThan(roughlyMs);
  });
});

describe('a clock that is wrong from the start', () => {
  it.each([-hourMs, hourMs])('by %i ms rewrites no Secret and holds up no change', async (offsetMs) => {
    const ground = await scene();
    const fleet = await createFleet(ground, { objects: 6, scopes: 2, refreshInterval: '2s' });
    const before = await ground.startOperator();
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    await settled(before);
    expect(await before.stop()).toBe(0);
    ground.double.requests.reset();
    const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
    await ground.startOperator([], { env: (await clockAt(offsetMs)).env });
    await pause(5_000);
    const { list, login } = ground.double.requests.counts().byKind;
    say(`started ${offsetMs / hourMs} h off: ${list} lists of 2 scopes in 5 s, ${login} logins`);
    expect(list).toBeLessThanOrEqual(2 * 5);
    expect(login).toBe(1);
    if (audit !== undefined) {
      const writes = countWrites(await audit.calls(), ground.namespace);
      expect(writes['patch externalsecrets/status'] ?? 0).toBeLessThanOrEqual(6);
      expect(Object.keys(writes).filter((what) => what.endsWith(' secrets'))).toEqual([]);
    }
    for (const name of fleet.names) fleet.change(name, 'k0');
    await until('the changes are there', () => fleet.problems().length === 0, 10_000);
  });

  it('does not make a token look old that the API server has just made', async () => {
    const ground = await scene({ values: { rbac: { serviceAccountTokenCreate: true } } });
    const { double, kubeconfig, namespace } = ground;
    plantSample(ground);
    const seen: string[] = [];
    const review = async (jwt: string) => {
      seen.push(jwt);
      return { username: `system:serviceaccount:${namespace}:app` };
    };
    const { id } = double.identities.add({
      name: 'minted',
      methods: { kubernetes: kubernetesVerifier({ review }) },
      access: { [project]: { role: 'viewer' } },
    });
    await kubectl(['create', 'serviceaccount', 'app', '-n', namespace], { kubeconfig });
    const kubernetesAuthCredentials = {
      identityId: { name: 'identity', key: 'id' },
      serviceAccountRef: { name: 'app' },
    };
    await ground.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'identity' }, stringData: { id } },
      store({ name: 'store', hostAPI: double.url, auth: { kubernetesAuthCredentials } }),
      externalSecret({ name: 'app' }),
    );
    await ground.startOperator([], { env: (await clockAt(hourMs)).env });
    await ground.whenSynced('app');
    expect(seen).toHaveLength(1);
  });
});

describe('replicas whose clocks disagree', () => {
  it.each([
    { why: 'ahead of', leaderMs: -10 * minuteMs, followerMs: 10 * minuteMs },
    { why: 'behind', leaderMs: 10 * minuteMs, followerMs: -10 * minuteMs },
  ])('respect the lease when the follower is $why the leader', async ({ leaderMs, followerMs }) => {
    const ground = await scene();
    const fleet = await createFleet(ground, { objects: 6, scopes: 2, refreshInterval: '2s' });
    const replica = async (offsetMs: number) => {
      const { durationMs, renewDeadlineMs, retryMs } = lease;
      const flags = [
        '--enable-leader-election=true',
        `--leader-election-namespace=${ground.namespace}`,
        `--leader-election-lease-duration=${durationMs}ms`,
        `--leader-election-renew-deadline=${renewDeadlineMs}ms`,
        `--leader-election-retry-period=${retryMs}ms`,
      ];
      const operator = await ground.startOperator(flags, { env: (await clockAt(offsetMs)).env });
      onTestFinished(async () => void (await operator.stop('SIGKILL')));
      return operator;
    };
    const leader = await replica(leaderMs);
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    const follower = await replica(followerMs);
    await pause(2.5 * lease.durationMs);
    expect([await leads(leader), await leads(follower)]).toEqual([1, 0]);
    expect(leader.output()).not.toContain('leadership lost');
    expect(Math.abs((await renewedMs(ground)) - (Date.now() + leaderMs))).toBeLessThan(lease.durationMs);

    await leader.stop('SIGKILL');
    const killedMs = performance.now();
    await until('the follower leads', async () => (await leads(follower)) === 1, 20_000);
    const tookMs = Math.round(performance.now() - killedMs);
    say(`leader ${leaderMs / minuteMs} min off killed: led by one ${followerMs / minuteMs} min off after ${tookMs} ms`);
    expect(tookMs).toBeGreaterThan(lease.durationMs - lease.retryMs - 500);
    expect(tookMs).toBeLessThan(lease.durationMs + 2_000);
    for (const name of fleet.names) fleet.change(name, 'k0');
    await until('the changes are there', () => fleet.problems().length === 0, 10_000);
  });
});

function leads(operator: Operator): Promise<number> {
  return operator.metric('escapement_leader');
}

async function renewedMs({ kubeconfig, namespace }: Scene): Promise<number> {
  const path = 'jsonpath={.spec.renewTime}';
  const args = ['get', 'lease', 'escapement-controller', '-n', namespace, '-o', path];
  return Date.parse((await kubectl(args, { kubeconfig })).stdout);
}

/** Events come last, at the lowest priority: until they are written the audit log is not quiet. */
async function settled(operator: Operator): Promise<void> {
  await until('it leads', async () => (await leads(operator)) === 1);
  await pause(1_500);
}

function transitionOf(object: ApiObject | undefined): number {
  return Date.parse(condition(object, 'Ready')?.lastTransitionTime ?? '');
}

function transitionsOf({ externalSecrets }: Scene, names: readonly string[]): readonly number[] {
  return names.map((name) => transitionOf(externalSecrets.get(name)));
}

function say(line: string): void {
  process.stdout.write(`clock: ${line}\n`);
}
