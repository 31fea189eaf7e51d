// One bad object stays alone: each of those that used to hold up others is applied beside 200 healthy ExternalSecrets, which
// go on refreshing on time, under our own CRDs and under some of the shape of ESO's. On control planes of their own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printCrds } from '../../src/cli/crds.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { inShapeOfEso } from '../support/eso-crds.ts';
import { createFleet, type Fleet } from '../support/fleet.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import { type ApiObject, createKubeApi, type KindName, type KubeApi } from '../support/kube-api.ts';
import { kubectl, untilEstablished } from '../support/kubectl.ts';
import { type Operator, startOperator } from '../support/operator.ts';
import type { KindedManifest } from '../support/scene.ts';
import { condition, type Follower, follow, timed, until } from '../support/wait.ts';

const namespace = 'healthy';
const healthyCount = 200;
const refreshIntervalMs = 4_000;
/** A refresh on time takes the interval and a moment; a machine that does other things needs more of a moment. */
const followedWithinMs = refreshIntervalMs + 8_000;

interface BadObject {
  readonly why: string;
  /** Applied in order; the last is the one that must say what is wrong. */
  readonly manifests: readonly KindedManifest[];
  /** Others that must say so too, or be as well as ever: by kind, name and Ready. */
  readonly besides?: readonly (readonly [KindName, string, 'True' | 'False'])[];
  readonly says: RegExp;
}

const apiVersion = 'external-secrets.io/v1';
const readable = { secretKey: 'k0', remoteRef: { key: 'K0_K0' } };
const healthyStore = { kind: 'SecretStore', name: 'store-0' };
const consumer = (name: string, spec: object) =>
  ({
    apiVersion,
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { secretStoreRef: healthyStore, data: [readable], ...spec },
  }) as const;
const fake = { fake: { data: [{ key: 'k', value: 'v' }] } };
const spread = (name: string) =>
  ({
    apiVersion,
    kind: 'ClusterExternalSecret',
    metadata: { name },
    spec: {
      externalSecretName: 'spread',
      namespaces: [namespace],
      externalSecretSpec: { secretStoreRef: healthyStore, data: [readable] },
    },
  }) as const;

const badObjects: readonly BadObject[] = [
  {
    why: 'an ExternalSecret whose refreshInterval does not parse',
    manifests: [consumer('bad-interval', { refreshInterval: 'soon' })],
    says: /spec\.refreshInterval/,
  },
  {
    why: 'an ExternalSecret without spec',
    manifests: [{ apiVersion, kind: 'ExternalSecret', metadata: { name: 'no-spec' } } as const],
    says: /data or dataFrom/,
  },
  {
    why: 'a store with a bad interval',
    manifests: [
      consumer('of-bad-store', {
        secretStoreRef: { name: 'bad-store' },
        data: [{ secretKey: 'k', remoteRef: { key: 'k' } }],
      }),
      {
        apiVersion,
        kind: 'SecretStore',
        metadata: { name: 'bad-store' },
        spec: { provider: fake, refreshInterval: 'often' },
      } as const,
    ],
    besides: [['ExternalSecret', 'of-bad-store', 'True']],
    says: /spec\.refreshInterval "often"/,
  },
  {
    why: 'two ClusterExternalSecrets on one namespace',
    manifests: [spread('spread-one'), spread('spread-two')],
    besides: [
      ['ClusterExternalSecret', 'spread-one', 'True'],
      ['ExternalSecret', 'spread', 'True'],
    ],
    says: /healthy/,
  },
  {
    why: 'a namespace regex that does not compile',
    manifests: [
      consumer('of-bad-regex', {
        secretStoreRef: { kind: 'ClusterSecretStore', name: 'bad-regex' },
        data: [{ secretKey: 'k', remoteRef: { key: 'k' } }],
      }),
      {
        apiVersion,
        kind: 'ClusterSecretStore',
        metadata: { name: 'bad-regex' },
        spec: { provider: fake, conditions: [{ namespaceRegexes: ['('] }] },
      } as const,
    ],
    besides: [['ExternalSecret', 'of-bad-regex', 'False']],
    says: /"\("/,
  },
];

describe.each([
  { shape: 'our CRDs', crds: printCrds },
  { shape: "CRDs of the shape of ESO's", crds: () => inShapeOfEso(printCrds()) },
])('under $shape', ({ shape, crds }) => {
  let plane: ControlPlane;
  let api: KubeApi;
  let double: InfisicalDouble;
  let fleet: Fleet;
  let operator: Operator;
  let externalSecrets: Follower;
  let secrets: Follower;

  beforeAll(async () => {
    plane = await startControlPlane();
    const { kubeconfigPath: kubeconfig } = plane;
    const manifests = crds();
    await kubectl(['apply', '--server-side', '-f', '-'], { kubeconfig, stdin: manifests });
    await untilEstablished(['-f', '-'], { kubeconfig, stdin: manifests });
    await kubectl(['create', 'namespace', namespace], { kubeconfig });
    api = createKubeApi(plane);
    double = await startInfisicalDouble();
    // Refused while the server takes up a kind.
    externalSecrets = await until('the kind is served', () =>
      follow(api, 'ExternalSecret', namespace).catch(() => undefined),
    );
    secrets = await follow(api, 'Secret', namespace);
    const ground = { api, double, namespace, externalSecrets, secrets, value: (label: string) => label };
    fleet = await createFleet(ground, { objects: healthyCount, scopes: 4, refreshInterval: `${refreshIntervalMs}ms` });
    operator = await startOperator({ kubeconfig });
    await until('all are synced', () => fleet.problems().length === 0, 60_000);
  }, 180_000);

  afterAll(async () => {
    for (const follower of [externalSecrets, secrets]) follower.stop();
    const code = await operator.stop();
    await double.stop();
    api.close();
    await plane.stop();
    expect(code).toBe(0);
  });

  /** Gives every healthy object a new value, and waits for all of them. */
  async function followingMs(): Promise<number> {
    for (const name of fleet.names) fleet.change(name, 'k1');
    return await timed(() => until('all follow', () => fleet.problems().length === 0, 60_000));
  }

  it('healthy objects alone follow within their interval', async () => {
    expect(await followingMs()).toBeLessThan(followedWithinMs);
  });

  it.each(badObjects)('$why says so, and the 200 go on', async ({ why, manifests, besides = [], says }) => {
    const at = (kind: KindName, name: string) =>
      kind.startsWith('Cluster') ? { kind, name } : { kind, namespace, name };
    const seenBefore = externalSecrets.history().length;
    const bad = manifests.at(-1) ?? expect.fail('nothing is applied');
    const verdictOf = async (kind: KindName, name: string) => readyOf(await api.get(at(kind, name)));
    for (const manifest of manifests) {
      const { kind, metadata } = manifest;
      await api.create(at(kind, metadata.name), manifest);
      if (kind !== 'ClusterExternalSecret' || manifest === bad) continue;
      // The first one has the namespace.
      await until('it is Ready', async () => (await verdictOf(kind, metadata.name))?.status === 'True');
    }
    const verdict = await until(`${bad.metadata.name} says so`, async () => {
      const found = await verdictOf(bad.kind, bad.metadata.name);
      return found?.status === 'False' && found;
    });
    expect(verdict.message).toMatch(says);
    for (const [kind, name, status] of besides)
      await until(`${name} is ${status}`, async () => (await verdictOf(kind, name))?.status === status);
    const tookMs = await followingMs();
    process.stdout.write(`alone: beside ${why}, under ${shape}: all 200 followed in ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(followedWithinMs);
    const healthy = new Set(fleet.names);
    const red = externalSecrets
      .history()
      .slice(seenBefore)
      .filter(({ object }) => healthy.has(object.metadata.name) && readyOf(object)?.status !== 'True');
    expect(red.map(({ object }) => object.metadata.name)).toEqual([]);
  });
});

function readyOf(object: ApiObject | undefined) {
  return condition(object, 'Ready');
}
