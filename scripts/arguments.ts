// The command line of scripts: `--help` prints what they do, anything unknown is refused.
import { type ParseArgsConfig, parseArgs } from 'node:util';

interface Command {
  /** What `--help` prints. */
  readonly usage: string;
  /** Flags that are known, as they are typed. */
  readonly flags?: readonly string[];
  /** Whether words that are no flags are taken. */
  readonly takesWords?: boolean;
}

/** Ends the process with 0 after `--help`, with 2 for what is not known; else it returns. */
export function checkArguments({ usage, flags = [], takesWords = false }: Command): void {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  const unknown = args.find((arg) => (arg.startsWith('-') ? !flags.includes(arg) : !takesWords));
  if (unknown === undefined) return;
  process.stderr.write(`unknown argument "${unknown}"\n${usage}\n`);
  process.exit(2);
}

type FlagTable = NonNullable<ParseArgsConfig['options']>;
type Flags<T extends FlagTable> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** The values of flags that take some. Ends the process as `checkArguments` does. */
export function readFlags<const T extends FlagTable>(usage: string, options: T): Flags<T> {
  return readArguments(usage, options, { takesWords: false }).flags;
}

/** The same, with the words that are no flags. */
export function readArguments<const T extends FlagTable>(
  usage: string,
  options: T,
  { takesWords }: { readonly takesWords: boolean } = { takesWords: true },
): { readonly flags: Flags<T>; readonly words: readonly string[] } {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) checkArguments({ usage });
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: takesWords });
    return { flags: values as Flags<T>, words: positionals }; // TypeScript loses the table on the way through the generic
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : 'wrong arguments'}\n${usage}\n`);
    process.exit(2);
  }
}
