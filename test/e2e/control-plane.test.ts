// The test control plane itself: what it can do, and that nothing of it stays behind however its owner ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { type Command, controlPlaneCommands } from '../control-plane/commands.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../support/control-plane.ts';
import { applyYaml, createNamespace, kubectl, untilEstablished } from '../support/kubectl.ts';
import { collectedWithinMs } from '../support/wait.ts';

const kubeconfig = inject('kubeconfigPath');
const facts = inject('controlPlane');
const root = join(import.meta.dirname, '..', '..');
const script = join(root, 'scripts', 'control-plane.ts');
const npmRun: Command = ['npm', 'run', '--silent', 'control-plane'];

describe('the shared control plane', () => {
  it('issues ServiceAccount tokens that it accepts', async () => {
    const namespace = await createNamespace('token-request', { kubeconfig });
    await kubectl(['create', 'serviceaccount', 'app', '-n', namespace], { kubeconfig });
    const { stdout: token } = await kubectl(['create', 'token', 'app', '-n', namespace], { kubeconfig });
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: token.trim() } };
    const { stdout } = await kubectl(['create', '-f', '-', '-o', 'json'], {
      kubeconfig,
      stdin: JSON.stringify(review),
    });
    expect(JSON.parse(stdout).status).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${namespace}:app` },
    });
  });

  it('enforces RBAC', async () => {
    const check = kubectl(['auth', 'can-i', 'get', 'secrets', '--as=system:serviceaccount:default:x'], { kubeconfig });
    await expect(check).rejects.toMatchObject({ name: 'KubectlError' });
  });

  it('enforces pod security', async () => {
    const namespace = await createNamespace('pod-security', { kubeconfig });
    const label = 'pod-security.kubernetes.io/enforce=restricted';
    await kubectl(['label', 'namespace', namespace, label], { kubeconfig });
    const run = kubectl(['run', 'root', '--image=x', '--privileged', '-n', namespace], { kubeconfig });
    await expect(run).rejects.toMatchObject({ stderr: expect.stringContaining('PodSecurity') });
  });

  it('enforces CEL rules and serves selectable fields of CRDs', async () => {
    await applyYaml(JSON.stringify(widgetCrd), { kubeconfig });
    onTestFinished(
      async () => void (await kubectl(['delete', 'crd', 'widgets.probe.test', '--wait=false'], { kubeconfig })),
    );
    await untilEstablished(['crd/widgets.probe.test'], { kubeconfig });
    const namespace = await createNamespace('widgets', { kubeconfig });
    await applyYaml(widget(namespace, 'small', 1), { kubeconfig });
    await expect(applyYaml(widget(namespace, 'large', 11), { kubeconfig })).rejects.toMatchObject({
      stderr: expect.stringContaining('size is at most 10'),
    });
    const list = ['get', 'widgets.probe.test', '-n', namespace, '-o', 'name'];
    const one = await kubectl([...list, '--field-selector=spec.size=1'], { kubeconfig });
    expect(one.stdout.trim()).toBe('widget.probe.test/small');
    expect((await kubectl([...list, '--field-selector=spec.size=2'], { kubeconfig })).stdout).toBe('');
  });

  it.skipIf(!facts.hasControllerManager)(
    'collects what belongs to a deleted owner',
    async () => {
      const namespace = await createNamespace('garbage', { kubeconfig });
      const create = ['create', 'configmap', '-n', namespace, '-o', 'jsonpath={.metadata.uid}'];
      const { stdout: uid } = await kubectl([...create, 'owner'], { kubeconfig });
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };
      const metadata = { name: 'owned', namespace, ownerReferences: [owner] };
      await applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata }), { kubeconfig });
      await kubectl(['delete', 'configmap', 'owner', '-n', namespace], { kubeconfig });
      await kubectl(['wait', '--for=delete', 'configmap/owned', '-n', namespace, `--timeout=${collectedWithinMs}ms`], {
        kubeconfig,
      });
    },
    collectedWithinMs + 30_000,
  );

  it.skipIf(facts.auditLogPath === undefined)('writes down who did what', async () => {
    const namespace = await createNamespace('audited', { kubeconfig });
    const log = await readFile(facts.auditLogPath ?? '', 'utf8');
    const lines = log.trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line));
    const creation = events.find((event) => event.verb === 'create' && event.objectRef?.name === namespace);
    expect(creation).toMatchObject({ userAgent: expect.stringContaining('kubectl'), responseStatus: { code: 201 } });
  });
});

describe('startControlPlane', () => {
  const started: ControlPlane[] = [];

  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const controlPlane of started.splice(0)) await controlPlane.stop();
  });

  async function start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const controlPlane = await startControlPlane(options);
    started.push(controlPlane);
    return controlPlane;
  }

  it('starts two at the same time, which are strangers, and leaves nothing of them behind', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    const namespace = await createNamespace('only-in-one', { kubeconfig: one.kubeconfigPath });
    await expect(kubectl(['get', 'ns', namespace], { kubeconfig: two.kubeconfigPath })).rejects.toThrow('NotFound');
    const folders = [one, two].map((controlPlane) => dirname(controlPlane.kubeconfigPath));
    await Promise.all([one.stop(), two.stop()]);
    for (const folder of folders) {
      expect(await processesOf(folder)).toEqual([]);
      expect(existsSync(folder)).toBe(false);
    }
  });

  it('keeps address and data over an outage of the API server', async () => {
    const controlPlane = await start();
    const at = { kubeconfig: controlPlane.kubeconfigPath };
    const namespace = await createNamespace('before', at);
    await controlPlane.stopApiServer();
    await expect(kubectl(['get', 'ns', namespace], at)).rejects.toThrow('refused');
    await controlPlane.startApiServer();
    await kubectl(['get', 'ns', namespace], at);
    controlPlane.pauseApiServer();
    await expect(kubectl(['get', 'ns', namespace, '--request-timeout=1s'], at)).rejects.toThrow();
    controlPlane.resumeApiServer();
    await kubectl(['get', 'ns', namespace], at);
  });

  it('starts again from a directory that it was given', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'kept-'));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    const first = await start({ dataDir });
    const namespace = await createNamespace('kept', { kubeconfig: first.kubeconfigPath });
    await first.stop();
    const second = await start({ dataDir });
    expect(second.token).toBe(first.token);
    await kubectl(['get', 'ns', namespace], { kubeconfig: second.kubeconfigPath });
    await second.stop();
    expect(await processesOf(dataDir)).toEqual([]);
  });

  it('runs the programs of KUBEBUILDER_ASSETS, also without a controller manager', async () => {
    const assets = await mkdtemp(join(tmpdir(), 'assets-'));
    onTestFinished(() => rm(assets, { recursive: true }));
    const { etcd, apiServer, kubectl: kubectlCommand } = await controlPlaneCommands(() => {});
    for (const [name, command] of Object.entries({ etcd, 'kube-apiserver': apiServer, kubectl: kubectlCommand })) {
      await writeFile(join(assets, name), `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
    }
    vi.stubEnv('KUBEBUILDER_ASSETS', assets);
    const controlPlane = await start();
    expect(controlPlane.hasControllerManager).toBe(false);
    expect(controlPlane.kubectlPath).toEqual([join(assets, 'kubectl')]);
    await kubectl(['get', 'ns', 'default'], { kubeconfig: controlPlane.kubeconfigPath });
  });

  it('tells why when a program does not start, and leaves nothing behind', async () => {
    const temporary = await mkdtemp(join(tmpdir(), 'failing-'));
    onTestFinished(() => rm(temporary, { recursive: true }));
    vi.stubEnv('TMPDIR', temporary);
    await expect(startControlPlane({ apiServerFlags: ['--no-such-flag'] })).rejects.toThrow('no-such-flag');
    expect(await readdir(temporary)).toEqual([]);
    expect(await processesOf(temporary)).toEqual([]);
  });
});

describe('npm run control-plane', () => {
  it('cleans up and exits with 0 on SIGTERM', async () => {
    const { child, folder } = await runScript([process.execPath, script]);
    expect(await processesOf(folder)).not.toEqual([]);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await processesOf(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  const ways = [
    { why: 'it is killed', command: [process.execPath, script], signal: 'SIGKILL' },
    { why: 'npm is ended, which may not pass the signal on', command: npmRun, signal: 'SIGTERM' },
  ] as const;
  it.each(ways)('leaves no process and no directory behind when $why', async ({ command, signal }) => {
    const { child, folder } = await runScript(command);
    child.kill(signal);
    await once(child, 'exit');
    await vi.waitFor(
      async () => {
        expect(await processesOf(folder)).toEqual([]);
        expect(existsSync(folder)).toBe(false);
      },
      { timeout: 10_000, interval: 50 },
    );
  });
});

async function runScript(command: Command): Promise<{ child: ChildProcess; folder: string }> {
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('KUBECONFIG=')) return { child, folder: dirname(line.slice('KUBECONFIG='.length)) };
  }
  throw new Error('scripts/control-plane.ts ended without a KUBECONFIG line');
}

/** Command lines of the processes, of anybody, that name the folder. */
async function processesOf(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(folder));
}

const widgetCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.probe.test' },
  spec: {
    group: 'probe.test',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        selectableFields: [{ jsonPath: '.spec.size' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: { size: { type: 'integer' } },
                'x-kubernetes-validations': [{ rule: 'self.size <= 10', message: 'size is at most 10' }],
              },
            },
          },
        },
      },
    ],
  },
};

function widget(namespace: string, name: string, size: number): string {
  return JSON.stringify({
    apiVersion: 'probe.test/v1',
    kind: 'Widget',
    metadata: { name, namespace },
    spec: { size },
  });
}
