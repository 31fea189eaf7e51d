// Wiring only: reads the command line, loads what it asks for, owns signals and exit codes.
// Exit codes: 0 ended as asked, 1 could not start or was ended by a fault, 2 the command line is wrong or names what cannot
// be had: a port that is taken, a certificate that is not there. Those of `env` stand in its own help.
import { workerData } from 'node:worker_threads';
import { OperatorError } from './base/operator-error.ts';
import { type Desk, type Output, passedSignals } from './cli/desk.ts';
import { usage } from './cli/usage.ts';
import { ConfigError, loadConfig, loadDeskSettings, runHelp } from './config.ts';
import { keepMemoryOutOfDumps } from './operator/core-dumps.ts';
import { heavyRole } from './operator/heavy-role.ts';
import { version } from './version.ts';

async function main([command, ...args]: readonly string[]): Promise<number> {
  const wantsHelp = args.includes('--help') || args.includes('-h');
  switch (command) {
    case 'run':
      if (wantsHelp) return await print(runHelp());
      return await runUntilSignal(args);
    case 'crds':
      return await print((await import('./cli/crds.ts')).printCrds()); // brings YAML, which `run` may not need
    case 'env':
      return await runOnDesk(args);
    case 'version':
    case '--version':
      return await print(version);
    case 'help':
    case '--help':
    case '-h':
      return await print(usage);
    default:
      process.stderr.write(`${command === undefined ? 'no command' : `unknown command "${command}"`}\n\n${usage}\n`);
      return 2;
  }
}

/** Ends when all is handed over: a pipe takes 64 KiB at a time, and an earlier exit would cut the rest off. */
async function print(text: string): Promise<number> {
  await new Promise<void>((resolve) => {
    process.stdout.once('error', () => resolve()); // the reader has seen enough, as `head` does
    process.stdout.write(`${text}\n`, () => resolve());
  });
  return 0;
}

/** A command for people, with the terminal and the signals of this process. */
async function runOnDesk(args: readonly string[]): Promise<number> {
  const { runEnv } = await import('./cli/env/command.ts');
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => stopping.abort(new OperatorError('Aborted', 'stopped')));
  }
  const desk: Desk = {
    out: outputTo(process.stdout),
    errors: outputTo(process.stderr),
    readInput: async () => Buffer.concat(await process.stdin.toArray()),
    isInputTerminal: process.stdin.isTTY,
    onSignal(listener) {
      for (const name of passedSignals) process.on(name, listener);
      return () => {
        for (const name of passedSignals) process.off(name, listener);
      };
    },
    stopping: stopping.signal,
  };
  return await runEnv(args, { desk, loadSettings: loadDeskSettings });
}

function outputTo(stream: NodeJS.WriteStream): Output {
  let isRead = true;
  stream.on('error', () => {
    isRead = false; // the reader has seen enough, as `head` does
  });
  return {
    isTerminal: stream.isTTY,
    write: (text) =>
      new Promise<boolean>((resolve) => {
        if (isRead && text.length > 0) stream.write(text, () => resolve(isRead));
        else resolve(isRead);
      }),
  };
}

/** SIGTERM ends the process within this time, whatever hangs. */
const stopWithinMs = 9_000;

async function runUntilSignal(args: readonly string[]): Promise<number> {
  // Before anything is read. Not for `env`, whose children would inherit it: their dumps are the user's.
  const isOutOfDumps = keepMemoryOutOfDumps();
  const config = loadConfig(args);
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      stopping.abort(new DOMException('stopping', 'AbortError'));
      setTimeout(() => process.exit(0), stopWithinMs).unref();
    });
  }
  const { runOperator } = await import('./operator/run.ts');
  return await runOperator(config, { threadEntry: new URL(import.meta.url), isOutOfDumps }, stopping.signal);
}

/** Node's own answer to this signal is to open a debugger, which would show every value to whoever can send it. */
process.on('SIGUSR1', () => {});

/** Threads for heavy work are started from this file as well: the product has one entry. */
if (workerData === heavyRole) (await import('./operator/heavy-thread.ts')).serveHeavyWork();
else {
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (thrown: unknown) => {
      if (thrown instanceof ConfigError) {
        process.stderr.write(`${thrown.message}\n`);
        process.exit(2);
      }
      process.stderr.write(`escapement: ${textOf(thrown)}\n`);
      process.exit(1);
    },
  );
}

/** A known failure tells its message; of anything else only the kind and the place, since its text may quote input. */
function textOf(thrown: unknown): string {
  if (thrown instanceof OperatorError) return `${thrown.reason}: ${thrown.message}`;
  if (!(thrown instanceof Error)) return 'unknown fault';
  const frames = (thrown.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return [thrown.name, ...frames].join('\n');
}
