import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { until } from '../../test/support/scripted-api-server.ts';
import { systemClock } from '../base/clock.ts';
import { createKube } from './client.ts';
import { loadClusterAccess } from './config.ts';
import { type Election, startElection } from './lease.ts';
import { type Lease, leases } from './lease-record.ts';
import { createTransport } from './transport.ts';

const never = new AbortController().signal;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function setUp() {
  const name = { namespace: 'default', name: `election-${randomUUID().slice(0, 8)}` };
  const access = await loadClusterAccess({ kubeconfigPath: inject('kubeconfigPath') }, systemClock);
  const transport = createTransport({ access, clock: systemClock, userAgent: 'escapement/test' });
  const kube = createKube(transport);
  const replica = (identity: string): Election => {
    const terms = { ...name, identity, durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
    const options = { terms, transport, clock: systemClock, log: silent, onGained: () => {}, onLost: () => {} };
    const election = startElection(options);
    cleanUps.unshift(() => election.stop());
    return election;
  };
  cleanUps.push(
    () => kube.delete(leases, name, {}, never),
    () => transport.close(),
  );
  return { replica, transport, read: () => kube.get<Lease>(leases, name, never) };
}

describe('leader election against an API server', () => {
  it('hands over within two seconds of a clean stop', async () => {
    const { replica, read, transport } = await setUp();
    const a = replica('a');
    await until(() => a.isLeader());
    const b = replica('b');
    await until(() => transport.socketCount().watches === 1); // b has begun to wait
    await read();
    const stoppedMs = performance.now();
    await a.stop();
    await until(() => b.isLeader());
    expect(performance.now() - stoppedMs).toBeLessThan(2_000);
    expect(a.isLeader()).toBe(false);
    expect((await read()).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 15 });
  });

  it('lets one of several lead', async () => {
    const { replica, read } = await setUp();
    const replicas = ['a', 'b', 'c'].map(replica);
    await until(() => replicas.some((election) => election.isLeader()));
    for (let i = 0; i < 30; i++) {
      expect(replicas.filter((election) => election.isLeader())).toHaveLength(1);
      await read();
    }
  });
});
