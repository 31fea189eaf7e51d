// The command line of scripts that take few arguments or none: `--help` prints what they do, anything unknown is refused.

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
