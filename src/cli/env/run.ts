// `escapement env run`: a command with the environment's variables and files, and without its secrets in the output.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatorError } from '../../base/operator-error.ts';
import { projection } from '../../core/esc/export.ts';
import { type Accessor, scanString } from '../../core/esc/reference.ts';
import { stringForm } from '../../core/esc/text-forms.ts';
import { type EscValue, objectValue } from '../../core/esc/value.ts';
import { UsageError } from '../arguments.ts';
import { NotStarted, runChild } from './child.ts';
import { environmentFlags, subjects, wantedOf } from './flags.ts';
import { masksOf } from './mask.ts';
import { openOne } from './open.ts';
import { isBroken, linesOf } from './report.ts';
import { secretTexts } from './secret-texts.ts';
import { type Subcommand, usageExit } from './subcommand.ts';

/** As `env`, `timeout` and `docker run` have it for failures of their own. */
const notRun = 125;

export const run: Subcommand = {
  line: {
    name: 'env run',
    operands: 'ENV -- COMMAND [ARG…]',
    least: 1,
    most: 1,
    takesCommand: true,
    summary: "runs a command with an environment's variables and files",
    about: [
      'Opens the environment and runs the command with `environmentVariables` set, and for each of `files` a variable that holds the',
      'path of a file, readable by you alone and removed at the end. Secret values are masked in what the command prints. In its',
      'arguments ${path} is replaced by the value at that path, and $$ by $. Signals are passed on.',
      '',
      subjects,
    ],
    flags: {
      ...environmentFlags,
      interactive: {
        kind: 'boolean',
        short: 'i',
        help: 'give the command the terminal itself: its output is not masked',
      },
    },
    exits: [
      ['*', "the command's own; 128 and the number of the signal that ended it"],
      usageExit,
      ['125', 'the environment has errors or could not be opened'],
      ['126', 'the command could not be run'],
      ['127', 'the command was not found'],
    ],
    examples: [
      ['a program with its settings', 'escapement env run dev.yaml -- npm start'],
      [
        'a value as an argument',
        "escapement env run -n my-app dev-config -- curl -H 'X-Key: ${secrets.apiKey}' https://example.com",
      ],
      ['a shell', 'escapement env run -i pulumi:acme/shop/prod -- bash'],
    ],
  },
  unreadable: notRun,
  async run({ args, desk, world, variables }, signal) {
    const [environment = ''] = args.operands;
    const [command, ...rest] = args.command ?? [];
    if (command === undefined) throw new UsageError('what is to be run? write env run ENV -- COMMAND');
    const opened = await openOne(environment, wantedOf(args, 'open', true), { world, ...desk }, signal);
    await desk.errors.write(linesOf(opened));
    if (isBroken(opened)) return notRun;
    const value = opened.value ?? objectValue([]);
    const own = projection(value, 'environmentVariables').map(({ name, text }) => [name, text] as const);
    const files = projectFiles(value);
    try {
      const set = [...own, ...files.paths];
      for (const [name, text] of set) refuseUnsettable(name, text);
      const order = {
        command: filled(command, value),
        args: rest.map((each) => filled(each, value)),
        variables: { ...variables, ...Object.fromEntries(set) },
        masks: args.boolean('interactive') === true ? undefined : masksOf(secretTexts(value)),
      };
      return await runChild(order, desk);
    } catch (thrown) {
      if (!(thrown instanceof NotStarted)) throw thrown;
      await desk.errors.write(`${thrown.message}\n`);
      return thrown.exitCode;
    } finally {
      files.remove(); // no `await using`: an older Node would not get as far as the check of its version
    }
  },
};

interface ProjectedFiles {
  /** Where each file lies, by the variable that holds its path. */
  readonly paths: readonly (readonly [name: string, path: string])[];
  remove(): void;
}

function projectFiles(value: EscValue): ProjectedFiles {
  const files = projection(value, 'files');
  if (files.length === 0) return { paths: [], remove: () => {} };
  const directory = mkdtempSync(join(tmpdir(), 'esc-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const paths = files.map(({ name, text, bytes }, at) => {
      // Named by number: a name of the document is no name of a file.
      const path = join(directory, String(at));
      writeFileSync(path, bytes ?? text, { mode: 0o600, flag: 'wx' });
      return [name, path] as const;
    });
    return { paths, remove };
  } catch {
    remove();
    throw new OperatorError('InvalidSpec', `files: cannot be written to ${directory}`);
  }
}

/** The system takes no variable with these. */
function refuseUnsettable(name: string, text: string): void {
  if (name !== '' && !/[=\0]/.test(name) && !text.includes('\0')) return;
  throw new OperatorError(
    'InvalidValue',
    `environmentVariables: ${JSON.stringify(name)} cannot be set: a name holds = or nothing, or one of both a NUL`,
  );
}

/** An argument with its references replaced; one that is no well-formed text of references stays as it is. */
function filled(argument: string, value: EscValue): string {
  const { parts, problems } = scanString(argument);
  if (problems.length > 0) return argument;
  return parts.map((part) => (typeof part === 'string' ? part : textAt(value, part))).join('');
}

function textAt(value: EscValue, path: readonly Accessor[]): string {
  let at: EscValue | undefined = value;
  for (const { key } of path) {
    if (typeof key === 'string') at = at?.members.get(key);
    else at = at?.data.kind === 'array' ? at.data.elements[key] : undefined;
  }
  return at === undefined ? '' : stringForm(at).text;
}
