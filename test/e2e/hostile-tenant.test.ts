// What somebody with the rights of `edit` in one namespace found to stop the operator for everybody: each as it was found, one
// after another against the same operator. Another tenant's Secrets stay in step all the while, /healthz answers, nothing ends
// the process, and SIGTERM is heard in the middle of it. What each costs is printed.
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { managedLabel, managedLabelValue } from '../../src/core/contract-names.ts';
import { mostKeys } from '../../src/core/target-size.ts';
import { forAll } from '../support/fleet.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import type { KindName } from '../support/kube-api.ts';
import { type RogueBehaviour, type RogueUpstream, startRogueUpstream } from '../support/rogue-upstream.ts';
import { credentials, entry, externalSecret, project, type SampleManifest, secret, store } from '../support/samples.ts';
import { createTwoTenants, socketsOf, type TwoTenants, victimHost } from '../support/two-tenants.ts';
import { condition, pause, timed, until } from '../support/wait.ts';

const mebibyte = 2 ** 20;
/** What the heap of the image lets a list have, and what was found to be too much for it. */
const allowedBytes = 3 * mebibyte;
const foundBytes = 28 * mebibyte;
/** Of the operator, whatever a namespace refers to. */
const mostSockets = 100;
/** Of the chart. */
const graceMs = 15_000;
/** Of an object that is written at once, with the API server's bookkeeping of each. */
const wideMembers = 45_000;
const loginSecret = 'tenant-a-8c1f0c5e-login';

let tenants: TwoTenants;
/** An upstream of the attacker that is an honest one, with folders that are large. */
let library: InfisicalDouble;
let rogue: RogueUpstream;

beforeAll(async () => {
  [library, rogue] = await Promise.all([startInfisicalDouble(), startRogueUpstream(rogueBehaviours())]);
  tenants = await createTwoTenants();
  await plantLibrary();
}, 120_000);

afterAll(async () => {
  await tenants.end();
  await Promise.all([library.stop(), rogue.stop()]);
});

afterEach(() => tenants.clear());

describe('work whose size a tenant chooses (1)', () => {
  it('as four searches for x{1000}, repeated 584 times', async () => {
    const regexp = (i: number) => `${'x{1000}'.repeat(584)}${i}`;
    const dataFrom = [0, 1, 2, 3].map((i) => ({ find: { name: { regexp: regexp(i) } } }));
    await tenants.underAttack('1a', async () => {
      await tenants.plant(found('expressions', 'small', { dataFrom }));
      expect(await tenants.verdict('expressions')).toMatchObject(refusal(/more than 10000 steps/));
    });
  });

  it('as thirty rewrites that double', async () => {
    await tenants.underAttack('1b', async () => {
      await tenants.plant(doubling('rewrites'));
      expect(await tenants.verdict('rewrites')).toMatchObject(refusal(/rewrite/));
    });
  });

  it('as sixty properties that print 0.8 MB again and again', async () => {
    const data = Array.from({ length: 60 }, (_, i) => entry(`k${i}`, 'JSON', '@pretty|@pretty|@pretty|@ugly|0.a'));
    await tenants.underAttack('1c', async () => {
      await tenants.plant(found('properties', 'json', { data }));
      await tenants.verdict('properties');
    });
  });

  it('as a target with as many keys as may be, of which one changes again and again', async () => {
    await tenants.underAttack('1e', async () => {
      const find = { name: { regexp: '.*' } };
      const dataFrom = [{ find }, { find, sourceRef: { storeRef: { name: 'more' } } }];
      await tenants.plant(found('widest', 'many', { dataFrom }));
      expect(await tenants.verdict('widest')).toMatchObject({ status: 'True' });
      for (let change = 0; change < 3; change++) {
        library.secrets.set({ environment: 'dev', path: '/more', key: 'MORE_7', value: `${change}` });
        await pause(1_500);
      }
    });
  });

  it('as a thousand searches of the same 5,000 keys', async () => {
    const dataFrom = Array.from({ length: 1_000 }, () => ({ find: { name: { regexp: '.*' } } }));
    await tenants.underAttack('1d', async () => {
      await tenants.plant(found('searches', 'many', { dataFrom }));
      await tenants.verdict('searches');
    });
  });
});

it('a refusal of 300 kB of "ip ip ip", and an error of 30 MB that repeats what was sent (2)', async () => {
  await tenants.underAttack('2', async () => {
    for (const name of ['refused', 'repeated']) await tenants.plant(rogueStore(name), found(name, name));
    expect(await tenants.verdict('refused')).toMatchObject(refusal(/HTTP 403/));
    expect(await tenants.verdict('repeated')).toMatchObject(refusal(/HTTP 403/));
  });
});

it('answers that are small on the wire or honest, and large in memory (3)', async () => {
  const lists = (name: string) => Array.from({ length: 8 }, (_, i) => `${name}-${i}`);
  const tooLarge = ['empty-lists-0', ...lists('list')];
  const allowed = ['allowed-empty-lists-0', ...lists('allowed-list')];
  await tenants.underAttack('3', async () => {
    await forAll([...tooLarge, ...allowed], (name) => tenants.plant(rogueStore(name), found(name, name)));
    for (const name of tooLarge) {
      expect(await tenants.verdict(name)).toMatchObject(refusal(/larger than \d+ bytes/));
    }
    for (const name of allowed) await tenants.verdict(name);
    expect(await tenants.verdict('allowed-empty-lists-0')).toMatchObject(refusal(/more than \d+ (?:objects|lists)/));
  });
});

it('six hundred stores with seven references each (4)', async () => {
  const { api, operator } = tenants.scene;
  const fields = ['identityId', 'privateKey', 'privateKeyPassphrase', 'fingerprint', 'userId', 'tenancyId', 'region'];
  const stores = Array.from({ length: 600 }, (_, i) => {
    const references = fields.map((field) => [field, { name: `${field.toLowerCase()}-${i}`, key: 'x' }]);
    const auth = { ociAuthCredentials: Object.fromEntries(references) };
    return store({ name: `references-${i}`, hostAPI: rogue.url, auth });
  });
  await tenants.underAttack('4', async () => {
    await forAll(stores, (one) => tenants.plant(one));
    const count = async (of: string) => await operator().metric('escapement_references', `of="${of}"`);
    const bound = await count('bound');
    await until('the namespace has its share', async () => (await count('greatest')) >= bound);
    expect(await count('greatest')).toBe(bound);
    const sockets = socketsOf(operator().pid);
    expect(sockets).toBeLessThan(mostSockets);
    const told = await until('a store is told', async () => {
      const { items } = await api.list('SecretStore', tenants.attacker);
      return items.map((one) => condition(one, 'Ready')).find((one) => one?.message?.includes('referred to by name'));
    });
    expect(told).toMatchObject({ status: 'False', message: expect.stringContaining(String(bound)) });
    tenants.tell(`4: ${bound} names over ${sockets} sockets`);
  });
  await forAll(stores, ({ metadata: { name } }) =>
    api.delete({ kind: 'SecretStore', namespace: tenants.attacker, name }),
  );
});

it('48 stores in a zone whose name servers are silent (5)', async () => {
  const silent = Array.from({ length: 48 }, (_, i) => `store-${i}.silent`);
  await tenants.underAttack('5', async () => {
    await forAll(silent, (name) => tenants.plant(storeAt(name, `https://${name}`), found(name, name)));
    const isAsked = () => new Set(tenants.names.asked.filter(isSilent)).size >= silent.length;
    await until('all are looked up', isAsked, 60_000);
    expect(await tenants.verdict(silent[0] ?? '')).toMatchObject(
      refusal(/name server does not answer|no connection in time/),
    );
  });
});

it('a hundred stores on the host of the other tenant, under paths that answer pages or never (6)', async () => {
  const { sharedHost } = tenants;
  const pages = Array.from({ length: 60 }, (_, i) => `html-${i}`);
  const silent = Array.from({ length: 40 }, (_, i) => `hang-${i}`);
  await tenants.underAttack('6', async () => {
    await forAll([...silent, ...pages], (name) =>
      tenants.plant(storeAt(name, `http://${victimHost}:${sharedHost.port}/${name}`), found(name, name)),
    );
    expect(await tenants.verdict('html-59')).toMatchObject(refusal(/not from the API/));
  });
  const blipMs = 12_000;
  await tenants.underAttack(
    '6, with a blip of 12 s',
    async () => {
      await sharedHost.down();
      await pause(blipMs);
      await sharedHost.up();
    },
    blipMs,
  );
});

it('eighty Secrets of a megabyte that carry our label (7)', async () => {
  const data = { blob: Buffer.alloc(760_000, 'x').toString('base64') };
  const labels = { [managedLabel]: managedLabelValue };
  const forged = Array.from({ length: 80 }, (_, i) => `forged-${i}`);
  const { api } = tenants.scene;
  await tenants.underAttack('7', () =>
    forAll(forged, (name) =>
      api.create({ kind: 'Secret', namespace: tenants.attacker, name }, { metadata: { name, labels }, data }),
    ),
  );
});

it('a ClusterSecretStore that leaves to its user whom the operator logs in as (8)', async () => {
  const { scene } = tenants;
  const name = `${scene.namespace}-lent`;
  const chosen = (key: string) => ({ name: 'chosen', key });
  const auth = {
    kubernetesAuthCredentials: { identityId: chosen('identityId'), serviceAccountTokenPath: chosen('path') },
  };
  const lent = store({ name, hostAPI: `${rogue.url}/lent`, auth, spec: { controller: scene.controllerClass } });
  const path = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  await tenants.underAttack('8', async () => {
    await scene.put({ ...lent, kind: 'ClusterSecretStore' });
    await tenants.plant(
      secret('chosen', { identityId: '8ad070b4-fa87-4f99-b217-e4668ba01f6a', path }),
      externalSecret({ name: 'lent', storeRef: { kind: 'ClusterSecretStore', name } }),
    );
    expect(await tenants.verdict('lent')).toMatchObject(refusal(/would choose whom the operator logs in as/));
    expect(rogue.asked).not.toContain('lent');
  });
});

it('an upstream that steers terminals, and repeats the login in base64 (9)', async () => {
  await tenants.underAttack('9', async () => {
    await tenants.plant(rogueStore('steering'), found('steering', 'steering'));
    const { message = '' } = (await tenants.verdict('steering')) ?? {};
    expect(message).toContain('no entry');
    const { api, operator } = tenants.scene;
    const events = await until(
      'there is an event',
      async () => {
        const { items } = await api.list('Event', tenants.attacker);
        const ours = items.filter(({ involvedObject }) => involvedObject?.name === 'steering');
        return ours.length > 0 && ours;
      },
      60_000,
    );
    for (const text of [message, ...events.map((event) => event.message ?? ''), operator().output()]) {
      expect(/[\p{Cc}\p{Bidi_Control}]|\\u(?:00[0189]|20[02]|206)/u.exec(text.replaceAll('\n', ''))).toBeNull();
      for (const secretForm of [loginSecret, ...base64Of(loginSecret)]) expect(text.includes(secretForm)).toBe(false);
    }
  });
});

it('objects with a hundred thousand members, changed again and again', async () => {
  const { api } = tenants.scene;
  const { attacker: namespace } = tenants;
  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [i.toString(36), '']));
  const wide = members(wideMembers);
  const mark = { [managedLabel]: managedLabelValue };
  const target = {
    creationPolicy: 'Merge',
    template: { templateFrom: [{ configMap: { name: 'texts', items: [{ key: 'a' }] } }] },
  };
  const byName = (name: string) => found(name, 'small', { target: { name } });
  const plants: readonly (readonly [what: string, ...manifests: readonly SampleManifest[]])[] = [
    ['Secrets with our label and many keys', marked('keys', { labels: mark }, { data: wide }), byName('keys')],
    ['Secrets with many labels', marked('labels', { labels: { ...mark, ...wide } }), byName('labels')],
    [
      'Secrets as wide as may be read',
      marked('narrow', { labels: { ...mark, ...members(4_900) } }, { data: members(9_900) }),
      byName('narrow'),
    ],
    [
      'a ConfigMap with many keys as a source',
      { ...marked('texts', {}, { data: wide }), kind: 'ConfigMap' },
      found('sourced', 'small', { target }),
    ],
    [
      'an ExternalSecret with many labels',
      { ...found('labelled', 'small'), metadata: { name: 'labelled', labels: wide } },
    ],
    [
      'a template with many labels',
      found('templated', 'small', { target: { template: { metadata: { labels: wide } } } }),
    ],
    ['a wide Environment', environment('wide', { values: wide })],
    ['an Environment as wide as may be read', environment('narrow', { values: members(29_000) })],
  ];
  for (const [what, ...manifests] of plants) {
    await tenants.underAttack(what, async () => {
      await tenants.plant(...manifests);
      for (let change = 0; change < 3; change++) {
        for (const {
          kind,
          metadata: { name },
        } of manifests) {
          const bare = { metadata: { annotations: { change: `${change}` }, managedFields: [{}] } };
          await api.patch({ kind: kind as KindName, namespace, name }, bare);
        }
        await pause(100);
      }
      await pause(500);
    });
  }
  const tooMany = refusal(/too many entries to be read|more than the \d+ keys that are read|has more than \d+ fields/);
  for (const name of ['keys', 'labels', 'sourced', 'labelled', 'templated'])
    expect([name, await tenants.verdict(name)]).toEqual([name, expect.objectContaining(tooMany)]);
  await forAll(['keys', 'labels', 'narrow'], (name) => api.delete({ kind: 'Secret', namespace, name }));
  await forAll(['wide', 'narrow'], (name) => api.delete({ kind: 'Environment', namespace, name }));
});

it('SIGTERM is heard in the middle of it, and ends the process within the grace of the pod', async () => {
  const last = Array.from({ length: 10 }, (_, i) => doubling(`last-${i}`));
  await forAll(last, (one) => tenants.plant(one));
  const operator = tenants.scene.operator();
  let code: number | null = null;
  const tookMs = await timed(async () => {
    code = await operator.stop();
  });
  tenants.tell(`ended ${tookMs} ms after SIGTERM; memory at its highest: ${tenants.peak()}`);
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(graceMs);
});

function marked(name: string, metadata: object, rest: object = {}): SampleManifest {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, ...metadata }, ...rest };
}

function environment(name: string, spec: SampleManifest['spec']): SampleManifest {
  return {
    apiVersion: 'escapement.dev/v1alpha1',
    kind: 'Environment',
    metadata: { name },
    ...(spec === undefined ? {} : { spec }),
  };
}

/** Ready=False that says so. */
const refusal = (says: RegExp) => ({ status: 'False', message: expect.stringMatching(says) });

const isSilent = (asked: string) => asked.startsWith('A ') && asked.endsWith('.silent');

/** The attacker's own upstream, with a folder for each kind of size. */
async function plantLibrary(): Promise<void> {
  library.projects.add({ slug: project });
  const put = (path: string, key: string, value: string) =>
    library.secrets.set({ environment: 'dev', path, key, value });
  for (let i = 0; i < 50; i++) put('/small', `KEY_${i}`, 'x');
  for (let i = 0; i < 5_000; i++) put('/many', `KEY_${i}`, 'x');
  for (let i = 0; i < mostKeys - 5_000; i++) put('/more', `MORE_${i}`, 'x'.repeat(60));
  const rows = Array.from({ length: 40_000 }, (_, a) => ({ a, b: 'xxxx' }));
  put('/json', 'JSON', JSON.stringify(rows).slice(0, 800_000));
  const reader = library.identities.add({
    name: 'reader',
    universal: { clientSecrets: [{ secret: loginSecret }] },
    access: { [project]: { role: 'viewer' } },
  });
  await tenants.plant(
    credentials('credentials', reader),
    ...['small', 'many', 'more', 'json'].map((folder) =>
      store({ name: folder, hostAPI: library.url, scope: { secretsPath: `/${folder}` } }),
    ),
  );
}

/** An ExternalSecret with all that the store has, as often as it may. */
function found(name: string, from: string, spec: Readonly<Record<string, unknown>> = {}) {
  const dataFrom = [{ find: { name: { regexp: '.*' } } }];
  return externalSecret({
    name,
    storeRef: { name: from },
    spec: { refreshInterval: '1s', ...('data' in spec ? {} : { dataFrom }), ...spec },
  });
}

function doubling(name: string) {
  const rewrite = Array.from({ length: 30 }, () => ({ regexp: { source: '.+', target: '$0$0' } }));
  return found(name, 'small', { dataFrom: [{ find: { name: { regexp: '.*' } }, rewrite }] });
}

const storeAt = (name: string, hostAPI: string) => store({ name, hostAPI });
const rogueStore = (name: string) => storeAt(name, `${rogue.url}/${name}`);

/** Base64 of the text wherever it begins in what was encoded, without the digits that its neighbours share. */
function base64Of(text: string): string[] {
  return [0, 1, 2].map((offset) =>
    Buffer.from(`${' '.repeat(offset)}${text}`)
      .toString('base64')
      .slice(4, -4),
  );
}

function rogueBehaviours(): Record<string, RogueBehaviour> {
  const emptyLists = (bytes: number) => ({
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(`{"secrets":[${'[],'.repeat(bytes / 3)}[]]}`),
  });
  const list = (bytes: number) => {
    const row = { secretKey: 'KEY_000000', secretValue: 'x'.repeat(200), type: 'shared', version: 1 };
    const count = Math.floor(bytes / JSON.stringify(row).length);
    const secrets = Array.from({ length: count }, (_, i) => ({ ...row, secretKey: `KEY_${i}` }));
    return { body: JSON.stringify({ secrets }) };
  };
  const error = (message: string) => JSON.stringify({ statusCode: 403, error: 'ForbiddenError', message });
  const steering = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202eno entry\u2066';
  const [found, allowed] = [list(foundBytes), list(allowedBytes)];
  const numbered = (name: string, behaviour: RogueBehaviour) =>
    Array.from({ length: 8 }, (_, i) => [`${name}-${i}`, behaviour] as const);
  return {
    refused: {
      login: () => ({ status: 403, body: error('ip '.repeat(100_000)) }),
      list: { body: '{}' },
    },
    repeated: { list: { status: 403, body: error('a-token-of-nobody '.repeat(30 * 58_000)) } },
    steering: {
      login: (body) => ({ status: 403, body: error(`${steering} ${Buffer.from(body).toString('base64')}`) }),
      list: { body: '{}' },
    },
    ...Object.fromEntries([
      ...numbered('empty-lists', { list: emptyLists(foundBytes) }),
      ...numbered('allowed-empty-lists', { list: emptyLists(allowedBytes) }),
      ...numbered('list', { list: found }),
      ...numbered('allowed-list', { list: allowed }),
    ]),
  };
}
