// Runs the real kubectl against a cluster under test. Tests use it for what a person would do at a shell: apply a
// file, create a namespace, read what came of it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { until } from './wait.ts';

const establishedWithinMs = 60_000;

export interface KubectlOptions {
  readonly kubeconfig: string;
  /** Sent to its standard input, for `-f -`. */
  readonly stdin?: string;
  readonly signal?: AbortSignal;
}

/** Thrown when kubectl ends with another code than 0. */
export class KubectlError extends Error {
  override readonly name = 'KubectlError';
  readonly stderr: string;

  constructor(args: readonly string[], ending: string, stderr: string) {
    super(`kubectl ${args.join(' ')}: ${ending}: ${stderr.trim()}`);
    this.stderr = stderr;
  }
}

/** Throws KubectlError with kubectl's own words when it fails, and the signal's reason when aborted. */
export async function kubectl(args: readonly string[], options: KubectlOptions): Promise<{ readonly stdout: string }> {
  const child = spawn(kubectlBeside(options.kubeconfig), args, {
    env: {
      ...process.env,
      KUBECONFIG: options.kubeconfig,
      KUBECACHEDIR: cacheFor(options.kubeconfig),
      KUBERC: 'off',
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  child.stdin.on('error', () => {}); // kubectl may end before it has read all; its exit code tells why
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, ending] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (ending !== 'exit code 0') throw new KubectlError(args, ending, stderr);
  return { stdout };
}

/** Applies manifests given as YAML or JSON text, as a person would with `kubectl apply -f`. */
export async function applyYaml(manifests: string, options: Omit<KubectlOptions, 'stdin'>): Promise<void> {
  await kubectl(['apply', '-f', '-'], { ...options, stdin: manifests });
}

/** Objects as the standard input of `kubectl apply -f -`: one List, since kubectl up to 1.32 takes no JSON documents in a row. */
export function listOf(objects: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
}

/** Creates a namespace named `<prefix>-<random>` and gives its name. */
export async function createNamespace(prefix: string, options: Omit<KubectlOptions, 'stdin'>): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await kubectl(['create', 'namespace', name], options);
  return name;
}

/**
 * Applies the CRDs of a directory and waits until the API server serves them. Gives the number of files; a directory
 * that is absent or holds no `*.yaml` is none. Server-side, because a client-side apply stops at 256 KiB.
 */
export async function applyCrds(
  directory: string,
  options: Omit<KubectlOptions, 'stdin'>,
  isWanted: (file: string) => boolean = () => true,
): Promise<number> {
  const names = existsSync(directory) ? await readdir(directory) : [];
  const wanted = names.filter((name) => name.endsWith('.yaml') && isWanted(name));
  const files = wanted.map((name) => `--filename=${join(directory, name)}`);
  if (files.length === 0) return 0;
  await kubectl(['apply', '--server-side', '--force-conflicts', ...files], options);
  await untilEstablished(files, options);
  // An established kind still refuses with 429 for a moment, while its storage is made; kubectl waits that out.
  const { stdout } = await kubectl(['get', '--output=name', ...files], options);
  const kinds = stdout.trim().split('\n');
  const served = kinds.map((kind) => kind.slice(kind.lastIndexOf('/') + 1));
  await kubectl(['get', '--all-namespaces', served.join(',')], options);
  return files.length;
}

interface Crd {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null };
}

/**
 * Waits until the API server has taken up CRDs, named as `kubectl get` takes them: `crd/widgets.example.com`, or `-f -` with the
 * manifests as standard input. Not by `kubectl wait`: the API server creates a CRD with `conditions: null` and fills the list a
 * moment later, and kubectl gives up on a null ("conditions accessor error") where it would wait for a list.
 */
export async function untilEstablished(which: readonly string[], options: KubectlOptions): Promise<void> {
  const areAllEstablished = async () => {
    const { stdout } = await kubectl(['get', '--output=json', ...which], options);
    const answer = JSON.parse(stdout) as Crd | { readonly items: readonly Crd[] }; // kubectl prints CRDs here
    return ('items' in answer ? answer.items : [answer]).every(isEstablished);
  };
  await until(`established: ${which.join(' ')}`, areAllEstablished, establishedWithinMs);
}

function isEstablished({ status }: Crd): boolean {
  return status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') ?? false;
}

/** The wrapper that a control plane of ours puts beside its kubeconfig; for any other cluster the one in PATH. */
function kubectlBeside(kubeconfig: string): string {
  const wrapper = wrapperBeside(kubeconfig);
  return existsSync(wrapper) ? wrapper : 'kubectl';
}

function wrapperBeside(kubeconfig: string): string {
  return join(dirname(kubeconfig), 'kubectl');
}

let foreignCache: string | undefined;

/** The folder of a control plane of ours goes with it. Beside the kubeconfig of somebody else nothing is left. */
function cacheFor(kubeconfig: string): string {
  if (existsSync(wrapperBeside(kubeconfig))) return join(dirname(kubeconfig), 'kubectl-cache');
  if (foreignCache !== undefined) return foreignCache;
  const made = mkdtempSync(join(tmpdir(), 'escapement-kubectl-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  foreignCache = made;
  return made;
}
