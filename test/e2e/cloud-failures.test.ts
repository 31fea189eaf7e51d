// What may fail at the clouds that Environments open from, under the chart's real rights: every provider beside the others in
// one operator. Whatever happens there, consumers keep what they have, are told why, and are in step soon after its end.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type AuditTrail, followAudit, refusedIn } from '../support/audit.ts';
import { cloudsOfCases, plantCases } from '../support/cloud/cases.ts';
import { type Clouds, startClouds } from '../support/cloud/clouds.ts';
import { consumed, publishedEnvironment } from '../support/cloud/consumed.ts';
import { type ConsumerEyes, readyOf, watchConsumers } from '../support/cloud/consumer-eyes.ts';
import {
  credential,
  type FaultyCase,
  faultyCases,
  tellers,
  throttledSeconds,
  toldFaults,
} from '../support/cloud/faults.ts';
import { clusterIssuer } from '../support/cluster-trust.ts';
import { credentials, plantSample, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { type Sentinel, startSentinel } from '../support/sentinel.ts';
import { timed, until } from '../support/wait.ts';

/** Promised are 10 s for the first byte, probes every 3 s and refreshes every second, on a machine of its own. */
const givenUpWithinMs = 20_000;
const inStepWithinMs = 10_000;
/** By which the clock of a test that looks every 25 ms may be late. */
const lateMs = 500;
/** Tokens of GitHub are renewed at two thirds of it: the one call whose value changes by itself. */
const githubLifeSeconds = 9;

const { auditLogPath } = inject('controlPlane');
let scene: Scene;
let clouds: Clouds;
let eyes: ConsumerEyes;
let sentinel: Sentinel;
let audit: AuditTrail | undefined;

/** One consumer for each fault of each provider. */
const told = faultyCases.flatMap((each) =>
  toldFaults(each.faults).map(([kind, fault]) => ({ ...each, kind, fault, name: `${each.provider}-${kind}` })),
);

function documentOf(each: FaultyCase, change = (values: object) => values): object {
  return { ...change(each.values(clouds)), environmentVariables: { VALUE: `\${${each.path}}` } };
}

beforeAll(async () => {
  const trust = await clusterIssuer(inject('controlPlane'));
  audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
  clouds = await startClouds({ ...cloudsOfCases, trust });
  clouds.github.lifeSeconds = githubLifeSeconds;
  const values = { rbac: { serviceAccountTokenCreate: true } };
  scene = await createScene('cloud-failures', { operator: false, env: clouds.env, values });
  eyes = await watchConsumers(scene);
  plantCases(clouds, { subject: `system:serviceaccount:${scene.namespace}:default`, trust });
  for (const { provider, put } of faultyCases) put?.(clouds, scene.value(provider));
  await scene.startOperator();
  const reader = plantSample(scene);
  await scene.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } },
    credentials('credentials', reader),
    store({ name: 'store', hostAPI: scene.double.url }),
    ...faultyCases.flatMap((each) => consumed(each.provider, documentOf(each), '1s')),
    ...told.flatMap((each) => consumed(each.name, documentOf(each), '1h')),
  );
  sentinel = await startSentinel(scene);
  await Promise.all(
    [...faultyCases.map(({ provider }) => provider), ...told.map(({ name }) => name)].map((name) => eyes.inStep(name)),
  );
}, 60_000);

afterAll(async () => {
  const printed = scene.operator().output();
  const metrics = await (await fetch(scene.operator().metricsUrl)).text();
  const refused = refusedIn(scene.namespace, await audit?.calls());
  const deleted = scene.secrets.history().filter(({ type }) => type === 'DELETED');
  eyes.environments.stop();
  await scene.end();
  await clouds.stop();
  expect([refused, deleted]).toEqual([[], []]);
  for (const text of [printed, metrics, eyes.shown()]) {
    expect(text).not.toMatch(credential);
    expect(text).not.toContain(scene.value(''));
  }
});

/** Changes the value at the cloud, and gives how it is known where it arrives. */
function changed({ provider, put }: FaultyCase, label: string): (text: string | undefined) => boolean {
  const before = eyes.value(provider);
  const value = scene.value(`${provider}-${label}`);
  put?.(clouds, value);
  return (text) => (put === undefined ? text !== before : text === value);
}

describe('what a cloud refuses', () => {
  const put = (changeOf: (each: (typeof told)[number]) => ((values: object) => object) | undefined) =>
    scene.apply(...told.map((each) => publishedEnvironment(each.name, documentOf(each, changeOf(each)), '1h')));
  beforeAll(() => put(({ fault }) => fault.change));

  it.each(told)('is told: $kind by $provider', async ({ name, provider, fault }) => {
    for (const message of await eyes.told(name, (text) => text.includes(fault.says))) {
      expect(message).toMatch(new RegExp(`environment "${scene.namespace}/${name}": values\\.(?:login|read): `));
      expect(message).toMatch(tellers(provider));
    }
    expect(await eyes.reasons(name)).toEqual([fault.reason]);
    for (const each of [scene.externalSecrets, eyes.environments])
      expect(readyOf(each.get(name))?.status).toBe('False');
  });

  it('takes nothing from those who have it', async () => {
    await sentinel.follows(1);
    const written = told.flatMap(({ name }) => {
      const states = [name, `${name}-published`].flatMap((secret) => scene.secrets.history(secret));
      return states.filter(({ atMs }) => atMs > (eyes.reds(name).atMs ?? 0));
    });
    expect(written.map(({ object }) => object.metadata.name)).toEqual([]);
  });

  it('is over when the document is put right', async () => {
    await put(() => undefined);
    await Promise.all(told.map(({ name }) => eyes.inStep(name)));
  });
});

describe('a credential that a cloud ends early', () => {
  const ending = faultyCases.flatMap((each) =>
    each.faults.end === undefined ? [] : [{ ...each, end: each.faults.end }],
  );
  const logins = async ({ logins: [line = ''] }: FaultyCase) => {
    const [provider, method, outcome] = line.split(' ');
    const series = `{provider="${provider}",method="${method}",outcome="${outcome}"}`;
    return await scene.operator().metric('escapement_logins_total', series);
  };
  const before = new Map<string, { readonly logins: number; readonly atMs: number }>();
  const isNew = new Map<string, ReturnType<typeof changed>>();
  beforeAll(async () => {
    for (const each of ending) before.set(each.provider, { logins: await logins(each), atMs: performance.now() });
    for (const each of ending) {
      each.end(clouds);
      isNew.set(each.provider, changed(each, 'ended'));
    }
  });

  it.each(ending)('is followed by a new login, and nobody is told: $provider', async (each) => {
    const { provider } = each;
    const since = before.get(provider) ?? expect.fail('not measured');
    await eyes.inStep(provider, isNew.get(provider));
    expect(await logins(each)).toBeGreaterThan(since.logins);
    expect(eyes.reds(provider, since.atMs).messages).toEqual([]);
  });
});

const [first, second] = [faultyCases.slice(0, 4), faultyCases.slice(4)];
const rounds = [
  { which: 'first', hang: first, ask: second },
  { which: 'second', hang: second, ask: first },
];

interface Borne {
  readonly messages: readonly string[];
  /** From the beginning of the fault until it was told of. */
  readonly toldMs: number;
  /** From its end until all were in step. */
  readonly inStepMs: number;
  readonly reds: readonly string[];
}

function silence({ hosts }: FaultyCase['faults'], isSilent: boolean): void {
  for (const host of hosts) clouds.hosts.silence(host, isSilent);
}

/** The cloud falls silent on all connections, and answers again once that is told. */
async function hang(each: FaultyCase): Promise<Borne> {
  const { provider, faults } = each;
  const fromMs = performance.now();
  silence(faults, true);
  const isNew = changed(each, 'silent');
  const messages = await eyes.told(provider, (text) => text.includes('in time'));
  const toldMs = Math.round(performance.now() - fromMs);
  silence(faults, false);
  const inStepMs = await timed(() => eyes.inStep(provider, isNew));
  return { messages, toldMs, inStepMs, reds: eyes.reds(provider, fromMs).messages };
}

interface Asked extends Borne {
  /** From the first request that was refused to the next one of all. */
  readonly awayMs: number;
}

/**
 * The cloud asks for a pause. It serves again once all who share it are told, which is long before the pause is over; meanwhile
 * another consumer wants the same at once.
 */
async function askForPause(each: FaultyCase, kin: readonly FaultyCase[]): Promise<Asked> {
  const { provider, faults, asked } = each;
  const before = asked(clouds);
  const fromMs = performance.now();
  faults.throttle(clouds, true);
  const isNew = changed(each, 'pause');
  await until(`${provider} is asked`, () => asked(clouds) > before);
  const refusedMs = performance.now();
  const isSaid = (text: string) => /limits the rate|too many|quota/.test(text);
  const [messages = []] = await Promise.all([each, ...kin].map((one) => eyes.told(one.provider, isSaid)));
  const toldMs = Math.round(performance.now() - fromMs);
  faults.throttle(clouds, false);
  const since = asked(clouds);
  const other = `${provider}-missing`; // put right by now
  await scene.edit('ExternalSecret', other, { metadata: { annotations: { 'force-sync': 'now' } } });
  await scene.externalSecrets.until(other, 'is told as well', (one) => isSaid(readyOf(one)?.message ?? ''));
  await until(`${provider} is asked again`, () => asked(clouds) > since);
  const awayMs = Math.round(performance.now() - refusedMs);
  const inStepMs = await timed(() => eyes.inStep(provider, isNew));
  return { messages, toldMs, inStepMs, awayMs, reds: eyes.reds(provider, fromMs).messages };
}

describe.each(rounds)('while the $which half of the clouds hang, and the others ask for a pause', (round) => {
  const hung = new Map<string, Promise<Borne>>();
  const asked = new Map<string, Promise<Asked>>();
  let neighbourMs: Promise<number>;

  beforeAll(() => {
    for (const each of round.hang) hung.set(each.provider, hang(each));
    for (const each of round.ask) {
      const kin = round.ask.filter(({ faults }) => faults.throttle === each.faults.throttle);
      asked.set(each.provider, askForPause(each, kin));
    }
    neighbourMs = timed(() => sentinel.follows(5));
    for (const each of [...hung.values(), ...asked.values(), neighbourMs]) each.catch(() => {});
  });

  it('nobody else is held up', async () => {
    const tookMs = await neighbourMs;
    say(`five changes beside hosts that hang in ${tookMs} ms`);
    expect(tookMs).toBeLessThan(5 * 2_500);
  });

  it.each(round.ask)('$provider is left alone for as long as it asks, and read right after', async ({ provider }) => {
    const { messages, toldMs, awayMs, inStepMs, reds } = (await asked.get(provider)) ?? expect.fail('not asked');
    say(
      `${provider} asks for a pause: told in ${toldMs} ms, asked again after ${awayMs} ms, in step ${inStepMs} ms later`,
    );
    for (const message of messages) expect(message).toMatch(tellers(provider));
    expect(awayMs).toBeGreaterThan(throttledSeconds * 1_000 - lateMs);
    expect(inStepMs).toBeLessThan(inStepWithinMs);
    expect(reds).toEqual([]);
  });

  it.each(round.hang)('$provider is given up when it hangs, and read when it answers', async ({ provider, faults }) => {
    const { messages, toldMs, inStepMs, reds } = (await hung.get(provider)) ?? expect.fail('not hung');
    say(`${provider} hangs: told in ${toldMs} ms, in step ${inStepMs} ms after its end`);
    for (const message of messages) {
      expect(message).toMatch(tellers(provider));
      expect(faults.hosts.some((host) => message.includes(host))).toBe(true);
    }
    expect(toldMs).toBeLessThan(givenUpWithinMs);
    expect(inStepMs).toBeLessThan(inStepWithinMs);
    expect(reds).toEqual([]);
  });
});

function say(line: string): void {
  process.stdout.write(`cloud failures: ${line}\n`);
}
