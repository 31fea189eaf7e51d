// The mistakes that users make, one by one on real objects: each is told on the object that has it, with its cause and what
// to do, costs no Secret, and is over as soon as it is repaired. And a set without a mistake, which never looks like one.
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Reason, reasons } from '../../src/base/reasons.ts';
import { hints } from '../../src/providers/infisical/errors.ts';
import type { IdentityView } from '../support/infisical-double/identities.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { freePort } from '../support/operator.ts';
import {
  clusterStore,
  credentials,
  entry,
  externalSecret,
  plantSample,
  project,
  type SampleManifest,
  type StoreOptions,
  secret,
  store,
} from '../support/samples.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { condition, isFailed, isReady, patienceMs, pause, until } from '../support/wait.ts';

/** "Within 1 s" and "within 2 s" of the requirements, five times as generous; the grace of new objects besides. */
const toldWithinMs = 5_000;
const graceMs = 1_000;
const repairedWithinMs = 10_000;

type Json = Readonly<Record<string, unknown>>;

let scene: Scene;
let website: Server;
let websiteUrl: string;
let closedUrl: string;

beforeAll(async () => {
  scene = await createScene('bad-input', { flags: ['--store-requeue-interval=5s'] });
  plantSample(scene);
  scene.double.secrets.set({ environment: 'dev', key: 'TEXT', value: scene.value('no json') });
  website = createServer((_, response) => response.end('<html><body>Welcome</body></html>'));
  const port = await freePort();
  await new Promise<void>((resolve) => website.listen(port, '127.0.0.1', resolve));
  websiteUrl = `http://127.0.0.1:${port}`;
  closedUrl = `http://127.0.0.1:${await freePort()}`;
});

afterAll(async () => {
  website.close();
  await scene.end();
});

/** A working set of credentials, store and ExternalSecret, all known by one name, and what is bent in it at present. */
interface SampleSet {
  readonly name: string;
  readonly identity: IdentityView;
  /** Applies the whole set again, bent like that and otherwise good. */
  change(bent: Bent): Promise<void>;
  /** Adds an ExternalSecret, bent as the set is at present; gives its name. */
  addNew(): Promise<string>;
}

interface Bent {
  readonly credentials?: Readonly<Record<string, string>>;
  readonly store?: Partial<StoreOptions>;
  readonly spec?: Json;
  readonly storeRef?: Json;
}

interface Mistake {
  /** What to do, where the message itself says it; else the hint of the reason. */
  readonly advice?: string;
  readonly why: string;
  readonly reason: Reason;
  /** Whose fault it is: the store says so too, or the ExternalSecret alone. */
  readonly of: 'store' | 'externalSecret';
  /** What the message must name, besides the hint of its reason: object, key or field. */
  readonly names: (set: SampleSet) => readonly string[];
  readonly make: (set: SampleSet) => Promise<unknown>;
  /** Applying the good set again, when absent. What only the provider shows is followed by a force-sync. */
  readonly repair?: (set: SampleSet) => Promise<unknown>;
  /** For what has to wait for a deadline, such as a name server's. */
  readonly within?: number;
}

/** A search whose outcome is the same data as the good set's. */
const foundByName = {
  spec: {
    dataFrom: [
      { find: { name: { regexp: '^API_KEY$' } }, rewrite: [{ regexp: { source: '^API_KEY$', target: 'value' } }] },
    ],
  },
};

const holderOf = ({ name }: SampleSet) => `${name}-credentials`;
const inNamespace = (name: string) => `"${scene.namespace}/${name}"`;
const spec = (key: string, property?: string) => ({ spec: { data: [entry('value', key, property)] } });
const find = (search: Json) => ({ spec: { dataFrom: [{ find: search }] } });
const universalAuth = (name: string) => ({
  universalAuthCredentials: { clientId: { name, key: 'clientId' }, clientSecret: { name, key: 'clientSecret' } },
});
const tokenAuth = (name: string) => ({ auth: { tokenAuthCredentials: { accessToken: { name, key: 'accessToken' } } } });

const mistakes: readonly Mistake[] = [
  {
    why: 'the credentials Secret is missing',
    reason: 'ReferenceNotFound',
    of: 'store',
    names: (set) => ['universalAuthCredentials.clientId', `Secret ${inNamespace(holderOf(set))}`],
    make: (set) => scene.api.delete(scene.address('Secret', holderOf(set))),
  },
  {
    why: 'a key is missing in the credentials Secret',
    reason: 'InvalidCredential',
    of: 'store',
    names: (set) => [
      'universalAuthCredentials.clientSecret',
      inNamespace(holderOf(set)),
      '"clientSecret"',
      'it has clientId',
    ],
    make: (set) => scene.edit('Secret', holderOf(set), { data: { clientSecret: null } }),
  },
  {
    why: 'a key of the credentials Secret is empty',
    reason: 'InvalidCredential',
    of: 'store',
    names: (set) => ['universalAuthCredentials.clientSecret', inNamespace(holderOf(set)), '"clientSecret"', 'is empty'],
    make: (set) => scene.edit('Secret', holderOf(set), { data: { clientSecret: '' } }),
  },
  {
    why: 'the client secret is wrong',
    advice: 'check that clientSecret is of this clientId',
    reason: 'LoginRejected',
    of: 'store',
    names: () => ['infisical.auth.universalAuthCredentials', new URL(scene.double.url).host],
    make: ({ identity, change }) => change({ credentials: { ...pick(identity), clientSecret: scene.value('wrong') } }),
  },
  {
    why: 'the client id is unknown',
    advice: 'check clientId',
    reason: 'LoginRejected',
    of: 'store',
    names: () => ['infisical.auth.universalAuthCredentials', new URL(scene.double.url).host],
    make: ({ identity, change }) => change({ credentials: { ...pick(identity), clientId: 'nobody' } }),
  },
  {
    why: 'the access token is garbage',
    reason: 'LoginRejected',
    of: 'store',
    names: () => ['token', new URL(scene.double.url).host],
    make: async (set) => {
      await scene.put(secret(`${set.name}-token`, { accessToken: scene.value('garbage') }));
      await set.change({ store: tokenAuth(`${set.name}-token`) });
    },
    repair: async ({ name, identity }) => {
      const accessToken = scene.double.identities.issueToken(identity.name);
      await scene.put(secret(`${name}-token`, { accessToken }));
    },
  },
  {
    why: 'the identity is not a member of the project',
    reason: 'AccessDenied',
    of: 'store',
    names: () => ['not a member', `project "${project}"`],
    make: async ({ name }) => scene.double.identities.setAccess(name, project, undefined),
    repair: giveAccess,
  },
  {
    why: 'the identity has no rights in the project',
    reason: 'AccessDenied',
    of: 'store',
    names: () => [`project "${project}"`, 'environment "dev"', 'folder "/"'],
    make: async ({ name }) => scene.double.identities.setAccess(name, project, { role: 'no-access' }),
    repair: giveAccess,
  },
  {
    why: 'the project is wrong',
    reason: 'ScopeNotFound',
    of: 'store',
    names: () => ['project "my-projekt"'],
    make: ({ change }) => change({ store: { scope: { projectSlug: 'my-projekt' } } }),
  },
  {
    why: 'the environment is wrong',
    reason: 'ScopeNotFound',
    of: 'store',
    names: () => [`project "${project}"`, 'environment "development"'],
    make: ({ change }) => change({ store: { scope: { environmentSlug: 'development' } } }),
  },
  {
    why: 'the environment is wrong, and the data is searched for',
    reason: 'ScopeNotFound',
    of: 'store',
    names: () => ['environment "development"'],
    make: ({ change }) => change({ store: { scope: { environmentSlug: 'development' } }, ...foundByName }),
  },
  {
    why: 'the path is wrong',
    reason: 'ScopeNotFound',
    of: 'store',
    names: () => ['folder "/my-apps"'],
    make: ({ change }) => change({ store: { scope: { secretsPath: '/my-apps' } } }),
  },
  {
    why: 'the path is wrong, and the data is searched for in all folders below',
    reason: 'ScopeNotFound',
    of: 'store',
    names: () => ['folder "/my-apps"'],
    make: ({ change }) => change({ store: { scope: { secretsPath: '/my-apps', recursive: true } }, ...foundByName }),
  },
  {
    why: 'the key is missing',
    reason: 'SecretNotFound',
    of: 'externalSecret',
    names: () => ['spec.data[0]', '"MISSING"', 'folder "/"'],
    make: ({ change }) => change(spec('MISSING')),
  },
  {
    why: 'the key is missing in another folder',
    reason: 'SecretNotFound',
    of: 'externalSecret',
    names: () => ['spec.data[0]', '"MISSING"', 'folder "/my-app"'],
    make: ({ change }) => change(spec('/my-app/MISSING')),
  },
  {
    why: 'the folder of the key is missing',
    reason: 'ScopeNotFound',
    of: 'externalSecret',
    names: () => ['spec.data[0]', 'folder "/nowhere"'],
    make: ({ change }) => change(spec('/nowhere/API_KEY')),
  },
  {
    why: 'the folder of a search is missing',
    reason: 'ScopeNotFound',
    of: 'externalSecret',
    names: () => ['spec.dataFrom[0]', 'folder "/nowhere"'],
    make: ({ change }) => change(find({ path: '/nowhere' })),
  },
  {
    why: 'the property is missing',
    reason: 'PropertyNotFound',
    of: 'externalSecret',
    names: () => ['spec.data[0]', '"JSON_BLOB"', '"kez"'],
    make: ({ change }) => change(spec('JSON_BLOB', 'kez')),
  },
  {
    why: 'a property of something that is not JSON is asked for',
    reason: 'InvalidValue',
    of: 'externalSecret',
    names: () => ['spec.data[0]', '"TEXT"', 'not JSON', '"key"'],
    make: ({ change }) => change(spec('TEXT', 'key')),
  },
  {
    why: 'something that is not JSON is extracted',
    reason: 'InvalidValue',
    of: 'externalSecret',
    names: () => ['spec.dataFrom[0].extract', '"TEXT"'],
    make: ({ change }) => change({ spec: { dataFrom: [{ extract: { key: 'TEXT' } }] } }),
  },
  {
    why: 'the regular expression is invalid',
    reason: 'InvalidSpec',
    of: 'externalSecret',
    names: () => ['spec.dataFrom[0].find', '"API_("'],
    make: ({ change }) => change(find({ name: { regexp: 'API_(' } })),
  },
  {
    why: 'the regular expression is for an engine that looks around',
    reason: 'InvalidSpec',
    of: 'externalSecret',
    names: () => ['spec.dataFrom[0].find', '(?=KEY)'],
    make: ({ change }) => change(find({ name: { regexp: 'API_(?=KEY)' } })),
  },
  {
    why: 'hostAPI refuses connections',
    reason: 'UpstreamUnavailable',
    of: 'store',
    names: () => [new URL(closedUrl).host, 'refused'],
    make: ({ change }) => change({ store: { hostAPI: closedUrl } }),
  },
  {
    why: 'hostAPI names no host that exists',
    reason: 'UpstreamUnavailable',
    of: 'store',
    names: () => ['no-such-host.invalid'],
    make: ({ change }) => change({ store: { hostAPI: 'https://no-such-host.invalid' } }),
    within: 25_000, // a name server that does not answer takes its time
  },
  {
    why: 'hostAPI has no scheme',
    reason: 'InvalidSpec',
    of: 'store',
    names: () => ['hostAPI', 'https://'],
    make: ({ change }) => change({ store: { hostAPI: 'app.infisical.com' } }),
  },
  {
    why: 'hostAPI is another web server',
    advice: 'check the address',
    reason: 'UpstreamInvalid',
    of: 'store',
    names: () => [new URL(websiteUrl).host],
    make: ({ change }) => change({ store: { hostAPI: websiteUrl } }),
  },
  {
    why: 'hostAPI is plain http on a host that nobody listed',
    advice: 'use https, or list it in --insecure-upstream-hosts',
    reason: 'HostDenied',
    of: 'store',
    names: () => ['infisical.example.com', '--insecure-upstream-hosts'],
    make: ({ change }) => change({ store: { hostAPI: 'http://infisical.example.com' } }),
  },
  {
    why: 'hostAPI is an address of cloud metadata',
    advice: 'use another host',
    reason: 'HostDenied',
    of: 'store',
    names: () => ['169.254.169.254'],
    make: ({ change }) => change({ store: { hostAPI: 'https://169.254.169.254' } }),
  },
  {
    why: 'no auth block is set',
    reason: 'InvalidSpec',
    of: 'store',
    names: () => ['auth', 'universalAuthCredentials'],
    make: ({ name }) => {
      const auth = { universalAuthCredentials: null };
      return scene.edit('SecretStore', name, { spec: { provider: { infisical: { auth } } } });
    },
  },
  {
    why: 'two auth blocks are set',
    reason: 'InvalidSpec',
    of: 'store',
    names: () => ['universalAuthCredentials', 'tokenAuthCredentials'],
    make: (set) => set.change({ store: { auth: { ...universalAuth(holderOf(set)), ...tokenAuth('any').auth } } }),
  },
  {
    why: 'caBundle is not a certificate',
    reason: 'InvalidCredential',
    of: 'store',
    names: () => ['caBundle'],
    make: ({ change }) => change({ store: { infisical: { caBundle: Buffer.from('no pem').toString('base64') } } }),
  },
  {
    why: 'the ConfigMap of caProvider is missing',
    reason: 'ReferenceNotFound',
    of: 'store',
    names: () => ['caProvider', `ConfigMap ${inNamespace('no-ca')}`],
    make: ({ change }) =>
      change({ store: { infisical: { caProvider: { type: 'ConfigMap', name: 'no-ca', key: 'ca.crt' } } } }),
  },
  {
    why: 'the store does not exist',
    reason: 'StoreNotFound',
    of: 'externalSecret',
    names: () => ['SecretStore "stroe"', `namespace "${scene.namespace}"`],
    make: ({ change }) => change({ storeRef: { name: 'stroe' } }),
  },
  {
    why: 'no store is named',
    reason: 'InvalidSpec',
    of: 'externalSecret',
    names: () => ['secretStoreRef'],
    make: ({ change }) => change({ storeRef: { kind: 'SecretStore' } }),
  },
];

describe('a mistake', () => {
  it.concurrent.each(mistakes.map((mistake, i) => ({ ...mistake, name: `mistake-${i}` })))(
    'is told with its cause and its repair, and costs no Secret: $why',
    { timeout: 120_000 },
    async ({ name, ...mistake }) => {
      const set = await sampleSet(name);
      await scene.whenSynced(name);
      await mistake.make(set);
      const fresh = await set.addNew();
      const withinMs = mistake.within ?? toldWithinMs + graceMs;

      for (const es of [fresh, name]) {
        expectTold(await scene.whenFailed(es, withinMs), 'SecretSyncedError', mistake, set);
        await untilLogged(es, mistake.reason);
      }
      if (mistake.of === 'store') {
        const failed = await scene.stores.until(name, 'is not valid', isFailed, patienceMs);
        expectTold(failed, 'InvalidProviderConfig', mistake, set);
      } else {
        expect(
          isReady(await scene.stores.until(name, 'has a verdict', (one) => condition(one, 'Ready') !== undefined)),
        ).toBe(true);
      }
      expect(scene.secrets.get(fresh)).toBeUndefined();

      await (mistake.repair ?? ((it) => it.change({})))(set);
      for (const es of [fresh, name]) {
        await scene.whenSynced(es, repairedWithinMs);
        await scene.secrets.until(es, 'is there', () => true);
        const states = scene.secrets.history(es).map(({ object }) => decoded(object)['value']);
        expect(new Set(states)).toEqual(new Set([scene.value('api-key')]));
      }
      await scene.stores.until(name, 'is valid again', isReady, 20_000);
    },
  );

  it('in a search that finds nothing is told while there is no Secret, and keeps the one that is there', async () => {
    const set = await sampleSet('nothing-found');
    await scene.whenSynced(set.name);
    await set.change(find({ name: { regexp: '^NO_SUCH_' } }));
    const fresh = await set.addNew();
    const failed = await scene.whenFailed(fresh, toldWithinMs);
    expect(condition(failed, 'Ready')?.message).toContain('"^NO_SUCH_"');
    await untilLogged(fresh, 'NothingFound');
    await scene.whenSynced(set.name);
    expect(await scene.secretData(set.name)).toEqual({ value: scene.value('api-key') });
  });
});

describe('a store whose identity may read another folder than the one it names', () => {
  it('says so, and does not hold back keys of the folder that may be read', async () => {
    const name = 'narrow';
    const set = await sampleSet(name);
    await scene.whenSynced(name);
    const rights = [{ environment: 'dev', path: '/my-app' }];
    scene.double.identities.setAccess(name, project, { role: 'no-access', rights });
    await set.change(spec('/my-app/SERVICE_PASSWORD'));
    await scene.whenSynced(name, toldWithinMs);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('service-password') });
    const failed = await scene.stores.until(name, 'is not valid', isFailed);
    expect(condition(failed, 'Ready')?.message).toContain('folder "/"');
    expect(isReady(await scene.whenSynced(name))).toBe(true);
  });
});

describe('a set without a mistake', () => {
  const orders: readonly (readonly (keyof Parts)[])[] = [
    ['credentials', 'store', 'externalSecret'],
    ['credentials', 'externalSecret', 'store'],
    ['store', 'credentials', 'externalSecret'],
    ['store', 'externalSecret', 'credentials'],
    ['externalSecret', 'credentials', 'store'],
    ['externalSecret', 'store', 'credentials'],
  ];

  it.concurrent.each(orders.map((order, i) => ({ order, name: `order-${i}`, why: order.join(', ') })))(
    'never looks like one when it is applied in the order $why',
    async ({ order, name }) => {
      const parts = partsOf(name, scene.double.identities.add(newIdentity(name)), {});
      await scene.apply(...order.map((part) => parts[part]));
      await expectSpotless(name);
    },
  );

  it.concurrent.each(orders.map((order, i) => ({ order, name: `slow-order-${i}`, why: order.join(', ') })))(
    'never looks like one when its parts come one after another: $why',
    async ({ order, name }) => {
      const parts = partsOf(name, scene.double.identities.add(newIdentity(name)), {});
      for (const part of order) {
        await scene.api.create(addressOf(parts[part]), parts[part]);
        await pause(200);
      }
      await expectSpotless(name);
    },
  );

  it('never looks like one with a ClusterSecretStore, applied last', async () => {
    const name = 'order-cluster';
    const identity = scene.double.identities.add(newIdentity(name));
    const { namespace, controllerClass, double } = scene;
    const cluster = `${namespace}-${name}`;
    await scene.apply(
      externalSecret({ name, storeRef: { kind: 'ClusterSecretStore', name: cluster } }),
      credentials(`${name}-credentials`, identity),
      clusterStore({
        name: cluster,
        credentials: `${name}-credentials`,
        hostAPI: double.url,
        namespace,
        controllerClass,
      }),
    );
    await expectSpotless(name);
    const { items } = await scene.api.list('Event', 'default');
    expect(items.filter(({ type, involvedObject }) => type === 'Warning' && involvedObject?.name === cluster)).toEqual(
      [],
    );
  });
});

/** What a verdict about a mistake must look like: the reason that ESO has, the names, and what to do. */
function expectTold(
  object: ApiObject,
  conditionReason: string,
  { reason, names, advice }: Mistake,
  set: SampleSet,
): void {
  const ready = condition(object, 'Ready');
  expect(ready?.reason).toBe(conditionReason);
  for (const name of [...names(set), advice ?? hints[reason] ?? reasons[reason].hint])
    expect(ready?.message).toContain(name);
  expect(ready?.message).not.toContain('\n');
  const stalled = condition(object, 'Stalled');
  expect(stalled?.reason).toBe(reasons[reason].next === 'stall' ? reason : undefined);
}

/** Ready within a second, five times as generous, and until then neither False nor a Warning, on any of the objects. */
async function expectSpotless(name: string): Promise<void> {
  await scene.whenSynced(name, toldWithinMs);
  if (scene.stores.get(name) !== undefined) await scene.stores.until(name, 'is valid', isReady, toldWithinMs);
  await pause(500); // events come after the status
  const states = [...scene.externalSecrets.history(name), ...scene.stores.history(name)].map(({ object }) => object);
  expect(states.filter((one) => condition(one, 'Ready')?.status === 'False')).toEqual([]);
  const about = scene.events.values().filter(({ involvedObject }) => involvedObject?.name === name);
  expect(about.filter(({ type }) => type === 'Warning')).toEqual([]);
  expect(await scene.secretData(name)).toEqual({ value: scene.value('api-key') });
}

interface Parts {
  readonly credentials: SampleManifest;
  readonly store: SampleManifest;
  readonly externalSecret: SampleManifest;
}

function newIdentity(name: string) {
  return {
    name,
    universal: { clientSecrets: [{ secret: scene.value(`${name}-client-secret`) }] },
    access: { [project]: { role: 'viewer' as const } },
  };
}

function partsOf(name: string, identity: IdentityView, bent: Bent): Parts {
  const holder = `${name}-credentials`;
  const storeRef = bent.storeRef ?? { name };
  return {
    credentials: secret(holder, bent.credentials ?? pick(identity)),
    store: store({ name, credentials: holder, hostAPI: scene.double.url, ...bent.store }),
    externalSecret: externalSecret({ name, storeRef, spec: { refreshInterval: '1s', ...bent.spec } }),
  };
}

/** Applies a good set, with an identity of its own. */
async function sampleSet(name: string): Promise<SampleSet> {
  const identity = scene.double.identities.add(newIdentity(name));
  let bent: Bent = {};
  const names = [name];
  const one = (es: string) => ({ ...partsOf(name, identity, bent).externalSecret, metadata: { name: es } });
  const set: SampleSet = {
    name,
    identity,
    async change(next) {
      bent = next;
      const { credentials: holder, store: bentStore } = partsOf(name, identity, bent);
      await scene.put(holder, bentStore, ...names.map(one));
      await until('the change is seen', () => scene.externalSecrets.get(name));
    },
    async addNew() {
      const fresh = `${name}-new`;
      names.push(fresh);
      await scene.put(one(fresh));
      return fresh;
    },
  };
  await set.change({});
  return set;
}

function pick({ clientId, clientSecret }: IdentityView): { clientId: string; clientSecret: string } {
  return { clientId, clientSecret };
}

/** A repair that the cluster does not show is asked for by force-sync. */
async function giveAccess({ name }: SampleSet): Promise<void> {
  scene.double.identities.setAccess(name, project, { role: 'viewer' });
  for (const es of [name, `${name}-new`]) {
    await scene.edit('ExternalSecret', es, { metadata: { annotations: { 'force-sync': '1' } } });
  }
}

function addressOf({ kind, metadata }: SampleManifest) {
  return scene.address(kind, metadata.name);
}

/** Settles once the operator's log, which comes after the status, has told a failure of an ExternalSecret with this reason. */
async function untilLogged(name: string, reason: Reason): Promise<void> {
  await until(`the log tells ${reason} of "${name}"`, () => {
    const whole = scene.operator().output().split('\n').slice(0, -1); // the last piece may be half a line
    const lines = whole.filter((line) => line.includes(`"name":"${name}"`)).map((line) => JSON.parse(line) as LogLine);
    return lines.some((line) => line.kind === 'ExternalSecret' && line.name === name && line.reason === reason);
  });
}

/** A line of pino's, as far as it is looked at. */
interface LogLine {
  readonly kind?: string;
  readonly name?: string;
  readonly reason?: string;
}
