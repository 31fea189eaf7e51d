// What a command of `escapement env` is: how it is called, and what it does.
import type { Arguments, CommandLine } from '../arguments.ts';
import type { Desk } from '../desk.ts';
import type { World } from './world.ts';

export interface Call {
  readonly args: Arguments;
  readonly desk: Desk;
  readonly world: World;
  /** Of the process, for a command that is run. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface Subcommand {
  readonly line: CommandLine;
  /** The exit code when something could not be read or opened. */
  readonly unreadable: number;
  /** Tokens that were opened are given to the user, and live on. */
  readonly givesTokens?: true;
  /** Answers with the exit code. Throws UsageError, and OperatorError for what cannot be read or opened. */
  run(call: Call, signal: AbortSignal): Promise<number>;
}

/** Exit codes that all of them have. */
export const usageExit = ['2', 'the command line is wrong'] as const;
export const unreadableExit = ['3', 'a file, the cluster or a host could not be read'] as const;
