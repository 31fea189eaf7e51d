// The network between the operator and its API server fails, while the API server itself is well: it falls silent, is cut, or
// forgets connections. The operator stays alive, gives up the lease in time, and goes on by itself; nothing is lost, nothing
// is written twice, and nobody leads beside another.
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { kubeconfigWith } from '../support/account-kubeconfig.ts';
import { followAudit, secretsWrittenOver } from '../support/audit.ts';
import { createFleet, statesOf } from '../support/fleet.ts';
import type { Operator } from '../support/operator.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { pause, timed, until } from '../support/wait.ts';
import { startWire, type Wire } from '../support/wire.ts';

const { auditLogPath, server } = inject('controlPlane');
const isLong = process.env['ESCAPEMENT_LONG_FAULTS'] !== undefined;
/** The long run has the lease's own times, and the minute that is promised; the short one both in proportion. */
const lease = isLong
  ? { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 }
  : { durationMs: 4_000, renewDeadlineMs: 3_000, retryMs: 1_000 };
const outageMs = isLong ? 60_000 : 7_000;
/** The promise is a few seconds; the API server's load is not ours to choose. */
const resumedWithinMs = 20_000;

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.end();
});

async function scene(): Promise<Scene> {
  const made = await createScene('network', { operator: false });
  scenes.push(made);
  return made;
}

const outages = [
  { what: 'falls silent', begin: (wire: Wire) => wire.silence(), end: (wire: Wire) => wire.resume() },
  { what: 'is cut', begin: (wire: Wire) => wire.cut(), end: (wire: Wire) => wire.mend() },
] as const;

describe('while the network', () => {
  it.each(outages)('$what, the operator waits, and then goes on by itself', async ({ what, begin, end }) => {
    const ground = await scene();
    const fleet = await createFleet(ground, { objects: 12, scopes: 3, refreshInterval: '2s' });
    const { wire, operator } = await startBehindWire(ground);
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
    ground.double.requests.reset();
    const lines = operator.output().split('\n').length;

    await begin(wire);
    for (const name of fleet.names) fleet.change(name, 'k0');
    const seen = await watchHealth(operator, outageMs);
    expect(seen).toEqual(new Set(['alive 200', 'ready 200']));
    expect(await operator.metric('escapement_leader')).toBe(0);
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED`));
    const tookMs = await timed(async () => {
      await end(wire);
      await until('the changes are there', () => fleet.problems().length === 0, 60_000);
    });

    const printed = operator.output().split('\n').length - lines;
    const { login, list } = ground.double.requests.counts().byKind;
    say(`the network ${what} for ${outageMs} ms: followed ${tookMs} ms after, ${printed} lines, ${login} logins`);
    expect(tookMs).toBeLessThan(resumedWithinMs);
    expect(operator.output()).not.toContain('"level":50'); // an error, in pino's numbers
    expect(printed).toBeLessThan(100 + outageMs / 100);
    expect(login).toBeLessThanOrEqual(1); // the session went with the leadership
    expect(list).toBeLessThanOrEqual(3 * (2 + Math.ceil((outageMs + tookMs) / 2_000)));
    await pause(2_500); // a wave in which nothing is left to do
    expect(statesOf(ground, fleet)).toEqual(fleet.names.map((name) => `${name}: ADDED MODIFIED`));
    expect(fleet.problems()).toEqual([]);
    if (audit !== undefined) expect(secretsWrittenOver(1, await audit.calls(), ground.namespace)).toEqual([]);
  });

  it('lets the leader down, another leads, and the first writes nothing when it is back', async () => {
    const ground = await scene();
    const fleet = await createFleet(ground, { objects: 12, scopes: 3, refreshInterval: '2s' });
    const { wire, operator: first } = await startBehindWire(ground);
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    const second = await ground.startOperator(flags(ground));
    const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);

    // Cut off in the middle of writing: what was sent arrives when the other one has long done it.
    for (const name of fleet.names) fleet.change(name, 'k0');
    await ground.secrets.until(fleet.names[0] ?? '', 'is followed', () => fleet.wrongSecrets().length < 12, 10_000);
    wire.silence();
    const silentMs = performance.now();
    for (const name of fleet.names) fleet.change(name, 'k1');
    const atOnce = watchLeaders([first, second], outageMs + 2 * lease.durationMs);
    await until('the other one leads', async () => (await leads(second)) === 1, lease.durationMs * 3);
    const tookMs = Math.round(performance.now() - silentMs);
    await until('the changes are there', () => fleet.problems().length === 0, 30_000);
    say(`leader cut off: the other one leads after ${tookMs} ms (lease ${lease.durationMs} ms)`);
    expect(tookMs).toBeLessThan(lease.durationMs + 2_000);

    await pause(Math.max(0, outageMs - (performance.now() - silentMs)));
    const before = ground.secrets.history().length;
    wire.resume();
    expect(await atOnce).toBeLessThanOrEqual(1);
    expect([await leads(first), await leads(second)]).toEqual([0, 1]);
    expect(ground.secrets.history().length).toBe(before);
    expect(fleet.problems()).toEqual([]);
    // Two changes: at most two good writes of each; what came late was refused.
    if (audit !== undefined) expect(secretsWrittenOver(2, await audit.calls(), ground.namespace)).toEqual([]);
    expect(await first.stop()).toBe(0);
  });

  it('forgets its connections, the leader goes on leading over new ones', async () => {
    const ground = await scene();
    const fleet = await createFleet(ground, { objects: 60, scopes: 3, refreshInterval: '2s' });
    const { wire, operator } = await startBehindWire(ground);
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    expect(wire.connections()).toBeGreaterThan(8); // more than there is time to find dead one by one
    // An answer that is under way now would be waited for as long as any call may take, which is not what is looked at here.
    await until('no call is under way', async () => (await underWay(operator)) === 0);
    await until('all is told', () => fleet.names.every((name) => ground.eventsOf('ExternalSecret', name).length > 0));
    wire.strand();
    await pause(2 * lease.durationMs);
    expect(await leads(operator)).toBe(1);
    expect(operator.output()).not.toContain('leadership lost');
    for (const name of fleet.names) fleet.change(name, 'k0');
    const tookMs = await timed(() => until('the changes are there', () => fleet.wrongSecrets().length === 0, 10_000));
    say(`connections forgotten: changes upstream are followed in ${tookMs} ms`);
    if (!isLong) return;
    // What the API server tells is heard again once its watches are missed.
    const mark = { metadata: { labels: { heard: 'yes' } } };
    await ground.api.patch(ground.address('ExternalSecret', 'es-0'), mark);
    const heardMs = await timed(() =>
      ground.secrets.until('es-0', 'has the label', ({ metadata }) => metadata.labels?.['heard'] === 'yes', 260_000),
    );
    say(`connections forgotten: an edit is heard of after ${heardMs} ms`);
  }, 400_000);
});

function flags({ namespace }: Scene): readonly string[] {
  const { durationMs, renewDeadlineMs, retryMs } = lease;
  return [
    '--enable-leader-election=true',
    `--leader-election-namespace=${namespace}`,
    `--leader-election-lease-duration=${durationMs}ms`,
    `--leader-election-renew-deadline=${renewDeadlineMs}ms`,
    `--leader-election-retry-period=${retryMs}ms`,
  ];
}

/** An operator that reaches the API server over a wire of the test's. */
async function startBehindWire(ground: Scene): Promise<{ wire: Wire; operator: Operator }> {
  const wire = await startWire({ server });
  onTestFinished(() => wire.close());
  const through = (path: string) => kubeconfigWith(path, { server: wire.server });
  const operator = await ground.startOperator(flags(ground), { through });
  onTestFinished(async () => void (await operator.stop('SIGKILL')));
  await until('it leads', async () => (await leads(operator)) === 1, 30_000);
  return { wire, operator };
}

function leads(operator: Operator): Promise<number> {
  return operator.metric('escapement_leader');
}

/** Runs, which a call that waits for its answer holds up. */
function underWay(operator: Operator): Promise<number> {
  return operator.metric('controller_runtime_active_workers', 'externalsecret');
}

/** Every answer that the probes of a kubelet would get meanwhile. */
async function watchHealth({ healthUrl }: Operator, forMs: number): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs) {
    seen.add(`alive ${(await fetch(`${healthUrl}/healthz`)).status}`);
    seen.add(`ready ${(await fetch(`${healthUrl}/readyz`)).status}`);
    await pause(100);
  }
  return seen;
}

/** The most operators that said at the same time that they lead. */
async function watchLeaders(operators: readonly Operator[], forMs: number): Promise<number> {
  let most = 0;
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs) {
    const now = await Promise.all(operators.map((one) => leads(one).catch(() => 0)));
    most = Math.max(
      most,
      now.reduce((sum, one) => sum + one, 0),
    );
    await pause(50);
  }
  return most;
}

function say(line: string): void {
  process.stdout.write(`network: ${line}\n`);
}
