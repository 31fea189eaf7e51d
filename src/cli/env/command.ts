// `escapement env`: environments on the desk. One row a command.
import { OperatorError } from '../../base/operator-error.ts';
import type { DeskSettings } from '../../config.ts';
import { helpOf, parseArguments, UsageError } from '../arguments.ts';
import type { Desk } from '../desk.ts';
import { check } from './check.ts';
import { diff } from './diff.ts';
import { decrypt, encrypt } from './encrypt.ts';
import { run } from './run.ts';
import { get, open } from './show.ts';
import type { Subcommand } from './subcommand.ts';
import { openWorld } from './world.ts';

/** By their names, in the order in which they are told of. */
export const subcommands: Readonly<Record<string, Subcommand>> = { check, open, get, run, diff, encrypt, decrypt };

/** The text of `escapement env --help`. */
export function envHelp(): string {
  const widest = Math.max(...Object.keys(subcommands).map((name) => name.length));
  return [
    'Usage: escapement env <command> ENV [flags]',
    '',
    'Environments in the language of Pulumi ESC: in files, in the cluster and at Pulumi Cloud.',
    '',
    'Commands:',
    ...Object.entries(subcommands).map(([name, { line }]) => `  ${name.padEnd(widest)}  ${line.summary}`),
    '',
    'escapement env <command> --help tells more.',
  ].join('\n');
}

export interface EnvPorts {
  readonly desk: Desk;
  readonly loadSettings: (kubeconfigPath: string | undefined) => DeskSettings;
  /** The real one unless another is given. */
  readonly openWorld?: typeof openWorld;
}

/** Answers with the exit code. */
export async function runEnv([name, ...args]: readonly string[], ports: EnvPorts): Promise<number> {
  const { desk } = ports;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    await (name === undefined ? desk.errors : desk.out).write(`${envHelp()}\n`);
    return name === undefined ? 2 : 0;
  }
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand === undefined) {
    await desk.errors.write(`unknown command ${JSON.stringify(name)}\n\n${envHelp()}\n`);
    return 2;
  }
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  if (own.includes('--help') || own.includes('-h')) {
    await desk.out.write(`${helpOf(subcommand.line)}\n`);
    return 0;
  }
  try {
    return await called(subcommand, args, ports);
  } catch (thrown) {
    return await told(thrown, subcommand, desk);
  }
}

async function called(subcommand: Subcommand, words: readonly string[], ports: EnvPorts): Promise<number> {
  const { desk, loadSettings, openWorld: open = openWorld } = ports;
  const args = parseArguments(subcommand.line, words);
  const settings = loadSettings(args.text('kubeconfig'));
  const world = await open({ settings, context: args.text('context'), namespace: args.text('namespace') });
  try {
    return await subcommand.run({ args, desk, world, variables: settings.variables }, desk.stopping);
  } finally {
    await world.close({ revoke: subcommand.givesTokens !== true });
  }
}

async function told(thrown: unknown, { line, unreadable }: Subcommand, desk: Desk): Promise<number> {
  if (thrown instanceof UsageError) {
    await desk.errors.write(`escapement ${line.name}: ${thrown.message}\n`);
    return 2;
  }
  if (!(thrown instanceof OperatorError)) throw thrown;
  await desk.errors.write(`escapement ${line.name}: ${thrown.message}\n`);
  return unreadable;
}
