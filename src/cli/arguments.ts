// The command lines of subcommands for people: a table says which flags and operands there are, and the parser, `--help` and
// the reference page read it. `--flag value`, `--flag=value`, `--flag` and `--flag=false` for booleans, `-f value`; what is
// not in the table is refused.
import { nearest } from '../core/esc/nearest.ts';

export interface Flag {
  readonly kind: 'text' | 'boolean';
  /** One letter. */
  readonly short?: string;
  /** What stands for the value in `--help`. */
  readonly value?: string;
  /** The only values that are taken. */
  readonly choices?: readonly string[];
  readonly help: string;
}

export interface CommandLine {
  /** With its subcommand: `env open`. */
  readonly name: string;
  /** What follows the name. */
  readonly operands: string;
  readonly least: number;
  readonly most: number;
  /** What stands behind `--` is a command of its own. */
  readonly takesCommand?: boolean;
  /** One line. */
  readonly summary: string;
  /** Lines; an empty one stands between paragraphs. */
  readonly about: readonly string[];
  readonly flags: Readonly<Record<string, Flag>>;
  /** Meaning of each exit code. */
  readonly exits: readonly (readonly [code: string, meaning: string])[];
  readonly examples: readonly (readonly [what: string, command: string])[];
}

/** A command line that cannot be served; the message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Arguments {
  readonly operands: readonly string[];
  /** What stands behind `--`; undefined without it. */
  readonly command: readonly string[] | undefined;
  text(flag: string): string | undefined;
  /** Undefined when it was not said. */
  boolean(flag: string): boolean | undefined;
}

/** Throws UsageError that names what is wrong. */
export function parseArguments(line: CommandLine, args: readonly string[]): Arguments {
  const texts = new Map<string, string>();
  const operands: string[] = [];
  let command: readonly string[] | undefined;
  for (let at = 0; at < args.length; at++) {
    const argument = args[at] ?? '';
    if (argument === '--') {
      command = args.slice(at + 1);
      break;
    }
    if (!argument.startsWith('-') || argument === '-' || argument.startsWith('-#')) {
      operands.push(argument);
      continue;
    }
    const { name, flag, inline } = flagOf(line, argument);
    const next = args[at + 1];
    if (inline !== undefined) texts.set(name, checkedValue(name, flag, inline));
    else if (flag.kind === 'boolean') texts.set(name, 'true');
    else if (next === undefined) throw wrong(line, `--${name} needs a value`);
    else {
      texts.set(name, checkedValue(name, flag, next));
      at++;
    }
  }
  checkCount(line, operands, command);
  return {
    operands,
    command,
    text: (flag) => texts.get(flag),
    boolean: (flag) => (texts.has(flag) ? texts.get(flag) === 'true' : undefined),
  };
}

function flagOf(line: CommandLine, argument: string) {
  const [, dashes, written = '', inline] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
  for (const [name, flag] of Object.entries(line.flags)) {
    if (dashes === '--' ? name === written : flag.short === written) return { name, flag, inline };
  }
  const { suggestion } = nearest(written, Object.keys(line.flags));
  throw wrong(
    line,
    `unknown flag ${dashes}${written}${suggestion === undefined ? '' : `: did you mean --${suggestion}?`}`,
  );
}

function checkedValue(name: string, { kind, choices }: Flag, text: string): string {
  const allowed = kind === 'boolean' ? ['true', 'false'] : choices;
  if (allowed === undefined || allowed.includes(text)) return text;
  throw new UsageError(`--${name} ${JSON.stringify(text)}: expected one of ${allowed.join(', ')}`);
}

function checkCount(line: CommandLine, operands: readonly string[], command: readonly string[] | undefined): void {
  if (operands.length < line.least) throw wrong(line, `expected ${line.operands}`);
  const extra = operands[line.most];
  if (extra !== undefined) {
    const hint = line.takesCommand === true ? ': the command to run stands behind --' : '';
    throw wrong(line, `unexpected argument ${JSON.stringify(extra)}${hint}`);
  }
  if (command !== undefined && line.takesCommand !== true) throw wrong(line, 'unexpected argument "--"');
}

function wrong({ name }: CommandLine, problem: string): UsageError {
  return new UsageError(`${problem}\nescapement ${name} --help tells more`);
}

/** The text of `--help`. */
export function helpOf(line: CommandLine): string {
  const flags = Object.entries(line.flags).map(([name, { short, kind, value, choices, help }]) => {
    const shown = kind === 'boolean' ? '' : ` ${value ?? choices?.join('|') ?? 'TEXT'}`;
    return `  ${short === undefined ? '' : `-${short}, `}--${name}${shown}\n      ${help}`;
  });
  const widest = Math.max(...line.exits.map(([code]) => code.length));
  return [
    `Usage: escapement ${line.name} ${line.operands}`,
    '',
    ...line.about,
    '',
    'Flags:',
    ...flags,
    '',
    'Exit codes:',
    ...line.exits.map(([code, meaning]) => `  ${code.padEnd(widest)}  ${meaning}`),
    '',
    'Examples:',
    ...line.examples.flatMap(([what, command]) => [`  # ${what}`, `  ${command}`]),
  ].join('\n');
}
