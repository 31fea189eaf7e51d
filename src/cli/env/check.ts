// `escapement env check`: evaluates without opening anything, and tells what is wrong.
import { pathsWhere } from '../../core/esc/export.ts';
import { environmentFlags, subjects, wantedOf } from './flags.ts';
import { openAll } from './open.ts';
import type { Opened } from './opened.ts';
import { isBroken, linesOf } from './report.ts';
import { type Subcommand, unreadableExit, usageExit } from './subcommand.ts';

export const check: Subcommand = {
  line: {
    name: 'env check',
    operands: 'ENV…',
    least: 1,
    most: 1_000,
    summary: 'tells what is wrong with environments, without opening anything',
    about: [
      'Evaluates environments as far as that is possible without calling a provider and without decrypting a secret, and tells',
      'errors and warnings with file, line and path. No value is shown.',
      '',
      subjects,
    ],
    flags: {
      ...environmentFlags,
      format: {
        kind: 'text',
        short: 'f',
        choices: ['text', 'json'],
        help: 'text, or one line of JSON for each; default text',
      },
    },
    exits: [['0', 'no errors'], ['1', 'there are errors'], usageExit, unreadableExit],
    examples: [
      ['a file, and what it imports', 'escapement env check dev.yaml'],
      ['all manifests of a directory, before they are applied', 'escapement env check manifests/*.yaml'],
      ['an Environment of the cluster', 'escapement env check -n my-app dev-config'],
      ["a stack's settings", 'escapement env check --dir environments Pulumi.dev.yaml'],
    ],
  },
  unreadable: 3,
  async run({ args, desk, world }, signal) {
    const isText = args.text('format') !== 'json';
    const wanted = { ...wantedOf(args, 'check', false), tellsPlainSecrets: true } as const;
    const ports = { world, parsed: new Map(), ...desk };
    let broken = 0;
    for (const operand of args.operands) {
      for (const opened of await openAll(operand, wanted, ports, signal)) {
        if (isBroken(opened)) broken++;
        await desk.out.write(isText ? textOf(opened) : jsonOf(opened));
      }
    }
    return broken === 0 ? 0 : 1;
  },
};

function textOf(opened: Opened): string {
  const told = linesOf(opened);
  return isBroken(opened) ? told : `${told}${opened.title}: ok, ${contents(opened)}\n`;
}

/** `12 values, 3 of them secret`. */
function contents({ value }: Opened): string {
  if (value === undefined) return 'empty';
  const leaves = pathsWhere(value, (each) => each.secret || each.members.size + elements(each) === 0);
  const secret = pathsWhere(value, (each) => each.secret);
  return `${leaves.length} ${leaves.length === 1 ? 'value' : 'values'}, ${secret.length} of them secret`;
}

function elements({
  data,
}: {
  readonly data: { readonly kind: string; readonly elements?: readonly unknown[] };
}): number {
  return data.kind === 'array' ? (data.elements?.length ?? 0) : 0;
}

function jsonOf(opened: Opened): string {
  const { title, diagnostics } = opened;
  return `${JSON.stringify({ environment: title, ok: !isBroken(opened), diagnostics })}\n`;
}
