// Tenants: what a store may reach. The matrix is made of the CRD itself, so that a reference field which is added there is
// in it: each field × a SecretStore that names a foreign namespace, a ClusterSecretStore that names one, and a
// ClusterSecretStore that names none.
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { reviewToken } from '../support/cluster-trust.ts';
import { createJwtIssuer } from '../support/jwt-issuer.ts';
import type { ObjectAddress } from '../support/kube-api.ts';
import { applyYaml, createNamespace, listOf } from '../support/kubectl.ts';
import { createLoginScene, type LoginScene } from '../support/login-scene.ts';
import { condition, until } from '../support/wait.ts';

type Json = Readonly<Record<string, unknown>>;
type StoreKind = 'SecretStore' | 'ClusterSecretStore';

/** Serves its namespace with the operator's identity allowed to it; another namespace belongs to somebody else. */
let scene: LoginScene;
let foreign = '';
/** The same operator as it is installed by default. */
let strict: LoginScene;

const node = z.object({ properties: z.record(z.string(), z.unknown()).default({}) });
const crd = parse(
  await readFile(join(import.meta.dirname, '../../deploy/crds/external-secrets.io_secretstores.yaml'), 'utf8'),
);
const v1 = crd.spec.versions.find((version: Json) => version['name'] === 'v1');
const { infisical } = v1.schema.openAPIV3Schema.properties.spec.properties.provider.properties;
const fields = [...referencesIn(infisical, [])].map((path) => path.join('.'));

/** Every object of the schema that may name a namespace. */
function* referencesIn(schema: unknown, path: readonly string[]): Generator<readonly string[]> {
  const { properties } = node.parse(schema);
  if ('namespace' in properties) yield path;
  for (const [name, inner] of Object.entries(properties)) yield* referencesIn(inner, [...path, name]);
}

/** Good for every login block, by the name of the field that refers to it. */
async function material(): Promise<Record<string, string>> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    identityId: '8ad070b4-fa87-4f99-b217-e4668ba01f6a',
    clientId: scene.value('client-id'),
    clientSecret: scene.value('client-secret'),
    accessToken: scene.value('access-token'),
    jwt: await (await createJwtIssuer('https://issuer.example')).sign({ sub: 'x' }),
    ldapUsername: scene.value('user'),
    ldapPassword: scene.value('password'),
    resource: 'api://infisical',
    serviceAccountKeyFilePath: '/var/run/secrets/key.json',
    serviceAccountTokenPath: '/var/run/secrets/token',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKeyPassphrase: 'unused',
    fingerprint: Array(16).fill('ab').join(':'),
    userId: 'ocid1.user.oc1..aaaa',
    tenancyId: 'ocid1.tenancy.oc1..aaaa',
    region: 'eu-frankfurt-1',
  };
}

beforeAll(async () => {
  const kubeconfig = inject('kubeconfigPath');
  [foreign, scene, strict] = await Promise.all([
    createNamespace('tenants-foreign', { kubeconfig }),
    createLoginScene('tenants', ({ namespace }) => [
      '--ambient-identity-hosts=127.0.0.1',
      `--ambient-identity-namespaces=${namespace}`,
    ]),
    createLoginScene('tenants-strict', () => [], { values: {} }),
  ]);
  const stringData = await material();
  for (const namespace of [foreign, scene.namespace, strict.namespace]) {
    const objects: [kind: ObjectAddress['kind'] | 'ServiceAccount', name: string, body: Json][] = [
      ['Secret', 'creds', { stringData }],
      ['Secret', 'ca', { stringData: { 'ca.crt': 'not looked at' } }],
      ['ConfigMap', 'ca', { data: { 'ca.crt': 'not looked at' } }],
      ['ServiceAccount', 'robot', {}],
    ];
    const manifests = objects.map(([kind, name, body]) => ({
      apiVersion: 'v1',
      kind,
      metadata: { name, namespace },
      ...body,
    }));
    await applyYaml(listOf(manifests), { kubeconfig });
  }
});

afterAll(async () => {
  await scene.api.delete({ kind: 'Namespace', name: foreign });
  await Promise.all([scene.end(), strict.end()]);
});

interface Reference {
  readonly field: string;
  /** What the field refers to, and in which namespace (none: the field is left out). */
  readonly name: string;
  readonly namespace?: string;
  /** Where the block's other references point. */
  readonly others?: string;
  readonly caType?: 'Secret' | 'ConfigMap';
}

/** Of two that exclude each other, the one that is not asked for stays out. */
const alternatives: Readonly<Record<string, readonly string[]>> = {
  serviceAccountRef: ['jwt', 'serviceAccountTokenPath'],
  serviceAccountTokenPath: ['serviceAccountRef'],
};
const optional = ['serviceAccountRef', 'serviceAccountTokenPath'];

/** A provider block whose only flaw, if any, is this one reference. */
function infisicalWith({ field, name, namespace, others, caType = 'Secret' }: Reference, hostAPI: string): Json {
  const at = (where: string | undefined) => (where === undefined ? {} : { namespace: where });
  const path = field.split('.');
  const key = path.at(-1) ?? '';
  const secretsScope = { projectSlug: 'shop', environmentSlug: 'prod' };
  if (field === 'caProvider') {
    const accessToken = { name: 'creds', key: 'accessToken', ...at(others) };
    const caProvider = { type: caType, name, key: 'ca.crt', ...at(namespace) };
    return { hostAPI, secretsScope, caProvider, auth: { tokenAuthCredentials: { accessToken } } };
  }
  const [, block = ''] = path;
  const siblings = fields
    .filter((each) => each.startsWith(`auth.${block}.`) && each !== field)
    .map((each) => each.split('.').at(-1) ?? '')
    .filter((each) => !optional.includes(each) && !alternatives[key]?.includes(each));
  const whole = siblings.map((each) => [each, { name: 'creds', key: each, ...at(others) }]);
  const asked = key === 'serviceAccountRef' ? { name, ...at(namespace) } : { name, key, ...at(namespace) };
  return { hostAPI, secretsScope, auth: { [block]: { ...Object.fromEntries(whole), [key]: asked } } };
}

/** A store with an ExternalSecret that uses it. Names are of the scene, since some stores are cluster-wide. */
async function use(kind: StoreKind, name: string, infisical: Json, on = scene): Promise<void> {
  const controller = on.controllerClass;
  await on.put(
    {
      apiVersion: 'external-secrets.io/v1',
      kind,
      metadata: { name },
      spec: { controller, refreshInterval: 0, provider: { infisical } },
    },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name },
      spec: {
        refreshInterval: '1h',
        secretStoreRef: { kind, name },
        data: [{ secretKey: 'API_KEY', remoteRef: { key: 'API_KEY' } }],
      },
    },
  );
}

/** What the Ready conditions of ExternalSecret and store say, once they are there. */
async function verdicts(kind: StoreKind, name: string, on = scene) {
  const externalSecret = await on.externalSecrets.until(name, 'has a condition', (one) => {
    const ready = condition(one, 'Ready');
    return ready !== undefined && ready.status !== 'Unknown';
  });
  const store = await until(`${kind} "${name}" has a condition`, async () =>
    condition(await on.api.get(on.address(kind, name)), 'Ready'),
  );
  return { externalSecret: condition(externalSecret, 'Ready'), store };
}

const nameOf = (...parts: readonly string[]) => parts.join('.').toLowerCase().replace('authcredentials', '');

interface Row {
  readonly field: string;
  /** Kind of the object that the field refers to. */
  readonly what: 'Secret' | 'ConfigMap' | 'ServiceAccount';
}

/** Every field; caProvider once for each kind of object. */
const matrix = fields.flatMap((field): readonly Row[] => {
  if (field.endsWith('serviceAccountRef')) return [{ field, what: 'ServiceAccount' }];
  return field === 'caProvider'
    ? [
        { field, what: 'Secret' },
        { field, what: 'ConfigMap' },
      ]
    : [{ field, what: 'Secret' }];
});

/** Which object of the foreign namespace the field would get. */
function bait({ field, what }: Row): string {
  if (field === 'caProvider') return 'ca';
  return what === 'ServiceAccount' ? 'robot' : 'creds';
}

/** The type of a caProvider; other fields do not look at it. */
const caTypeOf = ({ what }: Row): 'Secret' | 'ConfigMap' => (what === 'ConfigMap' ? what : 'Secret');

describe('the matrix', () => {
  it('knows every method and the CA', () => {
    expect(new Set(fields.map((field) => field.split('.')[1]))).toHaveProperty('size', 12);
    expect(matrix.length).toBeGreaterThanOrEqual(29);
  });
});

describe.concurrent('a SecretStore that names a foreign namespace is refused', () => {
  it.each(matrix)('in $field ($what)', async (row) => {
    const { field, what } = row;
    const name = nameOf(scene.namespace, 'a', field, what);
    const reference = { field, name: bait(row), namespace: foreign, caType: caTypeOf(row) };
    await use('SecretStore', name, infisicalWith(reference, scene.double.url));
    const { externalSecret, store } = await verdicts('SecretStore', name);
    const refusal = `${field}.namespace "${foreign}" is not allowed: a SecretStore may only refer to its own namespace "${scene.namespace}"`;
    for (const one of [externalSecret, store]) {
      expect(one).toMatchObject({ status: 'False', message: expect.stringContaining(refusal) });
    }
  });
});

describe.concurrent('a ClusterSecretStore that names a namespace looks there', () => {
  it.each(matrix)('in $field ($what)', async (row) => {
    const { field, what } = row;
    const name = nameOf(scene.namespace, 'b', field, what);
    const reference = { field, name: 'absent', namespace: foreign, others: foreign, caType: caTypeOf(row) };
    await use('ClusterSecretStore', name, infisicalWith(reference, scene.double.url));
    const { externalSecret, store } = await verdicts('ClusterSecretStore', name);
    for (const one of [externalSecret, store]) {
      const missing = expect.stringContaining(`${field}: ${what} "${foreign}/absent" does not exist`);
      expect(one).toMatchObject({ status: 'False', message: missing });
    }
  });
});

describe.concurrent('a ClusterSecretStore that names no namespace', () => {
  it.each(matrix.filter(({ field }) => field !== 'caProvider'))(
    'looks in that of the consumer in $field ($what)',
    async ({ field, what }) => {
      const name = nameOf(scene.namespace, 'c', field, what);
      await use(
        'ClusterSecretStore',
        name,
        infisicalWith({ field, name: 'absent', others: foreign }, scene.double.url),
      );
      const { externalSecret, store } = await verdicts('ClusterSecretStore', name);
      const missing = expect.stringContaining(`${field}: ${what} "${scene.namespace}/absent" does not exist`);
      expect(externalSecret).toMatchObject({ status: 'False', message: missing });
      const open = expect.stringContaining(`${field}.namespace is not set`);
      expect(store).toMatchObject({ status: 'True', reason: 'ValidationUnknown', message: open });
    },
  );

  it.each(['Secret', 'ConfigMap'] as const)(
    'is refused in caProvider (%s): a consumer must not choose whom to trust',
    async (type) => {
      const name = nameOf(scene.namespace, 'c', 'caprovider', type);
      const reference = { field: 'caProvider', name: 'ca', others: foreign, caType: type };
      await use('ClusterSecretStore', name, infisicalWith(reference, scene.double.url));
      const { externalSecret, store } = await verdicts('ClusterSecretStore', name);
      for (const one of [externalSecret, store]) {
        expect(one).toMatchObject({
          status: 'False',
          message: expect.stringContaining('caProvider.namespace is required'),
        });
      }
    },
  );
});

describe('none of the refused', () => {
  it('made a request', () => {
    expect(scene.double.requests.counts().total).toBe(0);
  });
});

describe('a ServiceAccount', () => {
  /** Judges nothing; keeps who logged in, as the cluster says. */
  function witness(name: string) {
    const seen: string[] = [];
    const identityId = scene.identity(name, 'kubernetes', async (body) => {
      const verdict = await reviewToken(inject('controlPlane'), body['jwt'] ?? '');
      seen.push('username' in verdict ? verdict.username : 'nobody');
    });
    return { seen, identityId };
  }

  it.each<[label: string, why: string, kind: StoreKind, named: () => string | undefined, expected: () => string]>([
    ['robot-0', 'is that of a SecretStore’s own namespace', 'SecretStore', () => undefined, () => scene.namespace],
    [
      'robot-1',
      'is that of its own namespace when it names that',
      'SecretStore',
      () => scene.namespace,
      () => scene.namespace,
    ],
    [
      'robot-2',
      'is that of the consumer of a ClusterSecretStore',
      'ClusterSecretStore',
      () => undefined,
      () => scene.namespace,
    ],
    ['robot-3', 'is that which a ClusterSecretStore names', 'ClusterSecretStore', () => foreign, () => foreign],
  ])('%s %s', async (label, _, kind, named, expected) => {
    const name = nameOf(scene.namespace, label);
    const { seen, identityId } = witness(name);
    const namespace = named();
    const at = namespace === undefined ? {} : { namespace };
    const login = `${name}-login`;
    await scene.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: login }, stringData: { identityId } });
    const id = kind === 'SecretStore' ? {} : { namespace: scene.namespace };
    await use(kind, name, {
      hostAPI: scene.double.url,
      secretsScope: { projectSlug: 'shop', environmentSlug: 'prod' },
      auth: {
        kubernetesAuthCredentials: {
          identityId: { name: login, key: 'identityId', ...id },
          serviceAccountRef: { name: 'robot', ...at },
        },
      },
    });
    await scene.whenSynced(name);
    expect(new Set(seen)).toEqual(new Set([`system:serviceaccount:${expected()}:robot`]));
  });
});

describe('the operator’s own identity, by default', () => {
  const ambient = ['kubernetes', 'aws', 'azure', 'gcpIdToken', 'gcpIam'];
  const hostFlag = 'add "127.0.0.1:';
  const flags = ['--ambient-identity-hosts (Helm value ambientIdentity.hosts)', hostFlag];
  const namespaceFlag = '--ambient-identity-namespaces (Helm value ambientIdentity.namespaces)';

  const spec = (method: string, others?: string) => {
    const field = `auth.${method}AuthCredentials.identityId`;
    const at = others === undefined ? {} : { namespace: others, others };
    return infisicalWith({ field, name: 'creds', ...at }, strict.double.url);
  };

  it.each(ambient)('is not for a SecretStore: %s', async (method) => {
    const name = nameOf(strict.namespace, 'own', method);
    await use('SecretStore', name, spec(method), strict);
    const { externalSecret, store } = await verdicts('SecretStore', name, strict);
    for (const one of [externalSecret, store]) {
      expect(one?.status).toBe('False');
      for (const part of [...flags, namespaceFlag, `add "${strict.namespace}" to`])
        expect(one?.message).toContain(part);
    }
  });

  it.each(ambient)('is not for a host that is not listed, whoever asks: %s', async (method) => {
    const name = nameOf(strict.namespace, 'cluster', method);
    await use('ClusterSecretStore', name, spec(method, foreign), strict);
    const { externalSecret, store } = await verdicts('ClusterSecretStore', name, strict);
    for (const one of [externalSecret, store]) {
      expect(one?.status).toBe('False');
      for (const part of flags) expect(one?.message).toContain(part);
      expect(one?.message).not.toContain(namespaceFlag);
    }
  });

  it('does not mint tokens either, unless the chart gives it the right', async () => {
    const name = nameOf(strict.namespace, 'minting');
    const field = 'auth.kubernetesAuthCredentials.serviceAccountRef';
    await use('SecretStore', name, infisicalWith({ field, name: 'robot' }, strict.double.url), strict);
    const { externalSecret, store } = await verdicts('SecretStore', name, strict);
    for (const one of [externalSecret, store]) {
      expect(one).toMatchObject({
        status: 'False',
        message: expect.stringContaining('rbac.serviceAccountTokenCreate'),
      });
    }
  });

  it('has sent nothing', () => {
    expect(strict.double.requests.counts().total).toBe(0);
  });
});

describe('an upstream address', () => {
  const listed = 'insecureUpstreamHosts';
  it.each<[label: string, hostAPI: string, says: string]>([
    ['metadata', 'https://169.254.169.254', 'link-local, unspecified and metadata addresses are never reached'],
    ['metadata6', 'https://[fd00:ec2::254]', 'link-local, unspecified and metadata addresses are never reached'],
    ['by-name', 'https://metadata.google.internal', 'link-local, unspecified and metadata addresses are never reached'],
    ['mapped', 'https://[::ffff:169.254.169.254]', 'link-local, unspecified and metadata addresses are never reached'],
    ['decimal', 'https://2852039166', 'link-local, unspecified and metadata addresses are never reached'],
    ['loopback', 'https://127.0.0.2:6443', listed],
    ['plain', 'http://infisical.example.com', listed],
  ])('%s is refused: %s', async (label, hostAPI, says) => {
    const name = nameOf(scene.namespace, 'address', label);
    const reference = { field: 'auth.tokenAuthCredentials.accessToken', name: 'creds' };
    await use('SecretStore', name, infisicalWith(reference, hostAPI));
    const { externalSecret, store } = await verdicts('SecretStore', name);
    for (const one of [externalSecret, store]) {
      expect(one).toMatchObject({ status: 'False', message: expect.stringContaining(says) });
    }
  });
});

describe('a token path', () => {
  it.each<[label: string, kind: StoreKind, path: string]>([
    ['outside', 'SecretStore', '/etc/hostname'],
    ['outside', 'ClusterSecretStore', '/etc/hostname'],
    ['leading-out', 'ClusterSecretStore', '/var/run/secrets/../../../etc/hostname'],
    ['to-the-process', 'ClusterSecretStore', '/proc/self/environ'],
  ])('%s is refused in a %s: %s', async (label, kind, path) => {
    const name = nameOf(scene.namespace, label, kind);
    const identityId = scene.identity(name, 'kubernetes', () => {});
    await scene.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { identityId, path } });
    const at = kind === 'SecretStore' ? {} : { namespace: scene.namespace };
    await use(kind, name, {
      hostAPI: scene.double.url,
      secretsScope: { projectSlug: 'shop', environmentSlug: 'prod' },
      auth: {
        kubernetesAuthCredentials: {
          identityId: { name, key: 'identityId', ...at },
          serviceAccountTokenPath: { name, key: 'path', ...at },
        },
      },
    });
    const { externalSecret, store } = await verdicts(kind, name);
    for (const one of [externalSecret, store]) {
      const flag = '--credential-directories (Helm value credentialDirectories)';
      expect(one).toMatchObject({ status: 'False', message: expect.stringContaining(flag) });
    }
  });
});
