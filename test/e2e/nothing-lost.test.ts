// What an upstream in trouble may do to Secrets under each deletionPolicy: nothing. Every trouble has a double of its own, from
// which one object reads for each policy and way to read; all of them are in trouble at the same time.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import type { Fault } from '../support/infisical-double/faults.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { credentials, entry, type SampleManifest, store } from '../support/samples.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { condition, isReady, pause, until } from '../support/wait.ts';

const project = 'lost';
const environment = 'dev';
const folder = '/app';
const reader = 'reader';
/** A hanging request is given up after 10 s; on a machine that does other things there is more to wait. */
const toldWithinMs = 60_000;
/** The promise: from the end of a trouble to the first read that is answered. */
const askedAgainWithinMs = 5_000;
/** With the writes that follow, which on a machine that does other things take longer than all the rest. */
const followedWithinMs = 25_000;

interface Trouble {
  readonly name: string;
  readonly does: string;
  readonly begin: (double: InfisicalDouble) => unknown;
  readonly end?: (double: InfisicalDouble) => unknown;
  readonly isRecursive?: true;
  /** Lasts at least so long. */
  readonly leastMs?: number;
}

const fault = (name: string, does: string, one: Fault): Trouble => ({
  name,
  does,
  begin: (double) => double.faults.add(one),
  end: (double) => double.faults.clear(),
});
const ofSecrets = { routes: ['list', 'get'] } as const;

const troubles: readonly Trouble[] = [
  fault('html', 'a proxy answers 200 with a web page', { kind: 'html' }),
  fault('object', 'a proxy answers 200 with {}', { kind: 'empty-object' }),
  fault('ingress', 'an ingress answers 404 on the routes of secrets', {
    kind: 'status',
    status: 404,
    body: 'default backend - 404',
    when: ofSecrets,
  }),
  fault('route', 'the routes of secrets are not there', {
    kind: 'status',
    status: 404,
    body: { statusCode: 404, error: 'Not Found', message: 'Route not found' },
    when: ofSecrets,
  }),
  fault('h500', 'the server answers 500', { kind: 'status', status: 500 }),
  fault('h502', 'a proxy answers 502', { kind: 'status', status: 502, body: '<html>502 Bad Gateway</html>' }),
  fault('h403', 'a firewall answers 403', { kind: 'status', status: 403, body: '<html>Forbidden</html>' }),
  // Long enough for a probe that is patient.
  { ...fault('hang', 'the server hangs', { kind: 'hang' }), leastMs: 42_000 },
  fault('reset', 'connections are reset', { kind: 'reset' }),
  fault('cut', 'answers are cut short', { kind: 'truncated' }),
  fault('trickle', 'answers come by the byte', { kind: 'trickle', intervalMs: 500 }),
  fault('login', 'another page answers for the login', { kind: 'redirect', location: 'https://login.example.com/' }),
  { name: 'down', does: 'the server is gone', begin: (double) => double.down(), end: (double) => double.up() },
  {
    name: 'folder',
    does: 'the folder is deleted',
    begin: (double) => double.projects.removeFolder({ project, environment, path: folder }),
  },
  {
    name: 'project',
    does: 'the identity is taken out of the project',
    begin: (double) => double.identities.setAccess(reader, project, undefined),
    end: (double) => double.identities.setAccess(reader, project, { role: 'viewer' }),
  },
  {
    name: 'rights',
    does: 'the identity loses the right to read',
    begin: (double) => double.identities.setAccess(reader, project, { role: 'no-access' }),
    end: (double) => double.identities.setAccess(reader, project, { role: 'viewer' }),
  },
  {
    name: 'part',
    does: 'the identity loses the right to read one of the folders of a recursive store',
    begin: (double) =>
      double.identities.setAccess(reader, project, { role: 'no-access', rights: [{ environment, path: folder }] }),
    end: (double) => double.identities.setAccess(reader, project, { role: 'viewer' }),
    isRecursive: true,
  },
];

/** Ways in which objects read and write; `data` names keys, `find` searches, `merge` searches into a Secret of somebody else. */
const ways = ['data', 'find', 'merge'] as const;
const policies = ['Retain', 'Delete', 'Merge'] as const;
const lowerCase = (text: string) => text.toLowerCase();
const keys = ['FIRST', 'SECOND', 'DEEP'];

interface Patient extends Trouble {
  readonly double: InfisicalDouble;
  readonly objects: readonly string[];
  /** Epoch ms by `performance.now()`. */
  beganMs: number;
  endedMs: number;
  askedAgainMs: number;
  followedMs: number;
}

let scene: Scene;
const patients: Patient[] = [];

beforeAll(async () => {
  scene = await createScene('lost', { operator: false });
  await Promise.all(troubles.map(lay));
  await scene.startOperator();
  const objects = patients.flatMap((patient) => patient.objects);
  const behind = () => objects.filter((name) => !holds(name, 'before') || !isGreen(name));
  await until('all are synced', () => behind().length === 0, 60_000).catch(() => {});
  expect(behind()).toEqual([]);
  await Promise.all(patients.map(suffer));
}, 240_000);

afterAll(async () => {
  try {
    await scene.end();
  } finally {
    for (const { double } of patients) await double.stop();
  }
});

describe.each(troubles)('when $does', ({ name }) => {
  const patient = () => patients.find((one) => one.name === name) ?? expect.fail('it is not there');

  it('no Secret loses a key or a value, and none goes', () => {
    const { objects, beganMs, endedMs } = patient();
    const seen = scene.secrets.history().filter(({ object, atMs }) => {
      return objects.includes(object.metadata.name) && atMs > beganMs && atMs < endedMs;
    });
    expect(seen.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([]);
  });

  it('Ready says so', () => {
    const { objects, beganMs, endedMs } = patient();
    for (const object of objects) {
      const told = scene.externalSecrets
        .history(object)
        .filter(({ atMs, object: one }) => atMs > beganMs && atMs < endedMs && isRed(one));
      expect([object, told.length > 0]).toEqual([object, true]);
      expect(condition(told.at(-1)?.object, 'Ready')?.message).toMatch(/\w/);
    }
  });

  it('the first sync after its end comes soon', () => {
    const { askedAgainMs, beganMs, endedMs, followedMs } = patient();
    const lasted = `told and kept for ${Math.round(endedMs - beganMs)} ms`;
    say(`${name}: ${lasted}, asked again ${askedAgainMs} ms after its end, followed ${followedMs} ms after it`);
    expect(askedAgainMs).toBeLessThanOrEqual(askedAgainWithinMs);
    expect(followedMs).toBeLessThanOrEqual(followedWithinMs);
  });
});

/** The world of one trouble, in which all is well. */
async function lay(trouble: Trouble): Promise<void> {
  const { name, isRecursive } = trouble;
  const double = await startInfisicalDouble();
  double.projects.add({ slug: project });
  const identity = double.identities.add({ name: reader, universal: {}, access: { [project]: { role: 'viewer' } } });
  plant(double, trouble, 'before');
  const scope = { projectSlug: project, environmentSlug: environment };
  const where = isRecursive ? { secretsPath: '/', recursive: true } : { secretsPath: folder };
  await scene.put(
    credentials(`${name}-credentials`, identity),
    store({ name, credentials: `${name}-credentials`, hostAPI: double.url, scope: { ...scope, ...where } }),
  );
  const objects: string[] = [];
  for (const policy of policies) {
    for (const way of isRecursive ? ways.slice(1) : ways) {
      // A policy that ESO refuses: nothing of another's is deleted.
      if (way === 'merge' && policy === 'Delete') continue;
      const object = `${name}-${lowerCase(policy)}-${way}`;
      objects.push(object);
      if (way === 'merge') {
        const metadata = { name: object };
        await scene.api.create(scene.address('Secret', object), { metadata, stringData: { theirs: 'kept' } });
      }
      await scene.put(consumer({ name: object, storeName: name, policy, way }));
    }
  }
  patients.push({ ...trouble, double, objects, beganMs: 0, endedMs: 0, askedAgainMs: -1, followedMs: -1 });
}

function consumer(of: { name: string; storeName: string; policy: string; way: string }): SampleManifest {
  const { name, storeName, policy, way } = of;
  const source =
    way === 'data'
      ? { data: keys.map((key) => entry(key, key)) }
      : { dataFrom: [{ find: { name: { regexp: `^(${keys.join('|')})$` } } }] };
  const creationPolicy = way === 'merge' ? 'Merge' : 'Owner';
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: {
      refreshInterval: '24h', // so that nothing but the end of the trouble brings anybody back
      secretStoreRef: { name: storeName },
      target: { creationPolicy, deletionPolicy: policy },
      ...source,
    },
  };
}

/** Values of a time; below a recursive store the last key lies in the folder whose rights may be lost. */
function plant(double: InfisicalDouble, { name, isRecursive }: Trouble, time: string): void {
  for (const key of keys) {
    const path = isRecursive && key === 'DEEP' ? '/deep' : folder;
    double.secrets.set({ project, environment, path, key, value: valueAt(name, key, time) });
  }
}

const valueAt = (trouble: string, key: string, time: string) => scene.value(`${trouble}-${key}-${time}`);

/** Begins the trouble while there are newer values, and ends it once Ready tells of it. */
async function suffer(patient: Patient): Promise<void> {
  const { double, objects, name } = patient;
  patient.beganMs = performance.now();
  await patient.begin(double);
  if (name !== 'folder') plant(double, patient, 'after');
  await Promise.all(objects.map(forceSync));
  const silent = () => objects.filter((object) => !isRed(scene.externalSecrets.get(object)));
  await until(`Ready tells of "${name}"`, () => silent().length === 0, toldWithinMs).catch(() => {});
  await pause(Math.max(2_500, (patient.leastMs ?? 10_000) - (performance.now() - patient.beganMs)));
  double.requests.reset();
  patient.endedMs = performance.now();
  const endedAtMs = Date.now();
  await patient.end?.(double);
  if (name === 'folder') plant(double, patient, 'after');
  const isFollowed = () => objects.every((object) => holds(object, 'after') && isGreen(object));
  await until(`"${name}" is followed again`, isFollowed, 60_000).catch(() => {});
  const answered = double.requests.recent().filter(({ kind, status }) => kind === 'list' && status === 200);
  const [first] = answered.filter(({ atMs }) => atMs >= endedAtMs);
  patient.askedAgainMs = first === undefined ? Number.POSITIVE_INFINITY : first.atMs - endedAtMs;
  if (isFollowed()) patient.followedMs = Math.round(performance.now() - patient.endedMs);
  else patient.followedMs = Number.POSITIVE_INFINITY;
}

/** Whether the Secret has the values of a time, and what is not ours. */
function holds(object: string, time: string): boolean {
  const secret = scene.secrets.get(object);
  if (secret === undefined) return false;
  const [trouble = ''] = object.split('-');
  const ours = Object.fromEntries(keys.map((key) => [key, valueAt(trouble, key, time)]));
  const theirs = object.endsWith('-merge') ? { theirs: 'kept' } : {};
  const wanted: Readonly<Record<string, string>> = { ...theirs, ...ours };
  const data = decoded(secret);
  return (
    Object.keys(data).length === Object.keys(wanted).length &&
    Object.keys(wanted).every((key) => data[key] === wanted[key])
  );
}

async function forceSync(object: string): Promise<void> {
  await scene.edit('ExternalSecret', object, { metadata: { annotations: { 'force-sync': String(Date.now()) } } });
}

function isGreen(object: string): boolean {
  const found = scene.externalSecrets.get(object);
  return found !== undefined && isReady(found);
}

function isRed(object: ApiObject | undefined): boolean {
  return condition(object, 'Ready')?.status === 'False';
}

function say(line: string): void {
  process.stdout.write(`nothing lost: ${line}\n`);
}
