import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { answer, type SeenRequest, scriptedApiServer, status, until } from '../../test/support/scripted-api-server.ts';
import { type Election, startElection } from './lease.ts';
import type { Lease } from './lease-record.ts';
import { createTransport } from './transport.ts';

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** One Lease behind the API's rules: resourceVersions, 404, 409, and a watch that sees changes. */
class LeaseServer {
  lease: Lease | undefined;
  fault: 'refuse' | 'hang' | undefined;
  mayWatch = true;
  #version = 1;
  readonly #watches = new Set<ServerResponse>();

  serve(request: SeenRequest, response: ServerResponse): void {
    if (this.fault === 'hang') return;
    if (this.fault === 'refuse') answer(response, 503, status(503, 'ServiceUnavailable'));
    else if (request.url.pathname.endsWith('/leases') && request.method === 'GET') this.#follow(request, response);
    else if (request.method === 'GET') this.#read(response);
    else this.#write(JSON.parse(request.body), response);
  }

  #read(response: ServerResponse): void {
    if (this.lease === undefined) answer(response, 404, status(404, 'NotFound'));
    else answer(response, 200, this.lease);
  }

  #write(written: Lease, response: ServerResponse): void {
    if (written.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
      answer(response, 409, status(409, 'Conflict'));
      return;
    }
    this.put(written);
    answer(response, 200, this.lease);
  }

  put(lease: Lease): void {
    this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } };
    for (const watch of this.#watches) watch.write(`${JSON.stringify({ type: 'MODIFIED', object: this.lease })}\n`);
  }

  #follow({ url }: SeenRequest, response: ServerResponse): void {
    if (this.mayWatch && url.searchParams.has('watch')) this.#watch(response);
    else answer(response, 403, status(403, 'Forbidden'));
  }

  #watch(response: ServerResponse): void {
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const bookmark = { metadata: { resourceVersion: String(this.#version), annotations } };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: bookmark })}\n`);
  }
}

interface Replica {
  readonly election: Election;
  readonly story: string[];
  readonly said: string[];
  leadership: AbortSignal | undefined;
}

async function setUp() {
  const leases = new LeaseServer();
  const server = await scriptedApiServer((request, response) => leases.serve(request, response));
  const clock = new FakeClock();
  cleanUps.push(() => server.close());
  const replica = (identity: string): Replica => {
    const transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test' });
    const story: string[] = [];
    const said: string[] = [];
    const terms = { durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
    const election = startElection({
      terms: { namespace: 'ns', name: 'op', identity, ...terms },
      transport,
      clock,
      log: { ...silent, info: ({ detail }, message) => void said.push(`${message} ${String(detail)}`) },
      random: () => 0,
      onGained: (leadership) => {
        made.leadership = leadership;
        story.push('gained');
      },
      onLost: () => void story.push('lost'),
    });
    cleanUps.unshift(
      () => election.stop(),
      () => transport.close(),
    );
    const made: Replica = { election, story, said, leadership: undefined };
    return made;
  };
  /** Lets time pass slowly enough for answers to come in between. */
  const pass = async (ms: number) => {
    for (let leftMs = ms; leftMs > 0; leftMs -= 100) {
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(100);
    }
  };
  return { leases, clock, replica, pass, server };
}

describe('leader election', () => {
  it('leads when there is no lease yet, and renews it', async () => {
    const { leases, replica, pass } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    const first = leases.lease?.spec?.renewTime;
    await pass(30_000);
    expect(a.election.isLeader()).toBe(true);
    expect(a.story).toEqual(['gained']);
    expect(leases.lease?.spec?.renewTime).not.toBe(first);
  });

  it('lets one lead and the other follow', async () => {
    const { replica, pass } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    const b = replica('b');
    await pass(40_000);
    expect([a.election.isLeader(), b.election.isLeader()]).toEqual([true, false]);
    expect(() => b.election.guard()).toThrow(expect.objectContaining({ reason: 'Aborted' }));
    expect(() => a.election.guard()).not.toThrow();
  });

  it('lets a follower say for whom it waits, once a minute', async () => {
    const { replica, pass } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    const b = replica('b');
    await pass(100_000);
    expect(b.said).toEqual(Array(2).fill('waiting for the lease, held by a'));
    expect(a.said.filter((line) => line.startsWith('waiting'))).toEqual([]);
  });

  it('hands over at once when the leader stops, without waiting for the next look', async () => {
    const { leases, clock, replica, pass } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    const b = replica('b');
    await pass(500);
    const beforeMs = clock.nowMs();
    await a.election.stop();
    await until(() => b.election.isLeader()); // no time passes
    expect(clock.nowMs()).toBe(beforeMs);
    expect(a.leadership?.aborted).toBe(true);
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  it('takes over from a leader that vanished only after the lease has run out', async () => {
    const { leases, replica, pass } = await setUp();
    leases.put({
      metadata: { namespace: 'ns', name: 'op' },
      spec: { holderIdentity: 'gone', leaseDurationSeconds: 15 },
    });
    const b = replica('b');
    await pass(1_000);
    // Renewed between two looks, so that only the watch knows when.
    const { lease } = leases;
    if (lease !== undefined)
      leases.put({ ...lease, spec: { ...lease.spec, renewTime: '2020-01-01T00:00:00.000000Z' } });
    await pass(14_900);
    expect(b.election.isLeader()).toBe(false);
    await pass(200);
    expect(b.election.isLeader()).toBe(true);
  });

  it('takes over from a leader that vanished also where it may not watch, a look later at most', async () => {
    const { leases, replica, pass } = await setUp();
    leases.mayWatch = false;
    leases.put({
      metadata: { namespace: 'ns', name: 'op' },
      spec: { holderIdentity: 'gone', leaseDurationSeconds: 15 },
    });
    const b = replica('b');
    await pass(14_800);
    expect(b.election.isLeader()).toBe(false);
    await pass(2_200);
    expect(b.election.isLeader()).toBe(true);
  });

  it('forbids a leader that was paused to write, before any of its timers has run', async () => {
    const { clock, replica } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    // As after SIGSTOP and SIGCONT: time has passed, nothing else has happened yet.
    Object.defineProperty(clock, 'monotonicMs', { value: () => clock.nowMs() + 60_000 });
    expect(a.election.isLeader()).toBe(false);
    expect(() => a.election.guard()).toThrow();
  });

  it('steps down when the lease cannot be renewed, and leads again soon after it can', async () => {
    for (const fault of ['refuse', 'hang'] as const) {
      const { leases, replica, pass } = await setUp();
      const a = replica('a');
      await until(() => a.election.isLeader());
      leases.fault = fault;
      await pass(9_000);
      expect([fault, a.election.isLeader()]).toEqual([fault, true]);
      await pass(3_000);
      expect([fault, a.election.isLeader(), a.leadership?.aborted, a.story.join()]).toEqual([
        fault,
        false,
        true,
        'gained,lost',
      ]);
      await pass(60_000);
      leases.fault = undefined;
      await pass(8_000);
      expect([fault, a.story.join()]).toEqual([fault, 'gained,lost,gained']);
    }
  });

  it('tries again at once when a renewal has hung, instead of losing more of its time', async () => {
    const { leases, clock, replica, pass } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    const gainedMs = clock.nowMs();
    leases.fault = 'hang';
    await pass(6_800); // begun after 2 s, given up after 5 s more
    leases.fault = undefined;
    await pass(600);
    expect(Date.parse(leases.lease?.spec?.renewTime ?? '')).toBeGreaterThan(gainedMs + 6_800);
    await pass(9_000);
    expect([a.election.isLeader(), a.story.join()]).toEqual([true, 'gained']);
  });

  it('steps down when another has taken the lease', async () => {
    const { leases, replica, pass } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    leases.put({
      metadata: { namespace: 'ns', name: 'op' },
      spec: { holderIdentity: 'thief', leaseDurationSeconds: 15 },
    });
    await pass(3_000);
    expect([a.election.isLeader(), a.story.join()]).toEqual([false, 'gained,lost']);
    expect(leases.lease?.spec?.holderIdentity).toBe('thief');
  });

  it('goes on leading when somebody else touched the lease but did not take it', async () => {
    const { leases, replica, pass } = await setUp();
    const a = replica('a');
    await until(() => a.election.isLeader());
    const { lease } = leases;
    if (lease !== undefined) leases.put({ ...lease, metadata: { ...lease.metadata, labels: { touched: 'yes' } } });
    await pass(20_000);
    expect([a.election.isLeader(), a.story.join()]).toEqual([true, 'gained']);
    expect(leases.lease?.metadata.labels).toEqual({ touched: 'yes' });
  });

  it('refuses times that do not fit each other', async () => {
    const { server, clock } = await setUp();
    const transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test' });
    const terms = { namespace: 'ns', name: 'op', identity: 'a', durationMs: 10, renewDeadlineMs: 10, retryPeriodMs: 2 };
    const options = { terms, transport, clock, log: silent, onGained: () => {}, onLost: () => {} };
    expect(() => startElection(options)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });
});
