// What the operator needs each of its rights for, one test a purpose: docs/reference/rbac.md names them. The operator runs with
// the ServiceAccount that the chart renders; a call that the API server refuses fails the test, whatever came of it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { type AuditTrail, followAudit } from '../support/audit.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { startInfisicalDouble } from '../support/infisical-double/double.ts';
import type { IdentityView } from '../support/infisical-double/identities.ts';
import { kubernetesVerifier, type ReviewVerdict } from '../support/infisical-double/verifiers.ts';
import { applyCrds, createNamespace, kubectl, listOf } from '../support/kubectl.ts';
import { startOperator } from '../support/operator.ts';
import { clusterStore, credentials, entry, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene, decoded, type Scene, type SceneOptions } from '../support/scene.ts';
import { type SettableClock, settableClock } from '../support/set-clock.ts';
import { follow, isFailed, isReady, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');

let scene: Scene;
let identity: IdentityView;
let clock: SettableClock;

beforeAll(async () => {
  clock = await settableClock();
  // Under the chart's admission policy too: whatever the operator does here, it does within it.
  const values = { rbac: { serviceAccountTokenCreate: true }, admissionPolicy: { enabled: true } };
  scene = await createScene('rights', { values, env: clock.env });
  identity = plantSample(scene);
  await scene.apply(credentials('credentials', identity), store({ name: 'store', hostAPI: scene.double.url }));
});
afterAll(async () => {
  await scene.end();
  await clock.remove();
});

describe('an operator with the rights that the chart gives it', () => {
  it('keeps the Secret of an ExternalSecret', async () => {
    await noRefusals(scene, async () => {
      await scene.apply(externalSecret({ name: 'kept' }));
      await scene.whenSynced('kept');
      expect(await scene.secretData('kept')).toEqual({ value: scene.value('api-key') });
    });
  });

  it('mends a Secret that somebody changed', async () => {
    await noRefusals(scene, async () => {
      await scene.apply(externalSecret({ name: 'mended' }));
      await scene.whenSynced('mended');
      const wrong = { data: { value: 'd3Jvbmc=' } };
      const { metadata } = await scene.api.patch(scene.address('Secret', 'mended'), wrong);
      await scene.secrets.until(
        'mended',
        'is as before, later',
        (one) =>
          Number(one.metadata.resourceVersion) > Number(metadata.resourceVersion) &&
          decoded(one)['value'] === scene.value('api-key'),
      );
    });
  });

  it('adopts a Secret that was there', async () => {
    await noRefusals(scene, async () => {
      await scene.api.create(scene.address('Secret', 'adopted'), { metadata: { name: 'adopted' }, data: {} });
      await scene.apply(externalSecret({ name: 'adopted' }));
      await scene.whenSynced('adopted');
    });
  });

  it('removes the Secret of an earlier target name', async () => {
    await noRefusals(scene, async () => {
      await scene.apply(externalSecret({ name: 'renamed', spec: { target: { name: 'earlier' } } }));
      await scene.whenSynced('renamed');
      await scene.api.patch(scene.address('ExternalSecret', 'renamed'), { spec: { target: { name: 'later' } } });
      await scene.whenSynced('renamed');
      await scene.secrets.untilGone('earlier');
    });
  });

  it('takes off the finalizer that another operator left', async () => {
    await noRefusals(scene, async () => {
      const made = externalSecret({ name: 'finalized' });
      const finalizers = ['externalsecrets.external-secrets.io/externalsecret-cleanup'];
      await scene.apply({ ...made, metadata: { ...made.metadata, finalizers } });
      await scene.whenSynced('finalized');
      await scene.api.delete(scene.address('ExternalSecret', 'finalized'));
      await scene.externalSecrets.untilGone('finalized');
    });
  });

  it('reports on a SecretStore', async () => {
    await noRefusals(scene, async () => {
      await scene.apply(store({ name: 'reported', hostAPI: scene.double.url }));
      await scene.stores.until('reported', 'is valid', isReady);
    });
  });

  it('serves a ClusterSecretStore with conditions on namespaces', async () => {
    const { namespace, controllerClass, double } = scene;
    const name = `${namespace}-cluster`;
    const stores = await follow(scene.api, 'ClusterSecretStore');
    onTestFinished(() => stores.stop());
    await noRefusals(scene, async () => {
      const conditions = [{ namespaceSelector: { matchLabels: { rights: 'granted' } } }];
      await scene.apply(
        clusterStore({ name, hostAPI: double.url, namespace, controllerClass, spec: { conditions } }),
        externalSecret({ name: 'cluster-wide', storeRef: { kind: 'ClusterSecretStore', name } }),
      );
      await stores.until(name, 'is valid', isReady);
      await scene.externalSecrets.until('cluster-wide', 'is shut out', isFailed);
      await kubectl(['label', 'namespace', namespace, 'rights=granted'], scene);
      await scene.whenSynced('cluster-wide');
    });
  });

  it('tells by events, and counts those that repeat', async () => {
    await noRefusals(scene, async () => {
      const set = (text: string) => scene.double.secrets.set({ environment: 'dev', key: 'COUNTED', value: text });
      set(scene.value('0'));
      const spec = { refreshInterval: '1s', data: [entry('value', 'COUNTED')] };
      await scene.apply(externalSecret({ name: 'counted', spec }));
      await scene.whenSynced('counted');
      const counts = () => scene.eventsOf('ExternalSecret', 'counted').map(({ reason, count }) => `${reason} ${count}`);
      const change = async (text: string) => {
        set(scene.value(text));
        await scene.secrets.until('counted', 'follows', (one) => decoded(one)['value'] === scene.value(text));
      };
      await change('1');
      await until('the event is there', () => counts().includes('Updated 1'));
      await clock.set(scene.operator(), 120_000); // a repeated event is counted up once a minute at most
      await change('2');
      await until('the event is counted up', () => counts().includes('Updated 2'));
    });
  });

  it('takes values from every kind of generator', async () => {
    const endpoint = createServer((_, response) => response.end('{"answered":"w"}'));
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void endpoint.close());
    const { port } = endpoint.address() as AddressInfo; // of a TCP server
    const specs = {
      Fake: { data: { fixed: 'f' } },
      MFA: { secret: { name: 'mfa-seed', key: 'seed' } },
      Password: {},
      SSHKey: { keyType: 'ed25519' },
      UUID: {},
      Webhook: { url: `http://127.0.0.1:${port}/`, result: {} },
      ClusterGenerator: { kind: 'Fake', generator: { fakeSpec: { data: { everywhere: 'c' } } } },
    };
    const named = Object.entries(specs).map(([kind, spec]) => ({ kind, name: `${scene.namespace}-generator`, spec }));
    const refs = named.map(({ kind, name }) => ({ sourceRef: { generatorRef: { kind, name } } }));
    await noRefusals(scene, async () => {
      await scene.apply(externalSecret({ name: 'generated', spec: { data: [], dataFrom: refs } }), {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'mfa-seed' },
        stringData: { seed: 'GEZDGNBVGY3TQOJQ' },
      });
      await scene.whenFailed('generated');
      // One after another, so that each of them is waited for.
      for (const { kind, name, spec } of named)
        await scene.apply({ apiVersion: 'generators.external-secrets.io/v1alpha1', kind, metadata: { name }, spec });
      await scene.whenSynced('generated');
      const keys = [
        'answered',
        'everywhere',
        'fixed',
        'password',
        'privateKey',
        'publicKey',
        'timeLeft',
        'token',
        'uuid',
      ];
      expect(Object.keys((await scene.secretData('generated')) ?? {}).sort()).toEqual(keys);
    });
    await kubectl(['delete', 'clustergenerator', `${scene.namespace}-generator`], scene);
  });

  it('logs in as the ServiceAccount that a store names', async () => {
    const { namespace, double } = scene;
    const seen: string[] = [];
    const { id } = double.identities.add({
      name: 'tokens',
      methods: {
        kubernetes: kubernetesVerifier({
          review: async (jwt) => {
            const verdict = await reviewed(jwt, scene.kubeconfig);
            seen.push('username' in verdict ? verdict.username : 'nobody');
            return verdict;
          },
        }),
      },
      access: { 'my-project': { role: 'viewer' } },
    });
    await noRefusals(scene, async () => {
      const auth = {
        kubernetesAuthCredentials: {
          identityId: { name: 'identity', key: 'id' },
          serviceAccountRef: { name: 'app' },
        },
      };
      await scene.apply(
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'identity' }, stringData: { id } },
        store({ name: 'tokens', hostAPI: double.url, auth }),
        externalSecret({ name: 'tokens', storeRef: { name: 'tokens' } }),
      );
      await scene.whenFailed('tokens');
      await kubectl(['create', 'serviceaccount', 'app', '-n', namespace], scene);
      await scene.whenSynced('tokens');
      expect(new Set(seen)).toEqual(new Set([`system:serviceaccount:${namespace}:app`]));
    });
  });
});

describe('an operator of its own', () => {
  it('trusts a CA from a ConfigMap, and follows it', async () => {
    const apart = await sceneApart({ double: { tls: true } });
    const { double, namespace } = apart;
    await noRefusals(apart, async () => {
      const bundle = (text: string) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'ca' },
        data: { 'ca.crt': text },
      });
      const caProvider = { type: 'ConfigMap', name: 'ca', key: 'ca.crt' };
      await apart.apply(
        bundle('nothing'),
        credentials('credentials', plantSample(apart)),
        store({ name: 'store', hostAPI: double.url, infisical: { caProvider } }),
        externalSecret({ name: 'trusting' }),
      );
      await apart.whenFailed('trusting');
      await apart.api.patch({ kind: 'ConfigMap', namespace, name: 'ca' }, { data: { 'ca.crt': double.caPem } });
      await apart.whenSynced('trusting');
    });
  });

  it.skipIf(auditLogPath === undefined)('looks at no Secret but its own and those that a store names', async () => {
    const audit = await followAudit(auditLogPath ?? '');
    const apart = await sceneApart({ operator: false });
    const { api, namespace } = apart;
    const others = ['unrelated', 'kept'].map((name) => ({
      metadata: { name },
      stringData: { own: name },
    }));
    for (const body of others) await api.create(apart.address('Secret', body.metadata.name), body);
    await apart.startOperator();
    await apart.apply(
      credentials('credentials', plantSample(apart)),
      store({ name: 'store', hostAPI: apart.double.url }),
      externalSecret({ name: 'made' }),
      externalSecret({ name: 'adopted', spec: { target: { name: 'kept' } } }),
    );
    await apart.whenSynced('made');
    await apart.whenSynced('adopted');
    const looks = (await audit.calls())
      .filter((call) => call.namespace === namespace && call.resource === 'secrets')
      .filter(({ verb }) => verb === 'get' || verb === 'list' || verb === 'watch')
      .map(({ verb, name, uri }) => {
        const query = new URL(uri, 'http://api').searchParams;
        return `${verb} ${query.get('labelSelector') ?? query.get('fieldSelector') ?? name}`;
      });
    expect(new Set(looks)).toEqual(
      new Set(['watch reconcile.external-secrets.io/managed=true', 'watch metadata.name=credentials', 'get kept']),
    );
  });

  it('leads by a Lease and gives it back', async () => {
    const apart = await sceneApart({ flags: ['--enable-leader-election=true'] });
    const { kubeconfig, namespace } = apart;
    const operator = apart.operator();
    await noRefusals(apart, async () => {
      const holder = async () => {
        const path = 'jsonpath={.spec.holderIdentity}';
        const lease = ['get', 'lease', 'escapement-controller', '-n', namespace, '--ignore-not-found', '-o', path];
        return (await kubectl(lease, { kubeconfig })).stdout;
      };
      await until('it leads', async () => (await operator.metric('escapement_leader')) === 1);
      expect(await holder()).toMatch(/^escapement-0_/);
      expect(await operator.stop()).toBe(0);
      expect(await holder()).toBe('');
      // The second one finds a Lease that is there, and updates it.
      const next = await apart.startOperator();
      await until('it leads', async () => (await next.metric('escapement_leader')) === 1);
    });
  });
});

describe('a cluster that checks owner references and has no WatchList', () => {
  let old: ControlPlane;
  beforeAll(async () => {
    old = await startControlPlane({
      audit: true,
      apiServerFlags: [
        '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
        '--feature-gates=WatchList=false',
      ],
    });
    await applyCrds(join(import.meta.dirname, '..', '..', 'deploy', 'crds'), { kubeconfig: old.kubeconfigPath });
  });
  afterAll(() => old.stop());

  it('is served by an operator that may update finalizers', async () => {
    const place = await namespaceIn(old, 'finalizers');
    const operator = await startOperator({ kubeconfig: place.kubeconfig, namespace: place.namespace });
    onTestFinished(async () => void (await operator.stop()));
    await place.apply(
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'SecretStore',
        metadata: { name: 'store' },
        spec: { provider: { fake: { data: [{ key: 'API_KEY', value: 'fake' }] } } },
      },
      externalSecret({ name: 'owned' }),
      {
        apiVersion: 'escapement.dev/v1alpha1',
        kind: 'Environment',
        metadata: { name: 'owner' },
        spec: { values: { environmentVariables: { A: 'b' } }, publish: { secretName: 'published' } },
      },
    );
    await place.whenReady('externalsecret/owned');
    await place.whenReady('environment/owner');
  });

  it('is served by an operator that may list', async () => {
    const place = await namespaceIn(old, 'listing');
    const { namespace, kubeconfig } = place;
    const double = await startInfisicalDouble({ tls: true });
    onTestFinished(() => double.stop());
    double.projects.add({ slug: 'my-project' });
    double.secrets.set({ environment: 'dev', key: 'API_KEY', value: 'listed' });
    const identity = double.identities.add({
      name: 'reader',
      methods: { kubernetes: kubernetesVerifier({ review: (jwt) => reviewed(jwt, kubeconfig) }) },
      access: { 'my-project': { role: 'viewer' } },
    });
    await kubectl(['create', 'serviceaccount', 'app', '-n', namespace], { kubeconfig });
    const ca = { type: 'ConfigMap', name: 'ca', key: 'ca.crt', namespace };
    const kubernetesAuthCredentials = {
      identityId: { name: 'identity', key: 'id', namespace },
      serviceAccountRef: { name: 'app', namespace },
    };
    const conditions = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }];
    const wide = clusterStore({
      name: 'listing',
      hostAPI: double.url,
      namespace,
      controllerClass: 'default',
      auth: { kubernetesAuthCredentials },
      infisical: { caProvider: ca },
      spec: { conditions },
    });
    // Held by somebody who is gone: for as long the operator follows, and wants to hear of the Lease.
    await place.apply({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'escapement-controller' },
      spec: { holderIdentity: 'former', leaseDurationSeconds: 2 },
    });
    const operator = await startOperator({
      kubeconfig,
      namespace,
      values: { rbac: { serviceAccountTokenCreate: true }, leaderElect: true },
    });
    onTestFinished(async () => void (await operator.stop()));
    await place.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ca' }, data: { 'ca.crt': double.caPem } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'identity' }, stringData: { id: identity.id } },
      wide,
      externalSecret({ name: 'listed', storeRef: { kind: 'ClusterSecretStore', name: 'listing' } }),
    );
    await place.whenReady('externalsecret/listed');
    expect(await place.refused()).toEqual([]);
  });
});

/** A namespace of a control plane that is not the shared one. */
async function namespaceIn({ kubeconfigPath: kubeconfig, auditLogPath: log }: ControlPlane, prefix: string) {
  const audit = log === undefined ? undefined : await followAudit(log);
  const namespace = await createNamespace(prefix, { kubeconfig });
  return {
    namespace,
    kubeconfig,
    async apply(...manifests: readonly object[]) {
      await kubectl(['apply', '-n', namespace, '-f', '-'], { kubeconfig, stdin: listOf(manifests) });
    },
    async whenReady(what: string) {
      await kubectl(['wait', '--for=condition=Ready', what, '-n', namespace, '--timeout=15s'], { kubeconfig });
    },
    refused: () => refusals(audit, namespace),
  };
}

/** Asks the cluster whose token it is, as Infisical does. */
async function reviewed(jwt: string, kubeconfig: string): Promise<ReviewVerdict> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: jwt } };
  const stdin = JSON.stringify(review);
  const args = ['create', '-f', '-', '-o', 'jsonpath={.status.user.username}'];
  const { stdout: username } = await kubectl(args, { kubeconfig, stdin });
  return username === '' ? { refused: 'not known' } : { username };
}

async function sceneApart(options: SceneOptions): Promise<Scene> {
  const apart = await createScene('rights', options);
  onTestFinished(() => apart.end());
  return apart;
}

/** Runs the scene and expects that the API server refused nothing there meanwhile. */
async function noRefusals({ namespace }: Scene, run: () => Promise<void>): Promise<void> {
  const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
  await run();
  expect(await refusals(audit, namespace)).toEqual([]);
}

/** Calls of operators that were answered by 403, in the namespace and outside of all. */
async function refusals(audit: AuditTrail | undefined, namespace: string): Promise<readonly string[]> {
  const calls = (await audit?.calls()) ?? [];
  const here = calls.filter((call) => call.namespace === namespace || call.namespace === '');
  return here.filter(({ code }) => code === 403).map(({ verb, resource, name }) => `${verb} ${resource} ${name}`);
}
