// Conformance with External Secrets Operator: `node test/conformance/eso.ts [options]` runs recorded cases against the
// built operator on a fresh control plane, and compares what came of each with what came of it under ESO.
// Exits 1 when a case ends otherwise than the tables in eso/expectations.ts say, or when the operator ended by itself.
// Without recordings it says so and exits 0.
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { readFlags } from '../../scripts/arguments.ts';
import { type Captured, capture, crdDirectory } from './eso/capture.ts';
import { categories, categoryOf } from './eso/expectations.ts';
import { type Judgement, judge } from './eso/judge.ts';
import { type CaseLine, caseLines, type OutcomeLine, outcomeLines } from './eso/lines.ts';
import { conformancePage, pagePath } from './eso/page.ts';

const usage = `usage: node test/conformance/eso.ts [options]
  --contracts DIR   cases, recordings and harness (../shared/contracts/eso from the repository's root)
  --only CAT,CAT    these categories or case ids only
  --keep FILE       keeps our outcomes, one JSON line a case
  --outcomes FILE   judges outcomes that were kept, without a run
  --page            writes docs/conformance.md from eso/expectations.ts, and nothing else`;
const flags = readFlags(usage, {
  contracts: { type: 'string' },
  only: { type: 'string' },
  keep: { type: 'string' },
  outcomes: { type: 'string' },
  page: { type: 'boolean', default: false },
});

const defaultContracts = resolve(import.meta.dirname, '../../../shared/contracts/eso');

interface Judged {
  readonly id: string;
  readonly judgement: Judgement;
}

async function run(): Promise<void> {
  const contracts = flags.contracts === undefined ? defaultContracts : resolve(flags.contracts);
  if (!existsSync(join(contracts, 'cases.jsonl'))) {
    print(`skipped: there are no recordings at ${contracts}; name another directory with --contracts`);
    print('0 passed, 0 failed, 1 skipped');
    return;
  }
  const all = caseLines(await readFile(join(contracts, 'cases.jsonl'), 'utf8'));
  const recorded = outcomeLines(await readFile(join(contracts, 'expected.jsonl'), 'utf8'));
  const cases = [...all.values()].filter(({ id }) => isChosen(id));
  if (cases.length === 0) throw new Error(`--only ${flags.only}: no case of that name`);
  const { lines, restarts } = await outcomes(contracts, cases);
  const judged = cases.map((one) => judgeOne(one, recorded, lines));
  report(judged, [...miscounted(cases), ...ended(restarts)]);
}

function isChosen(id: string): boolean {
  return flags.only === undefined || flags.only.split(',').some((name) => name === id || name === categoryOf(id));
}

async function outcomes(contracts: string, cases: readonly CaseLine[]): Promise<Captured> {
  if (flags.outcomes !== undefined) return { lines: outcomeLines(await readFile(flags.outcomes, 'utf8')), restarts: 0 };
  const kinds = await servedKinds();
  const ids = cases.filter(({ objects }) => objects.every(({ kind }) => kinds.has(kind))).map(({ id }) => id);
  if (ids.length === 0) return { lines: new Map(), restarts: 0 };
  return await capture({ contracts, ids, keep: flags.keep, onProgress: print });
}

const crd = z.object({ spec: z.object({ names: z.object({ kind: z.string() }) }) });

/** What a case may hold: kinds of Kubernetes itself, and those of our CRDs. The harness refuses to start over any other. */
async function servedKinds(): Promise<ReadonlySet<string>> {
  const files = await readdir(crdDirectory);
  const texts = await Promise.all(files.map((file) => readFile(join(crdDirectory, file), 'utf8')));
  const ours = texts.map((text) => crd.parse(parse(text)).spec.names.kind);
  return new Set(['Namespace', 'Secret', 'ConfigMap', 'ServiceAccount', ...ours]);
}

function judgeOne(
  { id }: CaseLine,
  recorded: ReadonlyMap<string, OutcomeLine>,
  lines: ReadonlyMap<string, OutcomeLine>,
): Judged {
  const expected = recorded.get(id);
  if (expected === undefined) return { id, judgement: { kind: 'wrong', lines: ['there is no recording of it'] } };
  return { id, judgement: judge(expected, lines.get(id)) };
}

/** The page counts on the number of cases in each category. */
function miscounted(cases: readonly CaseLine[]): readonly string[] {
  return [...Map.groupBy(cases, ({ id }) => categoryOf(id))]
    .filter(([name, ofCategory]) => ofCategory.length !== categories[name]?.cases && !isPartly(name))
    .map(([name, { length }]) => `category ${name} has ${length} cases, ${categories[name]?.cases ?? 0} by the table`);
}

function isPartly(category: string): boolean {
  return flags.only?.split(',').every((name) => name !== category) ?? false;
}

function ended(restarts: number): readonly string[] {
  return restarts === 0 ? [] : [`the operator ended by itself ${restarts} times`];
}

function report(judged: readonly Judged[], complaints: readonly string[]): void {
  for (const { id, judgement } of judged) {
    if (judgement.kind !== 'wrong') continue;
    print(`${id}:`);
    for (const line of judgement.lines) print(`  ${line}`);
  }
  for (const complaint of complaints) print(complaint);
  print(row('category', ['cases', 'as ESO', 'on purpose', 'wrong']));
  for (const [name, ofCategory] of Map.groupBy(judged, ({ id }) => categoryOf(id))) {
    print(row(name, [ofCategory.length, ...sums(ofCategory)].map(String)));
  }
  const [agrees, purpose, wrong] = sums(judged);
  const failed = wrong + complaints.length;
  print(`${agrees + purpose} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function sums(judged: readonly Judged[]): readonly [agrees: number, purpose: number, wrong: number] {
  const count = (kind: Judgement['kind']) => judged.filter(({ judgement }) => judgement.kind === kind).length;
  return [count('agrees'), count('on purpose'), count('wrong')];
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(10) + cells.map((cell) => cell.padStart(12)).join('');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  if (flags.page) await writeFile(pagePath, conformancePage());
  else await run();
} catch (error) {
  process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
