// Lets the recorded cases of ESO run against the built operator on a fresh control plane: starts both, hands the cases to
// the harness that lies beside them, and gives what it wrote down. What the outcome means is judged elsewhere. The harness
// waits for a condition on every store before it goes on, a minute at most; one of them is left alone on purpose.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from '../../support/control-plane.ts';
import { applyCrds } from '../../support/kubectl.ts';
import { freePort } from '../../support/operator.ts';
import { type OutcomeLine, outcomeLines } from './lines.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const bundle = join(root, 'dist', 'escapement.mjs');
export const crdDirectory = join(root, 'deploy', 'crds');

export interface Captured {
  readonly lines: ReadonlyMap<string, OutcomeLine>;
  /** How often the operator ended by itself and was started again. */
  readonly restarts: number;
}

export interface CaptureOptions {
  readonly contracts: string;
  /** The cases to run, each in full. */
  readonly ids: readonly string[];
  /** Where the outcomes are kept; default: nowhere. */
  readonly keep: string | undefined;
  readonly onProgress: (line: string) => void;
}

/** Throws when the control plane, the bundle or the harness fails. */
export async function capture(options: CaptureOptions): Promise<Captured> {
  ensureBundle(options.onProgress);
  const directory = await mkdtemp(join(tmpdir(), 'eso-conformance-'));
  const controlPlane = await startControlPlane({ onProgress: options.onProgress });
  try {
    const { kubeconfigPath: kubeconfig, server, token } = controlPlane;
    await applyCrds(crdDirectory, { kubeconfig });
    const out = options.keep ?? join(directory, 'outcomes.jsonl');
    const flags = {
      cmd: await operatorCommand(kubeconfig),
      server,
      token,
      kubeconfig,
      out,
      log: join(directory, 'operator.log'),
      only: options.ids.join(','),
    };
    const args = ['capture', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
    const printed = await runHarness(join(options.contracts, 'differential.mjs'), args, options.onProgress);
    const restarts = Number(/controller restarts: (\d+)/.exec(printed)?.[1] ?? Number.NaN);
    if (Number.isNaN(restarts)) throw new Error('the harness ended without saying how often the controller ended');
    return { lines: outcomeLines(await readFile(out, 'utf8')), restarts };
  } finally {
    await controlPlane.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Builds the bundle when it is missing or older than what it is made of, so that never an earlier one is judged. */
function ensureBundle(onProgress: (line: string) => void): void {
  const changedMs = globSync('src/**/*.ts', { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs);
  if (existsSync(bundle) && statSync(bundle).mtimeMs >= Math.max(...changedMs)) return;
  onProgress('building dist/escapement.mjs');
  const rolldown = join(root, 'node_modules', '.bin', 'rolldown');
  const { status } = spawnSync(rolldown, ['-c', 'rolldown.config.mjs', '--log-level', 'warn'], { cwd: root });
  if (status !== 0) throw new Error('the bundle cannot be built; run `npm run build` to see why');
}

/** As a shell reads it: the harness hands it to `sh -c`. */
async function operatorCommand(kubeconfig: string): Promise<string> {
  const flags = [
    `--kubeconfig=${kubeconfig}`,
    '--enable-leader-election=false',
    `--metrics-addr=127.0.0.1:${await freePort()}`,
    `--live-addr=127.0.0.1:${await freePort()}`,
  ];
  return [process.execPath, bundle, 'run', ...flags].map((word) => `'${word}'`).join(' ');
}

async function runHarness(
  script: string,
  args: readonly string[],
  onProgress: (line: string) => void,
): Promise<string> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    for (const line of text.split('\n')) if (line !== '') onProgress(line);
  });
  const [code] = (await once(child, 'close')) as [number | null]; // the event's documented arguments
  if (code !== 0)
    throw new Error(`the harness ended with ${code}: ${printed.trim().split('\n').slice(-3).join(' | ')}`);
  return printed;
}
