// The command that `env run` runs: its output passes a mask, signals are passed on to it, its end is ours. Nothing else starts
// processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Desk, Output, PassedSignal } from '../desk.ts';
import { Mask } from './mask.ts';

export interface ChildOrder {
  readonly command: string;
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** What must not be seen in its output; undefined gives it our own output, unmasked. */
  readonly masks: readonly Buffer[] | undefined;
}

/** Why a command could not be started, with the exit code that shells give for it. */
export class NotStarted extends Error {
  readonly exitCode: 126 | 127;

  constructor(command: string, code: string) {
    super(code === 'ENOENT' ? `${command}: command not found` : `${command}: cannot be run (${code})`);
    this.exitCode = code === 'ENOENT' ? 127 : 126;
  }
}

/** Signals that a terminal sends to every process in its foreground, the command among them. */
const fromTerminal: ReadonlySet<PassedSignal> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

/** Runs to the end; answers with the command's exit code, or 128 and its signal's number. Throws NotStarted. */
export async function runChild({ command, args, variables, masks }: ChildOrder, desk: Desk): Promise<number> {
  const stream = masks === undefined ? 'inherit' : 'pipe';
  const child = spawn(command, args, { env: variables, stdio: ['inherit', stream, stream] });
  const stopPassing = desk.onSignal((signal) => {
    if (!(desk.isInputTerminal && fromTerminal.has(signal))) child.kill(signal);
  });
  try {
    const [ended] = await Promise.all([
      endOf(child, command),
      passOn(child.stdout, desk.out, masks ?? []),
      passOn(child.stderr, desk.errors, masks ?? []),
    ]);
    return ended;
  } finally {
    stopPassing();
  }
}

async function endOf(child: ChildProcess, command: string): Promise<number> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]; // as Node documents it
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (thrown) {
    throw new NotStarted(command, thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown fault');
  }
}

/** Ends the command's stream when nobody reads ours any more: the command then hears of it as without us. */
async function passOn(from: Readable | null, to: Output, masks: readonly Buffer[]): Promise<void> {
  if (from === null) return;
  const mask = new Mask(masks);
  for await (const chunk of from) {
    const isRead = await to.write(mask.push(chunk as Buffer)); // no encoding is set
    if (!isRead) return;
  }
  await to.write(mask.end());
}
