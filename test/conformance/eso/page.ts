// docs/conformance.md, made from the tables of expectations. A test keeps the file and the tables together; that the
// tables are true is what a run of the cases shows.
import { join } from 'node:path';
import { categories, categoryOf, lists, onPurpose } from './expectations.ts';
import { numbersOf, type Row, rows, type SuiteName, suites } from './own-tests.ts';

export const pagePath = join(import.meta.dirname, '..', '..', '..', 'docs', 'conformance.md');

/** The page in full. Pure: the same tables give the same text. */
export function conformancePage(): string {
  const head = ['category', 'about', 'cases', 'as ESO', 'differ on purpose'];
  const purposeRows = onPurpose.map(({ cases, eso, ours, why }) => [cases.join(' '), eso, ours, why]);
  return [
    '<!-- Made by `node test/conformance/eso.ts --page` from test/conformance/eso/; edit the tables there. -->',
    section('# Conformance with External Secrets Operator', introduction),
    section('## By category', table(head, counts())),
    section('## In every case', everywhere),
    section('## Differ on purpose', table(['case', 'ESO', 'Escapement', 'because'], purposeRows)),
    section("## ESO's own tests", [
      ...ownText,
      '',
      ...table(['suite', 'cases', 'tested', 'not'], ownCounts()),
      '',
      ...table(['not tested', 'about', 'because'], ownGaps()),
    ]),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return `\n${title}\n\n${lines.join('\n')}`;
}

const introduction = [
  'The suite runs small cases, each a store of the `fake` provider with one or two ExternalSecrets and what surrounds them,',
  'against the built operator on a fresh control plane, and compares what came of each with what External Secrets Operator',
  '2.9.0 made of it on the same Kubernetes version. The cases and recordings are not part of this repository; the suite says so',
  'and skips when they are not there.',
  '',
  '```',
  'node test/conformance/eso.ts --contracts DIR [--only CAT,CAT] [--keep FILE]',
  '```',
  '',
  'Compared are: what the API server accepts, Ready with its reason on ExternalSecrets and stores, the binding in the status, the',
  'message of what is Ready, and of every target Secret its data, type, immutability, labels, annotations, owners, finalizers and field',
  'managers. A case counts as passed when all of that is as in ESO, or differs as listed here; as failed otherwise. An entry that',
  'does not hold fails the run as well, and so does an operator that ends by itself.',
];

const everywhere = [
  '- An ExternalSecret gets no finalizer, because nothing outside the cluster has to be cleaned up for it. One that ESO put there is',
  '  taken off when the object is deleted. The same holds for ClusterExternalSecrets and the namespaces that they serve.',
  '- The message of a failure names the cause, the place in the spec and the fix. The reason of the condition is that of ESO.',
  '- `status.observedGeneration`, and the conditions `Reconciling` and `Stalled` while they hold, are additions.',
];

const ownText = [
  'The cases of the test tables that ESO has for its ExternalSecret controller, stores, validators, utilities and ClusterExternalSecrets',
  'are numbered in `test/conformance/eso/own-tests.ts`, each with the test of this repository that proves it. Not tested are:',
];

/** Whether a row is proven by nothing; one that differs in a part has a proof for the rest. */
function isGap({ proofs }: Row): boolean {
  return proofs.every((proof) => 'not' in proof);
}

function ownCounts(): readonly (readonly string[])[] {
  return (Object.keys(suites) as SuiteName[]) // the keys of the table
    .map((name) => {
      const gaps = rows.filter((row) => row.suite === name && isGap(row)).flatMap(numbersOf).length;
      const { title, cases } = suites[name];
      return [title, String(cases), String(cases - gaps), String(gaps)];
    });
}

function ownGaps(): readonly (readonly string[])[] {
  return rows.flatMap(({ suite, cases, about, proofs }) =>
    proofs.flatMap((proof) => ('not' in proof ? [[`${suite} ${cases}`, about, proof.not]] : [])),
  );
}

function counts(): readonly (readonly string[])[] {
  return Object.entries(categories).map(([name, { title, cases }]) => {
    const purpose = idsOf(onPurpose, name, cases);
    return [name, title, ...[cases, cases - purpose, purpose].map(String)];
  });
}

/** How many cases of a category the rows list; one that stands in several rows counts once. */
function idsOf(rows: readonly { readonly cases: readonly string[] }[], category: string, all: number): number {
  const entries = rows.flatMap(({ cases }) => cases);
  if (lists(entries, `${category}-`)) return all;
  return new Set(entries.filter((id) => categoryOf(id) === category)).size;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
