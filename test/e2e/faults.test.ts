// Upstreams that fail in every way known to us, while values are due: what is in the cluster stays as it is, Ready says
// why, nobody else waits, the failing host is not hammered, and its end is seen soon. One operator meets all faults at the
// same time, each at a double of its own, so that whatever one of them holds up would show at the others.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleet, type Fleet, type FleetPlan, fleetEnvironment } from '../support/fleet.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import type { FaultEffect } from '../support/infisical-double/faults.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, pause, timed, until } from '../support/wait.ts';

/** How long the faults last at least; each lasts until Ready tells of it. The long run outlasts all limits of a request. */
const leastFaultMs = process.env['ESCAPEMENT_LONG_FAULTS'] === undefined ? 10_000 : 35_000;
/** The promise is 5 s on a machine of its own. Asking again does not depend on the API server, so little room is given. */
const askedAgainLimitMs = 8_000;
const recoveryLimitMs = 25_000;
const refreshInterval = '3s';
/** How long an object in step stays green while its source does not answer. */
const patienceMs = 30_000;
/** A wave, one try without an answer and the patience, which is told in time whatever is asked then; with room for a machine at work. */
const toldWithinMs = 3_300 + 10_000 + patienceMs + 20_000;

interface FaultCase {
  /** Before the names of its objects. */
  readonly name: string;
  readonly does: string;
  /** A fault of every request, or what else breaks the double. */
  readonly effect: FaultEffect | ((double: InfisicalDouble) => Promise<void>);
  /** What the Ready condition must name as the cause, besides the host. */
  readonly says: RegExp;
  /** Most requests that one attempt makes: some answers are worth a second look at once. Default 1. */
  readonly triesPerAttempt?: number;
  /** What the answers ask to be waited. */
  readonly retryAfterMs?: number;
  /** Default 0: a fault that has nothing to do with the token costs no login. */
  readonly loginsAfter?: number;
}

const page = '<html><body>502 Bad Gateway</body></html>';
const cases: readonly FaultCase[] = [
  {
    name: 'hangs',
    does: 'takes requests and stays silent',
    effect: { kind: 'hang' },
    says: /no answer in time/,
  },
  {
    name: 'fails',
    does: 'answers 500',
    effect: { kind: 'status', status: 500 },
    says: /HTTP 500/,
    triesPerAttempt: 2, // a read is tried once more: a lone 500 says little
  },
  { name: 'page', does: 'answers 200 with a web page', effect: { kind: 'html' }, says: /not JSON|not from the API/ },
  { name: 'empty', does: 'answers 200 with {}', effect: { kind: 'empty-object' }, says: /answer/ },
  {
    name: 'h502',
    does: 'is behind a proxy that answers 502',
    effect: { kind: 'status', status: 502, body: page },
    says: /HTTP 502/,
    triesPerAttempt: 3,
  },
  {
    name: 'h503',
    does: 'is behind a proxy that answers 503',
    effect: { kind: 'status', status: 503, body: page },
    says: /HTTP 503/,
    triesPerAttempt: 3,
  },
  {
    name: 'h504',
    does: 'is behind a proxy that answers 504',
    effect: { kind: 'status', status: 504, body: null },
    says: /HTTP 504/,
    triesPerAttempt: 3,
  },
  {
    name: 'ingress',
    does: 'is behind an ingress that answers 404',
    effect: { kind: 'status', status: 404, body: 'default backend - 404' },
    says: /HTTP 404/,
  },
  {
    name: 'noroute',
    does: 'has no such route',
    effect: { kind: 'status', status: 404, body: { statusCode: 404, error: 'Not Found', message: 'Route not found' } },
    says: /no such API/,
  },
  {
    name: 'redirects',
    does: 'redirects to a login page',
    effect: { kind: 'redirect', location: 'https://login.example.com/' },
    says: /redirects/,
  },
  { name: 'resets', does: 'resets connections', effect: { kind: 'reset' }, says: /closed|reset/, triesPerAttempt: 3 },
  {
    name: 'truncates',
    does: 'cuts its answers short',
    effect: { kind: 'truncated' },
    says: /before the answer was complete|shorter/,
    triesPerAttempt: 3,
  },
  { name: 'gone', does: 'is gone', effect: (double) => double.down(), says: /refused/ },
  {
    name: 'trickles',
    does: 'sends a byte now and then',
    effect: { kind: 'trickle', intervalMs: 500 },
    says: /does not go on/,
  },
  {
    name: 'throttles',
    does: 'answers 429',
    effect: { kind: 'status', status: 429, headers: { 'retry-after': '4' } },
    says: /limits the rate/,
    retryAfterMs: 4_000,
  },
  {
    name: 'throttled500',
    does: 'answers 500 with retry-after',
    effect: { kind: 'status', status: 500, headers: { 'retry-after': '4' } },
    says: /limits the rate/,
    retryAfterMs: 4_000,
  },
  {
    name: 'nologin',
    does: 'ended our token and refuses to log in',
    effect: async (double) => {
      double.identities.endTokens();
      double.faults.add({ kind: 'status', status: 500, when: { routes: ['login'] } });
    },
    says: /HTTP 500/,
    triesPerAttempt: 3, // a login, and a read before it that showed that the token had ended
    loginsAfter: 1,
  },
];

interface Patient extends FaultCase {
  readonly double: InfisicalDouble;
  readonly fleet: Fleet;
  /** Filled in by the run. */
  readonly seen: {
    requests: number;
    /** Epoch ms of those that were answered. */
    askedAtMs: readonly number[];
    logins: number;
    messages: readonly string[];
    /** From the start of the fault to its end. */
    lastedMs: number;
    /** From the end of the fault to the first request that was answered well. */
    askedAgainMs: number;
    recoveryMs: number;
    requestsAfter: number;
    loginsAfter: number;
  };
}

const plan = (name: string): FleetPlan => ({ prefix: `${name}-`, objects: 4, scopes: 2, refreshInterval });

describe('while upstreams fail and values are due', () => {
  const patients: Patient[] = [];
  const others: InfisicalDouble[] = [];
  let ground: Scene;
  let faultFromMs = 0;
  const healthy = { newObjectMs: 0, changeMs: 0 };
  const forgetful = { recoveryMs: 0, logins: 0 };
  const half = { otherScopeMs: 0, ready: '', patientMs: 0 };

  beforeAll(async () => {
    ground = await createScene('faults', { operator: false });
    const sound = await createFleet(ground, plan('sound'));
    const forgetting = await besides(ground, 'forgetting', others);
    const halfHung = await besides(ground, 'half', others);
    for (const one of cases) {
      const double = await startInfisicalDouble();
      const fleet = await createFleet({ ...ground, double }, plan(one.name));
      const seen = {
        requests: 0,
        askedAtMs: [],
        logins: 0,
        messages: [],
        lastedMs: 0,
        askedAgainMs: -1,
        recoveryMs: -1,
        requestsAfter: 0,
        loginsAfter: 0,
      };
      patients.push({ ...one, double, fleet, seen });
    }
    await ground.startOperator();
    const fleets = [sound, forgetting.fleet, halfHung.fleet, ...patients.map(({ fleet }) => fleet)];
    await until('all are synced', () => fleets.every((fleet) => fleet.problems().length === 0), 30_000);

    faultFromMs = performance.now();
    for (const { double, effect, fleet } of patients) {
      double.requests.reset();
      for (const name of fleet.names) fleet.change(name, 'k1');
      if (typeof effect === 'function') await effect(double);
      else double.faults.add(effect);
    }
    halfHung.double.faults.add({ kind: 'hang', when: { path: '/s0' } });
    half.otherScopeMs = await timed(() => changeOtherScope(halfHung.fleet));
    forgetting.double.requests.reset();
    forgetting.double.identities.endTokens();
    for (const name of forgetting.fleet.names) forgetting.fleet.change(name, 'k0');
    const isFollowed = () => forgetting.fleet.problems().length === 0;
    forgetful.recoveryMs = await timed(() => until('the change arrives under a new token', isFollowed));
    forgetful.logins = forgetting.double.requests.counts().byKind.login;
    healthy.newObjectMs = await timed(() => addToHealthy(ground));
    sound.change(sound.names[0] ?? '', 'k0');
    healthy.changeMs = await timed(() => until('the change arrives', () => sound.problems().length === 0));
    await pause(Math.max(0, leastFaultMs - (performance.now() - faultFromMs)));

    await until('the hung folder is told of', () => isTold(ground, 'half-es-0'), toldWithinMs);
    half.ready = readyMessage(ground, 'half-es-0');
    half.patientMs = patienceWith(ground, 'half-es-0');
    await Promise.all(patients.map((patient) => endFault(patient, faultFromMs, ground)));
  }, 240_000);

  afterAll(async () => {
    try {
      await ground.end();
    } finally {
      for (const double of [...others, ...patients.map((patient) => patient.double)]) await double.stop();
    }
  });

  it('lets healthy hosts be served as ever', () => {
    say(`new object at a healthy host Ready in ${healthy.newObjectMs} ms, a change there in ${healthy.changeMs} ms`);
    expect(healthy.newObjectMs).toBeLessThan(2_500);
    expect(healthy.changeMs).toBeLessThan(3_000 + 2_500);
  });

  it('costs one login when a token is ended before its time', () => {
    say(`ended tokens: followed in ${forgetful.recoveryMs} ms, ${forgetful.logins} logins`);
    expect(forgetful.recoveryMs).toBeLessThan(3_000 + 2_500);
    expect(forgetful.logins).toBe(1);
    const told = ground.externalSecrets.history().filter(({ object }) => isNamedAndRed(object, 'forgetting-'));
    expect(told).toEqual([]);
  });

  it('lets the other folders of a host go on when one of them hangs', () => {
    say(`a change in another folder of a host with one that hangs: ${half.otherScopeMs} ms; ${half.ready}`);
    expect(half.otherScopeMs).toBeLessThan(3_000 + 2_500);
    expect(half.ready).toMatch(/no answer in time/);
    expect(half.patientMs).toBeGreaterThan(patienceMs - 1_000);
    expect(half.patientMs).toBeLessThan(patienceMs + 5_000);
    const red = ground.externalSecrets.history().filter(({ object }) => isNamedAndRed(object, 'half-'));
    expect(red.map(({ object }) => object.metadata.name).filter((name) => name.endsWith('1'))).toEqual([]);
  });

  describe.each(cases)('an upstream that $does', ({ name, retryAfterMs = 0 }) => {
    const patient = () => patients.find((one) => one.name === name) ?? expect.fail('not in the scene');

    it('costs no Secret a key or a value', () => {
      const toMs = faultFromMs + patient().seen.lastedMs;
      const during = ground.secrets.history().filter(({ atMs, object }) => {
        return object.metadata.name.startsWith(`${name}-es-`) && atMs > faultFromMs && atMs < toMs;
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
      const { seen, triesPerAttempt = 1, loginsAfter = 0 } = patient();
      const { requests, logins, lastedMs } = seen;
      say(`${name}: ${requests} requests in ${lastedMs} ms, ${logins} of them logins`);
      // Once for each scope, and then a probe every 3 s, with one to spare at each border.
      const attempts = 2 + Math.ceil(lastedMs / 3_000) + 2;
      expect(requests).toBeLessThanOrEqual(attempts * triesPerAttempt);
      expect(logins).toBeLessThanOrEqual(loginsAfter === 0 ? 0 : attempts);
    });

    it.skipIf(retryAfterMs === 0)('is left alone for as long as it asks, by all who share the identity', () => {
      const { askedAtMs } = patient().seen;
      const gaps = askedAtMs.map((atMs, i) => atMs - (askedAtMs[i - 1] ?? 0));
      // Those that were on their way together when the first was refused count as one.
      expect(gaps.filter((gapMs) => gapMs > 500 && gapMs < retryAfterMs - 100)).toEqual([]);
    });

    it('is followed again soon after its end', () => {
      const { seen, loginsAfter = 0 } = patient();
      const { askedAgainMs, recoveryMs, requestsAfter } = seen;
      say(`${name}: answered after ${askedAgainMs} ms, recovered in ${recoveryMs} ms, ${requestsAfter} requests`);
      expect(recoveryMs).toBeLessThan(recoveryLimitMs);
      expect(askedAgainMs).toBeLessThan(askedAgainLimitMs);
      expect(seen.loginsAfter).toBe(loginsAfter);
    });
  });
});

/** One more fleet with a double of its own. */
async function besides(ground: Scene, name: string, doubles: InfisicalDouble[]) {
  const double = await startInfisicalDouble();
  doubles.push(double);
  return { double, fleet: await createFleet({ ...ground, double }, plan(name)) };
}

/** Changes what `…-1` reads, in the scope that works. */
async function changeOtherScope(fleet: Fleet): Promise<void> {
  fleet.change(fleet.names[1] ?? '', 'k0');
  await until('the change arrives', () => fleet.wrongSecrets().length === 0);
}

function isNamedAndRed(object: ApiObject, prefix: string): boolean {
  return object.metadata.name.startsWith(prefix) && condition(object, 'Ready')?.status === 'False';
}

/** Waits until the fault is told of, ends it, and takes down what comes of that. */
async function endFault({ double, fleet, seen }: Patient, fromMs: number, ground: Scene): Promise<void> {
  const isToldOf = () => fleet.names.every((name) => isTold(ground, name));
  await until('Ready tells of the fault', isToldOf, toldWithinMs);
  seen.messages = fleet.names.map((name) => readyMessage(ground, name));
  const { total, byKind } = double.requests.counts();
  seen.requests = total;
  seen.askedAtMs = double.requests.recent().map(({ atMs }) => atMs);
  seen.logins = byKind.login;
  double.requests.reset();
  const endedAtMs = Date.now();
  seen.lastedMs = Math.round(performance.now() - fromMs);
  double.faults.clear();
  await double.up();
  seen.recoveryMs = await timed(() => until('all are synced again', () => fleet.problems().length === 0, 60_000));
  const answered = double.requests.recent().filter(({ kind, status }) => kind === 'list' && status < 400 && status > 0);
  seen.askedAgainMs = Math.max(0, (answered[0]?.atMs ?? endedAtMs) - endedAtMs);
  seen.requestsAfter = double.requests.counts().total;
  seen.loginsAfter = double.requests.counts().byKind.login;
}

function isTold({ externalSecrets }: Scene, name: string): boolean {
  return condition(externalSecrets.get(name), 'Ready')?.status === 'False';
}

/** From the word that the source of a synced object does not answer to Ready=False, in ms. */
function patienceWith({ externalSecrets }: Scene, name: string): number {
  const own = externalSecrets.history().filter(({ object }) => object.metadata.name === name);
  const said = own.find(({ object }) => condition(object, 'Ready')?.message?.includes('does not answer'));
  const told = own.find(({ object }) => condition(object, 'Ready')?.status === 'False');
  return (told?.atMs ?? Number.NaN) - (said?.atMs ?? Number.NaN);
}

function readyMessage({ externalSecrets }: Scene, name: string): string {
  const ready = condition(externalSecrets.get(name), 'Ready');
  return ready?.message ?? '';
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

function say(line: string): void {
  process.stdout.write(`faults: ${line}\n`);
}
