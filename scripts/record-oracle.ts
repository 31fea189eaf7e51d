// Records how Go answers the cases in test/oracle, into the tables that the tests in src/core replay. Needs Go:
//   node scripts/record-oracle.ts
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gjsonTable } from '../test/oracle/gjson-cases.ts';
import { tableUrl, tableValue } from '../test/oracle/tables.ts';
import {
  base64Cases,
  dataCases,
  durationCases,
  metadataCases,
  objectCases,
  pathCases,
  regexpCases,
} from '../test/oracle/text-cases.ts';
import { checkArguments } from './arguments.ts';

checkArguments({
  usage: 'usage: node scripts/record-oracle.ts   records how Go answers the cases in test/oracle; needs Go',
});

/** Asks the Go program all questions at once; answers come in order. */
function ask(questions: readonly object[]): readonly unknown[] {
  const cwd = fileURLToPath(new URL('../test/oracle', import.meta.url));
  const input = questions.map((question) => JSON.stringify(question)).join('\n');
  const run = spawnSync('go', ['run', '.'], {
    cwd,
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (run.status !== 0) throw new Error(`the oracle failed: ${run.error?.message ?? `exit code ${run.status}`}`);
  const answers = run.stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  if (answers.length !== questions.length) throw new Error(`${questions.length} questions, ${answers.length} answers`);
  return answers;
}

function write(name: string, lines: readonly unknown[]): void {
  const url = tableUrl(name);
  mkdirSync(new URL('.', url), { recursive: true });
  writeFileSync(url, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  process.stdout.write(`${name}: ${lines.length} lines\n`);
}

/** A table of `[input, answer]`, long texts in the answers made short. */
function record<Case>(name: string, cases: readonly Case[], questionOf: (item: Case) => object): void {
  const answers = ask(cases.map(questionOf));
  write(
    name,
    cases.map((item, index) => [item, tableValue(answers[index])]),
  );
}

function recordGjson(): void {
  const { documents, cases } = gjsonTable({ seed: 2026, rounds: 400 });
  const answers = ask(cases.map(([document, path]) => ({ op: 'gjson', text: documents[document], path })));
  const seen = new Set<string>();
  const lines = cases.flatMap(([document, path], index) => {
    const answer = answers[index];
    const id = JSON.stringify([document, path]);
    if (answer === 'panic' || seen.has(id)) return [];
    seen.add(id);
    // The string view is left out where it follows from kind and raw text.
    const [kind, raw, text] = Array.isArray(answer) ? answer : [];
    const hasOwnText = kind === 'string' || (kind === 'number' && text !== raw);
    const found = kind === undefined ? null : tableValue(hasOwnText ? [kind, raw, text] : [kind, raw]);
    return [[document, path, found]];
  });
  write('gjson', [documents, ...lines]);
}

recordGjson();
record('regexp', regexpCases(), ([pattern, text, template]) => ({ op: 'regexp', pattern, text, template }));
record('duration', durationCases(), (text) => ({ op: 'duration', text }));
record('base64', base64Cases(), (text) => ({ op: 'base64', text }));
record('base64url', base64Cases(), (text) => ({ op: 'base64url', text }));
record('join', pathCases(), (parts) => ({ op: 'join', parts }));
record(
  'members',
  objectCases().filter((text) => text.length < 1000),
  (text) => ({ op: 'members', text }),
);
record(
  'merge',
  objectCases().filter((text) => text.length < 1000),
  (text) => ({ op: 'merge', text }),
);
const data = dataCases().map((map) =>
  Object.fromEntries(Object.entries(map).map(([key, bytes]) => [key, bytes.toString('base64')])),
);
record(
  'hash',
  data.filter((map) => JSON.stringify(map).length < 2000),
  (map) => ({ op: 'hash', data: map }),
);
record('hashmeta', metadataCases, (metadata) => ({ op: 'hashmeta', ...metadata }));
record('letters', ['letters'], () => ({ op: 'letters' }));
