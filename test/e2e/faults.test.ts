// Upstreams that fail in every way known to us, while values are due: what is in the cluster stays as it is, Ready says
// why, nobody else waits, the failing host is not hammered, and its end is seen soon. One operator meets all faults at the
// same time, each at a double of its own, so that whatever one of them holds up would show at the others.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleet, type Fleet, fleetEnvironment, type FleetPlan } from '../support/fleet.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import type { FaultEffect } from '../support/infisical-double/faults.ts';
import type { RequestRecord } from '../support/infisical-double/request-log.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, pause, until } from '../support/wait.ts';

/** How long the faults last. The long run is the one of the project's promises: 30 s. */
const faultMs = process.env['ESCAPEMENT_LONG_FAULTS'] === undefined ? 10_000 : 30_000;
/** The promise is 5 s; a shared machine gets room. The figure itself is printed. */
const recoveryLimitMs = 10_000;
const refreshInterval = '3s';

interface FaultCase {
  readonly name: string;
  readonly effect: FaultEffect | 'gone';
  /** What the Ready condition must name as the cause, besides the host. */
  readonly says: RegExp;
  /** Where a request that began under the fault may go on after its end. */
  readonly recoveryLimitMs?: number;
  /** Most requests that one attempt makes: some answers are worth a second look at once. Default 1. */
  readonly triesPerAttempt?: number;
}

const page = '<html><body>502 Bad Gateway</body></html>';
const cases: readonly FaultCase[] = [
  { name: 'hangs', effect: { kind: 'hang' }, says: /no answer in time/ },
  { name: 'fails', effect: { kind: 'status', status: 500 }, says: /HTTP 500/ },
  { name: 'page', effect: { kind: 'html' }, says: /not JSON|not from the API/ },
  { name: 'empty', effect: { kind: 'empty-object' }, says: /answer/ },
  { name: 'h502', effect: { kind: 'status', status: 502, body: page }, says: /HTTP 502/, triesPerAttempt: 3 },
  { name: 'h503', effect: { kind: 'status', status: 503, body: page }, says: /HTTP 503/, triesPerAttempt: 3 },
  { name: 'h504', effect: { kind: 'status', status: 504, body: null }, says: /HTTP 504/, triesPerAttempt: 3 },
  { name: 'ingress', effect: { kind: 'status', status: 404, body: 'default backend - 404' }, says: /HTTP 404/ },
  {
    name: 'noroute',
    effect: { kind: 'status', status: 404, body: { statusCode: 404, error: 'Not Found', message: 'Route not found' } },
    says: /no such API/,
  },
  { name: 'redirects', effect: { kind: 'redirect', location: 'https://login.example.com/' }, says: /redirects/ },
  { name: 'resets', effect: { kind: 'reset' }, says: /closed|reset/, triesPerAttempt: 3 },
  { name: 'truncates', effect: { kind: 'truncated' }, says: /before the answer was complete|shorter/, triesPerAttempt: 3 },
  { name: 'gone', effect: 'gone', says: /refused/ },
  // A request that trickles is given 30 s in all.
  { name: 'trickles', effect: { kind: 'trickle', intervalMs: 500 }, says: /did not finish/, recoveryLimitMs: 40_000 },
  {
    name: 'throttles',
    effect: { kind: 'status', status: 429, headers: { 'retry-after': '4' } },
    says: /limits the rate/,
  },
  {
    name: 'throttled500',
    effect: { kind: 'status', status: 500, headers: { 'retry-after': '4' } },
    says: /limits the rate/,
  },
];

interface Patient extends FaultCase {
  readonly double: InfisicalDouble;
  readonly fleet: Fleet;
  /** Filled in by the run. */
  readonly seen: {
    requests: readonly RequestRecord[];
    logins: number;
    messages: readonly string[];
    recoveryMs: number;
    requestsAfter: number;
    loginsAfter: number;
  };
}

const plan = (name: string): FleetPlan => ({ prefix: `${name}-`, objects: 4, scopes: 2, refreshInterval });

describe('while upstreams fail and values are due', () => {
  const patients: Patient[] = [];
  let ground: Scene;
  let faultFromMs = 0;
  let faultToMs = 0;
  const healthy = { newObjectMs: 0, changeMs: 0 };

  beforeAll(async () => {
    ground = await createScene('faults', { operator: false });
    const sound = await createFleet(ground, plan('sound'));
    for (const one of cases) {
      const double = await startInfisicalDouble();
      const fleet = await createFleet({ ...ground, double }, plan(one.name));
      const seen = { requests: [], logins: 0, messages: [], recoveryMs: -1, requestsAfter: 0, loginsAfter: 0 };
      patients.push({ ...one, double, fleet, seen });
    }
    await ground.startOperator();
    const isSettled = () => [sound, ...patients.map(({ fleet }) => fleet)].every((fleet) => fleet.problems().length === 0);
    await until('all are synced', isSettled, 30_000);

    faultFromMs = performance.now();
    for (const { double, effect, fleet } of patients) {
      double.requests.reset();
      for (const name of fleet.names) fleet.change(name, 'k1');
      if (effect === 'gone') await double.down();
      else double.faults.add(effect);
    }
    await pause(faultMs / 2);
    healthy.newObjectMs = await timed(() => addToHealthy(ground));
    sound.change(sound.names[0] ?? '', 'k0');
    healthy.changeMs = await timed(() => until('the change arrives', () => sound.problems().length === 0));
    await pause(Math.max(0, faultMs - (performance.now() - faultFromMs)));

    faultToMs = performance.now();
    await Promise.all(patients.map((patient) => endFault(patient, ground)));
  }, 180_000);

  afterAll(async () => {
    try {
      await ground.end();
    } finally {
      for (const { double } of patients) await double.stop();
    }
  });

  it('lets healthy hosts be served as ever', () => {
    say(`new object at a healthy host Ready in ${healthy.newObjectMs} ms, a change there in ${healthy.changeMs} ms`);
    expect(healthy.newObjectMs).toBeLessThan(2_500);
    expect(healthy.changeMs).toBeLessThan(3_000 + 2_500);
  });

  describe.each(cases.map(({ name }) => name))('an upstream that %s', (name) => {
    const patient = () => patients.find((one) => one.name === name) ?? expect.fail('not in the scene');

    it('costs no Secret a key or a value', () => {
      const during = ground.secrets.history().filter(({ atMs, object }) => {
        return object.metadata.name.startsWith(`${name}-es-`) && atMs > faultFromMs && atMs < faultToMs;
      });
      expect(during).toEqual([]);
      const deleted = ground.secrets.history().filter(({ type }) => type === 'DELETED');
      expect(deleted).toEqual([]);
      expect(patient().fleet.wrongSecrets()).toEqual([]);
    });

    it('is named by Ready, with its cause', () => {
      const { says, seen, double } = patient();
      say(`${name}: ${seen.messages[0]}`);
      for (const message of seen.messages) {
        expect(message).toMatch(says);
        expect(message).toContain(new URL(double.url).host);
      }
    });

    it('is not hammered', () => {
      const { seen, triesPerAttempt = 1 } = patient();
      const { requests, logins } = seen;
      say(`${name}: ${requests.length} requests in ${Math.round(faultToMs - faultFromMs)} ms, ${logins} logins`);
      // Once by each scope and each store, and then a probe every 3 s.
      const attempts = 4 + Math.ceil(faultMs / 3_000);
      expect(requests.length).toBeLessThanOrEqual(attempts * triesPerAttempt);
      expect(logins).toBe(0);
    });

    it('is followed again soon after its end', () => {
      const { seen, recoveryLimitMs: limitMs = recoveryLimitMs } = patient();
      say(`${name}: recovered in ${seen.recoveryMs} ms, ${seen.requestsAfter} requests, ${seen.loginsAfter} logins`);
      expect(seen.recoveryMs).toBeLessThan(limitMs);
      expect(seen.loginsAfter).toBe(0);
    });
  });
});

async function endFault({ double, effect, fleet, seen }: Patient, ground: Scene): Promise<void> {
  seen.messages = fleet.names.map((name) => readyMessage(ground, name));
  seen.requests = double.requests.recent();
  seen.logins = double.requests.counts().byKind.login;
  double.requests.reset();
  if (effect === 'gone') await double.up();
  double.faults.clear();
  seen.recoveryMs = await timed(() => until('all are synced again', () => fleet.problems().length === 0, 60_000));
  seen.requestsAfter = double.requests.counts().total;
  seen.loginsAfter = double.requests.counts().byKind.login;
}

function readyMessage({ externalSecrets }: Scene, name: string): string {
  const ready = condition(externalSecrets.get(name), 'Ready');
  return ready?.status === 'False' ? (ready.message ?? '') : `Ready=${ready?.status}`;
}

/** An object that nobody knew, on a store of its own at the scene's own double. */
async function addToHealthy({ api, namespace, double, whenSynced, value }: Scene): Promise<void> {
  const name = 'newcomer';
  double.secrets.set({ environment: fleetEnvironment, path: '/s0', key: 'NEW', value: value('new') });
  const spec = {
    refreshInterval: '1h',
    secretStoreRef: { kind: 'SecretStore', name: 'sound-store-0' },
    data: [{ secretKey: 'new', remoteRef: { key: 'NEW' } }],
  };
  const body = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name }, spec };
  await api.create({ kind: 'ExternalSecret', namespace, name }, body);
  await whenSynced(name);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return Math.round(performance.now() - startedMs);
}

function say(line: string): void {
  process.stdout.write(`faults: ${line}\n`);
}
