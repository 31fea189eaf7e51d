// Runs the built operator as a process, as a cluster would: with the ServiceAccount, arguments and environment of the chart's
// Deployment (installation.ts), and SIGTERM at the end. Only ports are others. What it prints is kept, so that a test can look
// for a planted value in it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Installation, installChart } from './installation.ts';
import { applyYaml } from './kubectl.ts';
import type { ChartValues } from './rendered-chart.ts';

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'escapement.mjs');

/** Where an operator that serves all namespaces is installed. */
const ownNamespace = 'escapement-system';

export interface OperatorOptions {
  /** Of an administrator: what the operator itself gets is made with it. */
  readonly kubeconfig: string;
  /** Serve one namespace only, so that tests on one control plane do not meet; the release goes there. Empty serves all. */
  readonly namespace?: string;
  /** Values of the chart, on top of those that a test needs anyway (`valuesFor`). What needs a right is asked for here. */
  readonly values?: ChartValues;
  /** What helm has installed; then nothing is installed here, and `namespace` and `values` count for nothing. */
  readonly installation?: Installation;
  /** After those that the chart renders, so that they win. */
  readonly flags?: readonly string[];
  /** Besides what the chart renders. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets the kubeconfig of the operator's account, and gives the one that it is started with. */
  readonly through?: (kubeconfig: string) => Promise<string>;
  /** A command, with its first arguments, that is given the program's command line and becomes it. */
  readonly launcher?: readonly string[] | undefined;
  /** A copy of everything printed goes here as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface Operator {
  readonly pid: number;
  readonly metricsUrl: string;
  readonly healthUrl: string;
  /** Everything printed until now. */
  output(): string;
  /** SIGTERM, or another signal; resolves with the exit code once the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** The value of one metric, summed over the series whose text holds `matching`. */
  metric(name: string, matching?: string): Promise<number>;
}

const launchesMax = 3;

/** Starts the operator and, unless told otherwise, waits until /readyz says yes. */
export async function startOperator(options: OperatorOptions, waitReady = true): Promise<Operator> {
  const { args, kubeconfig, env } = options.installation ?? (await install(options));
  const path = options.through === undefined ? kubeconfig : await options.through(kubeconfig);
  const launching: Launch = {
    args: [...args, `--kubeconfig=${path}`],
    flags: options.flags ?? [],
    env: { ...env, ...options.env },
    launcher: options.launcher ?? [],
    onOutput: options.onOutput,
  };
  if (!waitReady) return (await launch(launching)).operator;
  return await atFreePorts(async () => {
    const { child, operator } = await launch(launching);
    await whenReady(child, operator);
    return operator;
  });
}

/** Starts a program at ports that were free when they were chosen, and again where another test was quicker. */
export async function atFreePorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (thrown) {
      if (attempt === launchesMax || !String(thrown).includes('another process has it')) throw thrown;
    }
  }
}

/** Runs the program as it is told, without an installation: for a cluster that is not there, or not yet. */
export async function runOperator(flags: readonly string[]): Promise<Operator> {
  return (await launch({ args: ['run'], flags, env: {}, launcher: [], onOutput: undefined })).operator;
}

interface Launch {
  readonly args: readonly string[];
  /** Last, so that they win. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Empty runs the program by itself. */
  readonly launcher: readonly string[];
  readonly onOutput: ((text: string) => void) | undefined;
}

async function launch({
  args,
  flags,
  env,
  launcher,
  onOutput,
}: Launch): Promise<{ child: ChildProcess; operator: Operator }> {
  const [metricsPort, healthPort] = [await freePort(), await freePort()];
  const ports = [`--metrics-addr=127.0.0.1:${metricsPort}`, `--live-addr=127.0.0.1:${healthPort}`];
  const [command = process.execPath, ...rest] = [...launcher, process.execPath, bundle, ...args, ...ports, ...flags];
  const child = spawn(command, rest, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed.push(text);
      onOutput?.(text);
    });
  }
  return { child, operator: handle(child, printed, metricsPort, healthPort) };
}

async function install({ kubeconfig, namespace = ownNamespace, ...options }: OperatorOptions) {
  if (namespace === ownNamespace) {
    await applyYaml(`{apiVersion: v1, kind: Namespace, metadata: {name: ${namespace}}}`, { kubeconfig });
  }
  return installChart({ kubeconfig, namespace, values: { ...valuesFor(namespace, options.flags), ...options.values } });
}

/**
 * One namespace; Infisical's double on loopback. No leader election unless a flag turns it on: a test that kills its operator
 * would wait for the lease.
 */
function valuesFor(namespace: string, flags: readonly string[] = []): ChartValues {
  return {
    ...(namespace === ownNamespace ? {} : { scopedNamespace: namespace }),
    leaderElect: flags.includes('--enable-leader-election=true') || flags.includes('--enable-leader-election'),
    insecureUpstreamHosts: ['127.0.0.1', 'localhost'],
  };
}

function handle(child: ChildProcess, printed: readonly string[], metricsPort: number, healthPort: number): Operator {
  const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  return {
    pid: child.pid ?? 0,
    metricsUrl,
    healthUrl: `http://127.0.0.1:${healthPort}`,
    output: () => printed.join(''),
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
    async metric(name, matching = '') {
      const text = await (await fetch(metricsUrl)).text();
      return text
        .split('\n')
        .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(matching))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
  };
}

async function whenReady(child: ChildProcess, operator: Operator): Promise<void> {
  const untilMs = Date.now() + 30_000;
  while (Date.now() < untilMs) {
    if (child.exitCode !== null) throw new Error(`the operator ended with ${child.exitCode}: ${operator.output()}`);
    const answer = await fetch(`${operator.healthUrl}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  await operator.stop('SIGKILL');
  throw new Error(`the operator was not ready within 30 s: ${operator.output()}`);
}

/** A TCP port of the loopback interface that nothing listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
