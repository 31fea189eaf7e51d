// What the guides promise, done by a machine: the five-minute start, command by command, with the real helm and kubectl; the
// examples for Argo CD and Flux, and what those tools make of the objects. No pod runs on this control plane, so where a command
// waits for the Deployment the operator is started as a process, with what helm installed.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { argoHealth, kstatus } from '../support/gitops-health.ts';
import { helm, helmProgram, isHelmThere } from '../support/helm.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import type { IdentityView } from '../support/infisical-double/identities.ts';
import { installedRelease } from '../support/installation.ts';
import { applyCrds, kubectl } from '../support/kubectl.ts';
import { type Operator, startOperator } from '../support/operator.ts';
import { credentials, entry, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene } from '../support/scene.ts';
import { condition, isReady } from '../support/wait.ts';

const root = join(import.meta.dirname, '..', '..');
const hasHelm = await isHelmThere();
/** The command that waits for pods. */
const waitsForPods = /^kubectl .*rollout status/;

let cluster: ControlPlane;
let double: InfisicalDouble;
let reader: IdentityView;
/** A copy of what the guides name, with the double in the place of Infisical; `bin` holds helm and kubectl. */
let workspace: string;

beforeAll(async () => {
  cluster = await startControlPlane();
  double = await startInfisicalDouble();
  double.projects.add({ slug: 'my-project' });
  const put = (path: string, key: string, value: string) =>
    double.secrets.set({ environment: 'dev', path, key, value });
  put('/', 'API_KEY', 'the-api-key');
  put('/', 'JSON_BLOB', '{"key":"value"}');
  put('/my-app', 'SERVICE_PASSWORD', 'the-password');
  reader = double.identities.add({
    name: 'reader',
    universal: { clientSecrets: [{ secret: 'the-client-secret' }] },
    access: { 'my-project': { role: 'viewer' } },
  });
  workspace = await mkdtemp(join(tmpdir(), 'escapement-guides-'));
  await cp(join(root, 'examples'), join(workspace, 'examples'), { recursive: true });
  for (const path of await yamlBelow(join(workspace, 'examples'))) {
    const manifest = await readFile(path, 'utf8');
    await writeFile(path, manifest.replaceAll('https://app.infisical.com', double.url));
  }
  await symlink(join(root, 'deploy'), join(workspace, 'deploy'));
  await symlink(join(root, 'docs'), join(workspace, 'docs'));
});
afterAll(async () => {
  await double.stop();
  await cluster.stop();
  await rm(workspace, { recursive: true, force: true });
});

describe.skipIf(!hasHelm)('the guides', () => {
  let bin: string;
  beforeAll(async () => {
    bin = join(workspace, 'bin');
    await cp(join(dirname(cluster.kubeconfigPath), 'kubectl'), join(bin, 'kubectl'));
    await symlink(await helmProgram(4), join(bin, 'helm'));
  });

  it('of the first five minutes lead from nothing to a Secret, and back', async () => {
    let operator: Operator | undefined;
    onTestFinished(async () => void (await operator?.stop('SIGKILL')));
    const printed: string[] = [];
    for (const command of await commandsOf('guides/start.md')) {
      if (waitsForPods.test(command)) operator = await runInstalled();
      else printed.push(await shell(filled(command), bin));
    }
    expect(printed).toContain('ada'); // without an account
    expect(printed).toContain('the-api-key');
    expect(await operator?.stop()).toBe(0);
  });

  it('of security show what the installed operator may do', async () => {
    const release = ['escapement', '--namespace=escapement-system'];
    const { kubeconfigPath: kubeconfig } = cluster;
    await helm(['install', ...release, '--create-namespace', join(root, 'deploy', 'helm', 'escapement')], {
      kubeconfig,
    });
    const [view = ''] = await commandsOf('security.md');
    const rights = await shell(view, bin);
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
    const folder = join(workspace, 'examples', 'gitops', 'app');
    const kustomization = join(folder, 'kustomization.yaml');
    await writeFile(
      kustomization,
      (await readFile(kustomization, 'utf8')).replace('namespace: my-app', 'namespace: my-app-waves'),
    );
    const operator = await startOperator({ kubeconfig, namespace: 'my-app-waves' });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    const { clientId, clientSecret } = reader;
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

/** The commands of a page below docs, one a line of its `sh` blocks. */
async function commandsOf(page: string): Promise<readonly string[]> {
  const content = await readFile(join(root, 'docs', page), 'utf8');
  const blocks = [...content.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) => block.replaceAll('\\\n', ' ').trim().split('\n'));
}

function filled(command: string): string {
  return command.replace('<your-client-id>', reader.clientId).replace('<your-client-secret>', reader.clientSecret);
}

/** Runs a line as a person would, and gives what it prints. */
async function shell(command: string, bin: string): Promise<string> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: workspace,
    env: { PATH: `${bin}:${process.env['PATH']}`, HOME: workspace, KUBECONFIG: cluster.kubeconfigPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  expect(code, `${command}: ${stderr}`).toBe(0);
  return stdout;
}

/** The operator as helm installed it; the double is on loopback. */
async function runInstalled(): Promise<Operator> {
  const { kubeconfigPath: kubeconfig } = cluster;
  const namespace = 'escapement-system';
  const { stdout: manifest } = await helm(['get', 'manifest', 'escapement', '-n', namespace], { kubeconfig });
  return startOperator({
    kubeconfig,
    installation: await installedRelease(kubeconfig, namespace, manifest),
    flags: ['--insecure-upstream-hosts=127.0.0.1'],
  });
}

async function yamlBelow(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.yaml')).map((name) => join(folder, name));
}
