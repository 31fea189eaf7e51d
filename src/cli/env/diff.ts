// `escapement env diff`: which keys two environments have, and which of them are secret; values only when asked for.

import { joinPath } from '../../core/esc/diagnostics.ts';
import { jsonText } from '../../core/esc/text-forms.ts';
import type { EscValue } from '../../core/esc/value.ts';
import { environmentFlags, showSecretsFlag, subjects, wantedOf } from './flags.ts';
import { secretMark } from './formats.ts';
import { openOne } from './open.ts';
import { isBroken, linesOf } from './report.ts';
import { type Subcommand, usageExit } from './subcommand.ts';
import { besides } from './subject.ts';

export const diff: Subcommand = {
  line: {
    name: 'env diff',
    operands: 'A [B]',
    least: 1,
    most: 2,
    summary: 'compares two environments: keys, types and which are secret; values with --values',
    about: [
      'Prints a line for each path that only A has (-), only B has (+), or that differs (~). Without --values nothing is opened',
      'and no value is compared. With it both are opened; of secrets only that they differ is told, unless --show-secrets.',
      '',
      'B may be @VERSION, which means A at that version; without B, A is compared with what it is now.',
      '',
      subjects.replace('ENV is', 'A and B are each'),
    ],
    flags: {
      ...environmentFlags,
      values: { kind: 'boolean', help: 'open both, and compare values' },
      'show-secrets': { ...showSecretsFlag, help: 'with --values: show secret values that differ' },
    },
    exits: [['0', 'alike'], ['1', 'they differ'], usageExit, ['3', 'one of them has errors, or could not be read']],
    examples: [
      ['a file against what the cluster has', 'escapement env diff my-app/dev-config dev.yaml'],
      ['two environments with their values', 'escapement env diff --values staging.yaml prod.yaml'],
      ['two revisions', 'escapement env diff -n my-app dev-config@3 @5'],
      ['what has changed since, at Pulumi Cloud', 'escapement env diff pulumi:acme/shop/prod@11'],
    ],
  },
  unreadable: 3,
  async run({ args, desk, world }, signal) {
    const withValues = args.boolean('values') ?? false;
    const showSecrets = args.boolean('show-secrets') ?? false;
    const mode = withValues ? 'open' : 'check';
    const sides: ReadonlyMap<string, Leaf>[] = [];
    const [first = '', second = '@latest'] = args.operands;
    for (const each of [first, besides(second, first)]) {
      const opened = await openOne(each, wantedOf(args, mode, false), { world, ...desk }, signal);
      await desk.errors.write(linesOf(opened));
      if (isBroken(opened)) return 3;
      sides.push(leavesOf(opened.value));
    }
    const [left = new Map(), right = new Map()] = sides;
    const lines = compare(left, right, { withValues, showSecrets });
    await desk.out.write(lines.map((line) => `${line}\n`).join(''));
    return lines.length === 0 ? 0 : 1;
  },
};

interface Leaf {
  readonly kind: string;
  readonly secret: boolean;
  readonly value: EscValue;
}

interface Comparison {
  readonly withValues: boolean;
  readonly showSecrets: boolean;
}

/** Values that hold no others, and whole ones that are secret, by their paths. */
function leavesOf(value: EscValue | undefined): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const walk = (each: EscValue, path: string): void => {
    const { data, secret } = each;
    const parts: (readonly [string | number, EscValue])[] =
      data.kind === 'array' ? [...data.elements.entries()] : [...each.members];
    if (secret || parts.length === 0) leaves.set(path, { kind: data.kind, secret, value: each });
    else for (const [key, part] of parts) walk(part, joinPath(path, key));
  };
  if (value !== undefined) for (const [key, member] of value.members) walk(member, joinPath('', key));
  return leaves;
}

export function compare(
  left: ReadonlyMap<string, Leaf>,
  right: ReadonlyMap<string, Leaf>,
  options: Comparison,
): readonly string[] {
  const paths = [...new Set([...left.keys(), ...right.keys()])].sort();
  return paths.flatMap((path) => {
    const before = left.get(path);
    const after = right.get(path);
    if (before === undefined) return after === undefined ? [] : [`+ ${path}: ${described(after, options)}`];
    if (after === undefined) return [`- ${path}: ${described(before, options)}`];
    const areAlike = before.kind === after.kind && before.secret === after.secret;
    const areEqual = !options.withValues || jsonText(before.value) === jsonText(after.value);
    if (areAlike && areEqual) return [];
    const from = described(before, options);
    const to = described(after, options);
    return [`~ ${path}: ${from === to ? `${from}, another value` : `${from} -> ${to}`}`];
  });
}

/** `string, secret`, or the value. */
function described({ kind, secret, value }: Leaf, { withValues, showSecrets }: Comparison): string {
  const type = secret ? `${kind}, secret` : kind;
  if (!withValues) return type;
  return secret && !showSecrets ? secretMark : `${jsonText(value)}${secret ? ' (secret)' : ''}`;
}
