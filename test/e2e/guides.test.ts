// What the guides promise, done by a machine: the five-minute start, command by command, with the real helm and kubectl; the
// examples for Argo CD and Flux, and what those tools make of the objects.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { argoHealth, kstatus } from '../support/gitops-health.ts';
import { commandsOf, createReader, type Reader, yamlBelow } from '../support/guides.ts';
import { helm, isHelmThere } from '../support/helm.ts';
import { applyCrds, kubectl } from '../support/kubectl.ts';
import { startOperator } from '../support/operator.ts';
import { credentials, entry, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene } from '../support/scene.ts';
import { condition, isReady } from '../support/wait.ts';

const root = join(import.meta.dirname, '..', '..');
const hasHelm = await isHelmThere();

let cluster: ControlPlane;
let reader: Reader;

beforeAll(async () => {
  cluster = await startControlPlane();
  const { kubeconfigPath: kubeconfig } = cluster;
  reader = await createReader({ kubeconfig, kubectl: join(dirname(kubeconfig), 'kubectl') });
});
afterAll(async () => {
  await reader.end();
  await cluster.stop();
});

describe.skipIf(!hasHelm)('the guides', () => {
  it('of the first five minutes lead from nothing to a Secret, and back', async () => {
    const printed = [...(await reader.walkStart()).values()];
    expect(printed).toContain('ada'); // without an account
    expect(printed).toContain('the-api-key');
  });

  it('of security show what the installed operator may do', async () => {
    const release = ['escapement', '--namespace=escapement-system'];
    const { kubeconfigPath: kubeconfig } = cluster;
    await helm(['install', ...release, '--create-namespace', join(root, 'deploy', 'helm', 'escapement')], {
      kubeconfig,
    });
    const [view = ''] = await commandsOf('security.md');
    const rights = await reader.shell(view);
    expect(rights).toMatch(/^secrets +\[\] +\[\] +\[get list watch create update delete\]$/m);
    expect(rights).not.toMatch(/^serviceaccounts\/token|\*\.\*/m);
    await helm(['uninstall', ...release], { kubeconfig });
  });
});

describe('the examples for GitOps', () => {
  it.each(['argocd', 'flux'])('of %s are manifests of the kinds that they say', async (folder) => {
    const known = /^(Application|GitRepository|Kustomization|HelmRelease)$/;
    for (const path of await yamlBelow(join(root, 'examples', 'gitops', folder))) {
      for (const document of parseAllDocuments(await readFile(path, 'utf8'), { strict: true })) {
        expect(document.errors).toEqual([]);
        expect(document.getIn(['kind'])).toMatch(known);
        const at = document.getIn(['spec', 'path']) ?? document.getIn(['spec', 'source', 'path']);
        if (typeof at === 'string') expect(await readdir(join(root, at))).not.toEqual([]);
      }
    }
  });

  it('come up in the order of their waves, and show no difference afterwards', async () => {
    const { kubeconfigPath: kubeconfig } = cluster;
    const cli = async (...args: string[]) => (await kubectl(args, { kubeconfig })).stdout;
    await applyCrds(join(root, 'deploy', 'crds'), { kubeconfig });
    await cli('create', 'namespace', 'my-app-waves');
    const folder = join(reader.workspace, 'examples', 'gitops', 'app');
    const kustomization = join(folder, 'kustomization.yaml');
    await writeFile(
      kustomization,
      (await readFile(kustomization, 'utf8')).replace('namespace: my-app', 'namespace: my-app-waves'),
    );
    const operator = await startOperator({ kubeconfig, namespace: 'my-app-waves' });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    const { clientId, clientSecret } = reader.identity;
    const literals = [`--from-literal=clientId=${clientId}`, `--from-literal=clientSecret=${clientSecret}`];
    await cli('create', 'secret', 'generic', 'universal-auth-credentials', '-n', 'my-app-waves', ...literals);

    const rendered = await cli('kustomize', folder);
    const waves = new Map<number, string[]>();
    for (const document of parseAllDocuments(rendered)) {
      const wave = Number(document.getIn(['metadata', 'annotations', 'argocd.argoproj.io/sync-wave']));
      waves.set(wave, [...(waves.get(wave) ?? []), document.toString()]);
    }
    expect([...waves.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0]);
    for (const [wave, manifests] of [...waves].sort(([a], [b]) => a - b)) {
      await kubectl(['apply', '-f', '-'], { kubeconfig, stdin: manifests.join('---\n') });
      if (wave === 0) continue;
      const what = wave === -2 ? 'secretstore/infisical' : 'externalsecret/my-app';
      await cli('wait', '--for=condition=Ready', what, '-n', 'my-app-waves', '--timeout=20s');
    }
    expect(await cli('get', 'secret', 'my-app', '-n', 'my-app-waves', '-o', 'jsonpath={.data.API_KEY}')).not.toBe('');
    // Exits with 1 when an apply would change anything.
    await cli('diff', '-k', folder);
    await cli('diff', '--server-side', '--force-conflicts', '--field-manager=gitops', '-k', folder);
  });
});

describe('GitOps tools', () => {
  it('see an ExternalSecret go through an edit without a moment of false success, and fail fast', async () => {
    const scene = await createScene('gitops', { operator: false });
    onTestFinished(() => scene.end());
    await scene.apply(
      credentials('credentials', plantSample(scene)),
      store({ name: 'store', hostAPI: scene.double.url }),
      externalSecret({ name: 'app' }),
    );
    const fresh = await scene.externalSecrets.until('app', 'is there', () => true);
    expect([argoHealth(fresh), kstatus(fresh)]).toEqual(['Progressing', 'InProgress']);

    await scene.startOperator();
    const synced = await scene.whenSynced('app');
    expect([argoHealth(synced), kstatus(synced)]).toEqual(['Healthy', 'Current']);

    const spec = { data: [entry('value', 'NOT_THERE')] };
    const edited = await scene.api.patch(scene.address('ExternalSecret', 'app'), { spec });
    const failed = await scene.whenFailed('app');
    expect(argoHealth(failed)).toBe('Degraded');
    expect(condition(failed, 'Ready')?.message).toContain('NOT_THERE');
    const since = scene.externalSecrets.history('app').map(({ object }) => object);
    const later = since.slice(
      since.findIndex(({ metadata }) => metadata.resourceVersion === edited.metadata.resourceVersion),
    );
    // The first is the edit itself, which the operator has not seen.
    expect(later.slice(1).filter((object) => isReady(object) || argoHealth(object) === 'Healthy')).toEqual([]);
    expect(later.filter((object) => kstatus(object) === 'Current')).toEqual([]);

    await scene.apply(externalSecret({ name: 'no-store', storeRef: { name: 'missing' } }));
    const stalled = await scene.externalSecrets.until(
      'no-store',
      'has failed for Flux',
      (one) => kstatus(one) === 'Failed',
    );
    expect(condition(stalled, 'Ready')?.message).toContain('missing');
  });
});
