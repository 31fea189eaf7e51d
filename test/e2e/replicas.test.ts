// Two replicas and one lease: the leader is stopped, killed, frozen and woken. The other one takes over as soon as it may, no
// Secret is written twice, and who has lost the lease writes nothing.
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { followAudit, secretsWrittenOver, writesOf } from '../support/audit.ts';
import { createFleet, statesOf } from '../support/fleet.ts';
import { kubectl } from '../support/kubectl.ts';
import type { Operator } from '../support/operator.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { pause, timed, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');
const lease = { durationMs: 4_000, renewDeadlineMs: 3_000, retryMs: 1_000 };
/** The promise for a clean stop. */
const handOverMs = 2_000;
/** Nobody waits longer than the lease; the rest is for a machine that is busy. */
const takeOverMs = lease.durationMs + 2_000;

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.end();
});

/** A fleet that is synced, and a way to start replicas that share it. */
async function setUp(objects: number) {
  const ground = await createScene('replicas', { operator: false });
  scenes.push(ground);
  const fleet = await createFleet(ground, { objects, scopes: 2, refreshInterval: '2s' });
  const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
  const replica = async (): Promise<Operator> => {
    const operator = await ground.startOperator([
      '--enable-leader-election=true',
      `--leader-election-namespace=${ground.namespace}`,
      `--leader-election-lease-duration=${lease.durationMs}ms`,
      `--leader-election-renew-deadline=${lease.renewDeadlineMs}ms`,
      `--leader-election-retry-period=${lease.retryMs}ms`,
    ]);
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    return operator;
  };
  return {
    ground,
    fleet,
    replica,
    followed: (withinMs = 20_000) => until('the change is followed', () => fleet.problems().length === 0, withinMs),
    change: (key: string) => {
      for (const name of fleet.names) fleet.change(name, key);
    },
    /** Secrets that were written more often than there was reason to: their creation, and so many changes. */
    writtenTwice: async (changes: number) =>
      audit === undefined ? [] : secretsWrittenOver(1 + changes, await audit.calls(), ground.namespace),
    /** Writes that were asked for, whatever came of them; those of the lease apart. */
    async asked() {
      const writes = audit === undefined ? [] : writesOf(await audit.calls(), ground.namespace);
      return writes.filter(({ resource }) => resource !== 'leases').length;
    },
  };
}

describe('of two replicas', () => {
  it('the other one leads within 2 s when the leader is told to stop', async () => {
    const { ground, fleet, replica, followed, change, writtenTwice } = await setUp(20);
    let leader = await replica();
    await followed();
    for (let turn = 1; turn <= 3; turn++) {
      const follower = await replica();
      expect(await roles(leader, follower)).toEqual(['leader', 'follower']);
      const tookMs = await timed(async () => {
        const ended = leader.stop();
        await until('the other one leads', async () => (await leads(follower)) === 1);
        expect(await ended).toBe(0);
      });
      change('k0');
      await followed();
      say(`leader stopped: the other one leads after ${tookMs} ms`);
      expect(tookMs).toBeLessThan(handOverMs);
      expect(await holder(ground)).toContain('escapement-0_');
      leader = follower;
    }
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED MODIFIED MODIFIED MODIFIED`));
    expect(await writtenTwice(3)).toEqual([]);
  });

  it('the other one leads within 2 s of its end when the leader is told to stop in the middle of writing', async () => {
    const { ground, fleet, replica, followed, change, writtenTwice } = await setUp(200);
    const leader = await replica();
    await followed();
    const follower = await replica();
    const before = ground.secrets.history().length;
    change('k0');
    await until('writing has begun', () => ground.secrets.history().length > before + 10);
    const ended = leader.stop();
    const endedMs = ended.then(() => performance.now());
    await until('the other one leads', async () => (await leads(follower)) === 1);
    const leadingMs = performance.now();
    expect(await ended).toBe(0);
    say(`stopped while writing: leading ${Math.round(leadingMs - (await endedMs))} ms after the end of the other`);
    expect(leadingMs - (await endedMs)).toBeLessThan(handOverMs);
    await followed();
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED MODIFIED`));
    expect(await writtenTwice(1)).toEqual([]);
  });

  it('the other one leads when the lease of a killed leader has run out, and no sooner', async () => {
    const { ground, fleet, replica, followed, change, writtenTwice } = await setUp(20);
    const leader = await replica();
    await followed();
    const follower = await replica();
    change('k0');
    await followed();
    expect(await follower.metric('escapement_secret_writes_total')).toBe(0);
    await leader.stop('SIGKILL');
    const killedMs = performance.now();
    change('k1');
    await until('the other one leads', async () => (await leads(follower)) === 1, 20_000);
    const tookMs = Math.round(performance.now() - killedMs);
    await followed();
    say(`leader killed: the other one leads after ${tookMs} ms (lease ${lease.durationMs} ms)`);
    // It was renewed a period before the end at the earliest.
    expect(tookMs).toBeGreaterThan(lease.durationMs - lease.retryMs - 500);
    expect(tookMs).toBeLessThan(takeOverMs);
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED MODIFIED MODIFIED`));
    expect(await writtenTwice(2)).toEqual([]);
  });

  it('one that was frozen as the leader writes nothing when it wakes, and may lead again', async () => {
    const { ground, fleet, replica, followed, change, asked, writtenTwice } = await setUp(20);
    const first = await replica();
    await followed();
    const second = await replica();
    process.kill(first.pid, 'SIGSTOP');
    change('k0');
    await followed();
    await pause(1_500); // events are written last
    const seen = ground.secrets.history().length;
    const before = await asked();
    process.kill(first.pid, 'SIGCONT');
    await pause(lease.durationMs + 500);
    expect(await roles(first, second)).toEqual(['follower', 'leader']);
    expect(ground.secrets.history().length).toBe(seen);
    expect(await asked()).toBe(before);
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED MODIFIED`));

    expect(await second.stop()).toBe(0);
    change('k1');
    await followed();
    expect(await leads(first)).toBe(1);
    expect(await writtenTwice(2)).toEqual([]);
    expect(await first.stop()).toBe(0);
    expect(await holder(ground)).toBe('');
  });

  it('one that is frozen for less than the lease goes on as the leader', async () => {
    const { ground, fleet, replica, followed, change } = await setUp(20);
    const first = await replica();
    await followed();
    const second = await replica();
    // Longer than its own right to write, shorter than the lease: it leads anew, over the remains of what it was doing.
    for (let turn = 0; turn < 3; turn++) {
      change('k0');
      process.kill(first.pid, 'SIGSTOP');
      await pause(lease.renewDeadlineMs + 200);
      process.kill(first.pid, 'SIGCONT');
      await followed();
      expect((await leads(first)) + (await leads(second))).toBe(1);
    }
    const perSecret = ['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED'].join(' ');
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ${perSecret}`));
    expect(first.output()).not.toContain('"level":50');
  });
});

function leads(operator: Operator): Promise<number> {
  return operator.metric('escapement_leader');
}

function roles(...operators: readonly Operator[]): Promise<readonly string[]> {
  return Promise.all(operators.map(async (operator) => ((await leads(operator)) === 1 ? 'leader' : 'follower')));
}

async function holder({ namespace, kubeconfig }: Scene): Promise<string> {
  const path = 'jsonpath={.spec.holderIdentity}';
  return (await kubectl(['get', 'lease', 'escapement-controller', '-n', namespace, '-o', path], { kubeconfig })).stdout;
}

function say(line: string): void {
  process.stdout.write(`replicas: ${line}\n`);
}
