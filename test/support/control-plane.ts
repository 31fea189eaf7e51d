// Starts a Kubernetes control plane on loopback ports for tests: etcd, kube-apiserver and, where there is one,
// kube-controller-manager. Which programs those are is decided in test/control-plane/commands.ts, their flags in
// flags.ts, and that none of them outlives this process in processes.ts.
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Progress } from '../control-plane/build.ts';
import { type ControlPlaneCommands, controlPlaneCommands } from '../control-plane/commands.ts';
import { writeClientFiles, writeServerFiles } from '../control-plane/files.ts';
import { apiServerFlags, controllerManagerFlags, etcdFlags, layout } from '../control-plane/flags.ts';
import { GuardedProcesses, type RunningProcess } from '../control-plane/processes.ts';
import { freePorts, untilAnswered } from '../control-plane/ready.ts';

/** Time to end by itself; an API server with open watches may take longer than a test should wait. */
const stopGraceMs = 3_000;

export interface ControlPlaneOptions {
  /** Gets a line now and then while programs are built, and one when a program ends by itself. */
  readonly onProgress?: Progress;
  /** Kept after `stop`, and started from again when it holds the data of an earlier run. Default: a temporary one. */
  readonly dataDir?: string;
  /** Writes an audit log (metadata of every request, one JSON event a line) to `auditLogPath`. Default false. */
  readonly audit?: boolean;
  /** Added behind our own flags, so that they win. */
  readonly apiServerFlags?: readonly string[];
}

/** Facts about a running control plane; plain data, so that it can be handed to other processes. */
export interface ControlPlaneFacts {
  readonly kubeconfigPath: string;
  /** `https://127.0.0.1:port`; also the issuer of ServiceAccount tokens. */
  readonly server: string;
  /** What to trust when talking to `server`. */
  readonly caPem: string;
  /** Bearer token of a member of `system:masters`. */
  readonly token: string;
  /** Without one there is no garbage collection, no default ServiceAccount, and namespaces stay Terminating. */
  readonly hasControllerManager: boolean;
  /** `[...kubectlPath, 'get', 'pods']` runs kubectl. A wrapper named `kubectl` also stands beside the kubeconfig. */
  readonly kubectlPath: readonly string[];
  readonly auditLogPath: string | undefined;
}

export interface ControlPlane extends ControlPlaneFacts {
  /** The API server stops answering; its connections stay open. */
  pauseApiServer(): void;
  resumeApiServer(): void;
  /** Kills the API server: connections are reset, later ones refused. */
  stopApiServer(): Promise<void>;
  /** Starts it again with the same address, certificate and data; settles when it is ready. */
  startApiServer(): Promise<void>;
  /** Ends everything and removes what is temporary. May be called again. */
  stop(): Promise<void>;
}

/** Settles when the control plane is ready. Throws with the last log lines when it does not get there. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const commands = await controlPlaneCommands(options.onProgress ?? ignore);
  const temporary = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'control-plane-')) : undefined;
  const directory = temporary ?? resolve(options.dataDir ?? '');
  const lifecycle = new Lifecycle({ directory, commands, options, processes: new GuardedProcesses(temporary) });
  try {
    const facts = await lifecycle.start();
    return {
      ...facts,
      pauseApiServer: () => lifecycle.signalApiServer('SIGSTOP'),
      resumeApiServer: () => lifecycle.signalApiServer('SIGCONT'),
      stopApiServer: () => lifecycle.stopApiServer(),
      startApiServer: () => lifecycle.startApiServer(),
      stop: () => lifecycle.stop(),
    };
  } catch (cause) {
    await lifecycle.stop();
    throw cause;
  }
}

const programNames = {
  etcd: 'etcd',
  apiServer: 'kube-apiserver',
  controllerManager: 'kube-controller-manager',
} as const;

type Role = keyof typeof programNames;

interface Parts {
  readonly directory: string;
  readonly commands: ControlPlaneCommands;
  readonly options: ControlPlaneOptions;
  readonly processes: GuardedProcesses;
}

/** Keeps the order of starting and stopping. */
class Lifecycle {
  readonly #parts: Parts;
  readonly #running = new Map<Role, RunningProcess>();
  #ports = { etcd: 0, apiServer: 0 };
  #token = '';

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(): Promise<ControlPlaneFacts> {
    const { directory, commands, options } = this.#parts;
    const audit = options.audit ?? false;
    this.#token = (await writeServerFiles(directory, { audit })).token;
    this.#ports = await freePorts();
    await this.#launch('etcd', etcdFlags(directory, this.#ports));
    await this.startApiServer();
    const access = { server: this.#server(), caPem: await readFile(this.#caPath(), 'utf8'), token: this.#token };
    await writeClientFiles(directory, { ...access, kubectl: commands.kubectl });
    const hasControllerManager = commands.controllerManager !== undefined;
    if (hasControllerManager) await this.#startControllerManager();
    return {
      ...access,
      kubeconfigPath: join(directory, layout.kubeconfig),
      hasControllerManager,
      kubectlPath: commands.kubectl,
      auditLogPath: audit ? join(directory, layout.auditLog) : undefined,
    };
  }

  async startApiServer(): Promise<void> {
    const { directory, options } = this.#parts;
    const before = this.#running.get('apiServer');
    if (before !== undefined && before.ending() === undefined) return;
    const { audit = false, apiServerFlags: extra = [] } = options;
    await this.#launch('apiServer', apiServerFlags({ directory, ports: this.#ports, audit, extra }));
    await this.#untilAnswered('/readyz');
  }

  async stopApiServer(): Promise<void> {
    await this.#running.get('apiServer')?.stop(0);
  }

  signalApiServer(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running.get('apiServer')?.signal(signal);
  }

  /** In this order: an API server whose etcd went first hangs in its own shutdown. */
  async stop(): Promise<void> {
    await this.#running.get('controllerManager')?.stop(0); // it holds nothing that a shutdown would save
    await this.#running.get('apiServer')?.stop(stopGraceMs);
    await this.#running.get('etcd')?.stop(stopGraceMs);
    await this.#parts.processes.release();
  }

  async #startControllerManager(): Promise<void> {
    await this.#launch('controllerManager', controllerManagerFlags(this.#parts.directory));
    await this.#untilAnswered('/api/v1/namespaces/default/serviceaccounts/default');
  }

  async #launch(role: Role, args: readonly string[]): Promise<void> {
    const { directory, commands, options, processes } = this.#parts;
    const command = commands[role];
    if (command === undefined) return;
    const name = programNames[role];
    const logPath = join(directory, `${name}.log`);
    const onUnexpectedEnd = options.onProgress ?? ignore;
    this.#running.set(role, await processes.start({ name, command, args, logPath, onUnexpectedEnd }));
  }

  async #untilAnswered(path: string): Promise<void> {
    const needs = [...this.#running.values()];
    await untilAnswered({ url: `${this.#server()}${path}`, token: this.#token, caPath: this.#caPath(), needs });
  }

  #server(): string {
    return `https://127.0.0.1:${this.#ports.apiServer}`;
  }

  #caPath(): string {
    return join(this.#parts.directory, layout.servingCertificate);
  }
}

function ignore(): void {}
