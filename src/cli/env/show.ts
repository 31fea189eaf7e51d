// `escapement env open` and `escapement env get`: the values, opened or only looked at.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OperatorError } from '../../base/operator-error.ts';
import { projection, propertyAt } from '../../core/esc/export.ts';
import { parsePath } from '../../core/esc/reference.ts';
import type { EscValue } from '../../core/esc/value.ts';
import { type Arguments, type CommandLine, UsageError } from '../arguments.ts';
import { environmentFlags, showSecretsFlag, subjects, wantedOf } from './flags.ts';
import { type Format, format, formats, isVariableName } from './formats.ts';
import { openOne } from './open.ts';
import { isBroken, linesOf } from './report.ts';
import { type Call, type Subcommand, unreadableExit, usageExit } from './subcommand.ts';

const formatFlag = {
  kind: 'text',
  short: 'f',
  choices: formats,
  help: `${formats.join(', ')}; default json. detailed keeps flags; dotenv and shell give variables and the paths of files`,
} as const;

const exits: CommandLine['exits'] = [
  ['0', 'shown'],
  ['1', 'the environment has errors, which are told'],
  usageExit,
  unreadableExit,
];

export const open: Subcommand = {
  line: {
    name: 'env open',
    operands: 'ENV [PATH]',
    least: 1,
    most: 2,
    summary: 'opens an environment and prints its values, or the one at a path',
    about: [
      'Calls the providers that the environment names, and prints what comes of it. Secret values are shown when the output goes',
      'to a file or another program; on a terminal only with --show-secrets. A path is written as in references: db.hosts[0].',
      '',
      subjects,
    ],
    flags: {
      ...environmentFlags,
      format: formatFlag,
      'show-secrets': {
        ...showSecretsFlag,
        help: 'show values that are secret, or with =false hide them; default: hidden on a terminal',
      },
      files: {
        kind: 'text',
        value: 'DIR',
        help: 'with dotenv or shell: write the files of `files` into this directory, where they stay',
      },
    },
    exits,
    examples: [
      ['all values, secrets hidden on a terminal', 'escapement env open dev.yaml'],
      ['one value, as it is', 'escapement env open -n my-app dev-config secrets.apiKey -f string'],
      ['variables for this shell', 'eval "$(escapement env open dev.yaml -f shell)"'],
      ['of Pulumi Cloud, at a revision', 'escapement env open pulumi:acme/shop/prod@12 -f yaml'],
    ],
  },
  unreadable: 3,
  givesTokens: true,
  async run(call, signal) {
    const { args, desk } = call;
    const showSecrets = args.boolean('show-secrets') ?? !desk.out.isTerminal;
    return await show(call, 'open', showSecrets, signal);
  },
};

export const get: Subcommand = {
  line: {
    name: 'env get',
    operands: 'ENV [PATH]',
    least: 1,
    most: 2,
    summary: 'prints what an environment holds, secrets masked, without opening anything',
    about: [
      'Evaluates as env check does: no provider is called. What only an open can tell is [unknown], secrets are [secret].',
      '',
      subjects,
    ],
    flags: {
      ...environmentFlags,
      format: formatFlag,
      'show-secrets': {
        ...showSecretsFlag,
        help: 'show secrets that stand in the documents, and decrypt those that are encrypted',
      },
    },
    exits,
    examples: [
      ['the whole', 'escapement env get dev.yaml'],
      [
        'one property of an Environment of the cluster',
        'escapement env get my-app/dev-config environmentVariables -f yaml',
      ],
      ['which values are secret', 'escapement env get dev.yaml -f detailed'],
    ],
  },
  unreadable: 3,
  run: (call, signal) => show(call, 'check', call.args.boolean('show-secrets') ?? false, signal),
};

async function show(
  { args, desk, world }: Call,
  mode: 'check' | 'open',
  showSecrets: boolean,
  signal: AbortSignal,
): Promise<number> {
  const [environment = '', path] = args.operands;
  const wanted = formatOf(args, path);
  const opened = await openOne(environment, wantedOf(args, mode, showSecrets), { world, ...desk }, signal);
  await desk.errors.write(linesOf(opened));
  // An open stops at an error, as Pulumi Cloud's does; what could be told of a document is worth seeing all the same.
  if (mode === 'open' && isBroken(opened)) return 1;
  const { value } = opened;
  const files = args.text('files');
  const filePaths = value === undefined || files === undefined ? undefined : writeFiles(value, files);
  if (value !== undefined) await desk.errors.write(leftOut(value, wanted, filePaths));
  const part = value === undefined || path === undefined ? value : propertyAt(value, path);
  await desk.out.write(format(part, { format: wanted, showSecrets, ...(filePaths && { filePaths }) }));
  return isBroken(opened) ? 1 : 0;
}

function formatOf(args: Arguments, path: string | undefined): Format {
  const wanted = formats.find((each) => each === args.text('format')) ?? 'json';
  const isWhole = wanted === 'dotenv' || wanted === 'shell';
  if (isWhole && path !== undefined)
    throw new UsageError(`--format ${wanted} is for a whole environment, not for a path`);
  if (!isWhole && args.text('files') !== undefined) throw new UsageError('--files is for --format dotenv or shell');
  if (path !== undefined && parsePath(path) === undefined) throw new UsageError(`${JSON.stringify(path)} is no path`);
  return wanted;
}

/** A line for each variable and file that the format cannot hold. */
function leftOut(value: EscValue, wanted: Format, filePaths: ReadonlyMap<string, string> | undefined): string {
  if (wanted !== 'dotenv' && wanted !== 'shell') return '';
  const variables = projection(value, 'environmentVariables').map(({ name }) => name);
  const files = projection(value, 'files').map(({ name }) => name);
  const lines = [
    ...[...variables, ...files]
      .filter((name) => !isVariableName(name))
      .map((name) => `left out: ${JSON.stringify(name)} is no name of a variable\n`),
    ...(filePaths === undefined && files.length > 0
      ? [`left out: the files ${files.join(', ')}: --files DIR writes them\n`]
      : []),
  ];
  return lines.join('');
}

/** Each file's path, by its name. */
function writeFiles(value: EscValue, directory: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const { name, text, bytes } of projection(value, 'files')) {
      if (!isVariableName(name)) continue;
      const path = resolve(join(directory, name));
      writeFileSync(path, bytes ?? text, { mode: 0o600 });
      paths.set(name, path);
    }
    return paths;
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown fault';
    throw new OperatorError('InvalidSpec', `--files ${directory}: cannot be written (${code})`);
  }
}
