// `npm run control-plane`: a control plane with our CRDs that stays up until SIGINT or SIGTERM, for trying things out
// and for tools that test from outside. Standard output carries `NAME=value` lines that scripts may rely on; progress
// and advice go to standard error.
import { once } from 'node:events';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../test/support/control-plane.ts';
import { applyCrds } from '../test/support/kubectl.ts';
import { progressTo } from '../test/support/progress.ts';
import { readFlags } from './arguments.ts';

const crdDirectory = join(import.meta.dirname, '..', 'deploy', 'crds');
const parentCheckMs = 500;

const usage = `usage: npm run control-plane -- [--dir DIR] [--audit] [--ready-file PATH]

  --dir DIR          where the kubeconfig and the data live; kept, and started from again (default: a temporary
                     directory, removed at the end)
  --audit            write an audit log, and print AUDIT_LOG=<path>
  --ready-file PATH  written with the lines of standard output once all is up; removed at the end`;

async function main(): Promise<void> {
  const options = parse();
  const stopAsked = stopSignal();
  const starting = startControlPlane({
    audit: options.audit,
    onProgress: progressTo(process.stderr, ''),
    ...(options.dir === undefined ? {} : { dataDir: options.dir }),
  });
  // A signal during the start ends this process at once; what was started goes with it.
  const controlPlane = await Promise.race([starting, stopAsked]);
  if (controlPlane === undefined) process.exit(0);
  try {
    await applyCrds(crdDirectory, { kubeconfig: controlPlane.kubeconfigPath });
    await announce(controlPlane, options.readyFile);
    await stopAsked;
  } finally {
    if (options.readyFile !== undefined) await rm(options.readyFile, { force: true });
    await controlPlane.stop();
  }
}

interface Options {
  readonly dir: string | undefined;
  readonly readyFile: string | undefined;
  readonly audit: boolean;
}

function parse(): Options {
  const values = readFlags(usage, {
    dir: { type: 'string' },
    'ready-file': { type: 'string' },
    audit: { type: 'boolean', default: false },
  });
  return { dir: values.dir, readyFile: values['ready-file'], audit: values.audit };
}

async function stopSignal(): Promise<undefined> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), endOfNpm()]);
  return undefined;
}

/**
 * A signal sent to npm ends the shell between npm and this process, and never comes here where that shell is dash.
 * Started in any other way, this process may well outlive its parent.
 */
async function endOfNpm(): Promise<void> {
  if (process.env['npm_lifecycle_event'] !== 'control-plane') return new Promise(() => {});
  const parent = process.ppid;
  for await (const _ of setInterval(parentCheckMs, undefined, { ref: false })) if (process.ppid !== parent) return;
}

async function announce(controlPlane: ControlPlane, readyFile: string | undefined): Promise<void> {
  const folder = dirname(controlPlane.kubeconfigPath);
  const lines = [
    `KUBECONFIG=${controlPlane.kubeconfigPath}`,
    `SERVER=${controlPlane.server}`,
    `TOKEN=${controlPlane.token}`,
    ...(controlPlane.auditLogPath === undefined ? [] : [`AUDIT_LOG=${controlPlane.auditLogPath}`]),
    `PATH=${folder}:$PATH`,
  ].map((line) => `${line}\n`);
  process.stdout.write(lines.join(''));
  say(`ready; for kubectl in another shell: export KUBECONFIG=${controlPlane.kubeconfigPath} PATH=${folder}:$PATH`);
  if (readyFile === undefined) return;
  // Whole or not at all, for readers that poll for it.
  await writeFile(`${readyFile}.unfinished`, lines.join(''), { mode: 0o600 });
  await rename(`${readyFile}.unfinished`, readyFile);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  await main();
} catch (cause) {
  say(`control-plane: ${cause instanceof Error ? cause.message : String(cause)}`);
  process.exitCode = 1;
}
