// A reader of the guides: a folder with the files that a page names, helm and kubectl in PATH, a double in the place of
// Infisical, and a page's commands typed one after the other. No pod runs on a control plane of tests, so where a command waits for the
// Deployment the operator is started as a process, with what helm installed.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { helm, helmProgram, isHelmThere } from './helm.ts';
import { startInfisicalDouble } from './infisical-double/double.ts';
import type { IdentityView } from './infisical-double/identities.ts';
import { installedRelease } from './installation.ts';
import { type Operator, startOperator } from './operator.ts';

const root = join(import.meta.dirname, '..', '..');
/** The command that waits for pods. */
const waitsForPods = /^kubectl .*rollout status/;

export interface Reader {
  readonly kubeconfig: string;
  /** Holds `examples`, with the double's address in them, `deploy`, `dist` and `docs`. */
  readonly workspace: string;
  /** May read what the examples name. */
  readonly identity: IdentityView;
  /** Runs a line as a person would, and gives what it prints. Throws an Error with its complaints when it fails. */
  shell(command: string): Promise<string>;
  /** `guides/start.md` from nothing to a Secret, and back. Gives what each command printed, by command. */
  walkStart(): Promise<ReadonlyMap<string, string>>;
  end(): Promise<void>;
}

export interface ReaderOptions {
  readonly kubeconfig: string;
  /** A program, or a script that stands for it. */
  readonly kubectl: string;
}

export async function createReader({ kubeconfig, kubectl }: ReaderOptions): Promise<Reader> {
  const double = await startInfisicalDouble();
  double.projects.add({ slug: 'my-project' });
  const put = (path: string, key: string, value: string) =>
    double.secrets.set({ environment: 'dev', path, key, value });
  put('/', 'API_KEY', 'the-api-key');
  put('/', 'JSON_BLOB', '{"key":"value"}');
  put('/my-app', 'SERVICE_PASSWORD', 'the-password');
  const identity = double.identities.add({
    name: 'reader',
    universal: { clientSecrets: [{ secret: 'the-client-secret' }] },
    access: { 'my-project': { role: 'viewer' } },
  });
  const workspace = await mkdtemp(join(tmpdir(), 'escapement-guides-'));
  const bin = join(workspace, 'bin');
  await mkdir(bin);
  await symlink(kubectl, join(bin, 'kubectl'));
  if (await isHelmThere()) await symlink(await helmProgram(4), join(bin, 'helm'));
  await copyExamples(workspace, double.url);
  for (const folder of ['deploy', 'dist', 'docs']) await symlink(join(root, folder), join(workspace, folder));

  const shell = (command: string) => runLine(command, { workspace, bin, kubeconfig });
  return {
    kubeconfig,
    workspace,
    identity,
    shell,
    walkStart: () => walkStart({ kubeconfig, shell: (command) => shell(filled(command, identity)) }),
    async end() {
      await double.stop();
      await rm(workspace, { recursive: true, force: true });
    },
  };
}

/** The commands of a page below docs, one a line of its `sh` blocks. */
export async function commandsOf(page: string): Promise<readonly string[]> {
  const content = await readFile(join(root, 'docs', page), 'utf8');
  const blocks = [...content.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) => block.replaceAll('\\\n', ' ').trim().split('\n'));
}

export async function yamlBelow(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.yaml')).map((name) => join(folder, name));
}

async function copyExamples(workspace: string, hostApi: string): Promise<void> {
  await cp(join(root, 'examples'), join(workspace, 'examples'), { recursive: true });
  for (const path of await yamlBelow(join(workspace, 'examples'))) {
    const manifest = await readFile(path, 'utf8');
    await writeFile(path, manifest.replaceAll('https://app.infisical.com', hostApi));
  }
}

interface Walk {
  readonly kubeconfig: string;
  readonly shell: (command: string) => Promise<string>;
}

async function walkStart({ kubeconfig, shell }: Walk): Promise<ReadonlyMap<string, string>> {
  let operator: Operator | undefined;
  const printed = new Map<string, string>();
  try {
    for (const command of await commandsOf('guides/start.md')) {
      if (waitsForPods.test(command)) operator = await runInstalled(kubeconfig);
      else printed.set(command, await shell(command));
    }
  } catch (thrown) {
    await operator?.stop('SIGKILL');
    throw thrown;
  }
  const code = await operator?.stop();
  if (code !== 0) throw new Error(`the operator ended with ${code}`);
  return printed;
}

function filled(command: string, { clientId, clientSecret }: IdentityView): string {
  return command.replace('<your-client-id>', clientId).replace('<your-client-secret>', clientSecret);
}

/** The operator as helm installed it; the double is on loopback. */
async function runInstalled(kubeconfig: string): Promise<Operator> {
  const namespace = 'escapement-system';
  const { stdout: manifest } = await helm(['get', 'manifest', 'escapement', '-n', namespace], { kubeconfig });
  return startOperator({
    kubeconfig,
    installation: await installedRelease(kubeconfig, namespace, manifest),
    flags: ['--insecure-upstream-hosts=127.0.0.1'],
  });
}

interface Surroundings {
  readonly workspace: string;
  readonly bin: string;
  readonly kubeconfig: string;
}

async function runLine(command: string, { workspace, bin, kubeconfig }: Surroundings): Promise<string> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: workspace,
    env: { PATH: `${bin}:${process.env['PATH']}`, HOME: workspace, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${command}: exit code ${code}: ${stderr.trim()}`);
  return stdout;
}
