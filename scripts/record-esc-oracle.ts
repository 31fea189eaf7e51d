// Records how the reference evaluator of ESC answers the documents in test/oracle/esc, into the tables that the tests in
// src/core/esc replay, and the case folders there, into `expected.json` and `more.json` of each. Needs Go:
//   node scripts/record-esc-oracle.ts
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { joinPath } from '../src/core/esc/diagnostics.ts';
import { type Documents, randomDocuments, writtenDocuments } from '../test/oracle/esc/documents.ts';
import { checkArguments } from './arguments.ts';

checkArguments({
  usage: 'usage: node scripts/record-esc-oracle.ts   records how the reference evaluator of ESC answers; needs Go',
});

const cwd = fileURLToPath(new URL('../test/oracle/esc', import.meta.url));
const tables = new URL('../src/core/esc/testdata/', import.meta.url);

/** Answers in the order of the questions, each a line of JSON. */
function ask(questions: readonly Documents[]): readonly string[] {
  const input = questions.map((question) => JSON.stringify(question)).join('\n');
  const stdio = ['pipe', 'pipe', 'inherit'] as const;
  const run = spawnSync('go', ['run', '.'], { cwd, input, encoding: 'utf8', maxBuffer: 2 ** 28, stdio: [...stdio] });
  if (run.status !== 0) throw new Error(`the oracle failed: ${run.error?.message ?? `exit code ${run.status}`}`);
  const answers = run.stdout.trimEnd().split('\n');
  if (answers.length !== questions.length) throw new Error(`${questions.length} questions, ${answers.length} answers`);
  return answers;
}

mkdirSync(tables, { recursive: true });
for (const [name, documents] of [
  ['written', writtenDocuments],
  ['random', randomDocuments(16, 1000)],
] as const) {
  const answers = ask(documents);
  const lines = documents.map((each, at) => `{"documents":${JSON.stringify(each)},"answer":${answers[at]}}\n`);
  writeFileSync(new URL(`${name}.jsonl`, tables), lines.join(''));
}

interface Answer {
  readonly values: unknown;
  readonly redacted: unknown;
  readonly checked: unknown;
  readonly errors: readonly string[] | null;
  readonly warnings: readonly string[] | null;
  readonly checkErrors: readonly string[] | null;
}

/** What others say in words of their own: only that it is said counts. */
function placeholders(texts: readonly string[] | null): readonly string[] {
  return (texts ?? []).map((text) =>
    text.replace(/^no environment (.*)$/s, '<environment not found: $1>').replace(/^yaml: .*$/s, '<yaml syntax error>'),
  );
}

/** The outermost secrets of redacted values. */
function secretPaths(redacted: unknown, path = ''): string[] {
  if (redacted === '[secret]') return [path];
  if (typeof redacted !== 'object' || redacted === null) return [];
  const members = Array.isArray(redacted) ? [...redacted.entries()] : Object.entries(redacted);
  return members.flatMap(([key, each]: [string | number, unknown]) => secretPaths(each, joinPath(path, key)));
}

const cases = fileURLToPath(new URL('cases/', tables));
const names = readdirSync(cases).sort();
const documentsOfCase = (name: string): Documents => {
  const files = globSync('**/*.yaml', { cwd: `${cases}${name}` });
  const entries = files.map((file) => [file.replace(/\.yaml$/, ''), readFileSync(`${cases}${name}/${file}`, 'utf8')]);
  return Object.fromEntries(entries);
};
const answers = ask(names.map(documentsOfCase));
for (const [at, name] of names.entries()) {
  const answer = JSON.parse(answers[at] ?? 'null') as Answer | null; // the answer of main.go
  if (answer === null) throw new Error(`case ${name}: the reference evaluator does not come to an end`);
  const { values, redacted, checked, errors, warnings, checkErrors } = answer;
  const write = (file: string, json: object) =>
    writeFileSync(`${cases}${name}/${file}`, `${JSON.stringify(json, undefined, 2)}\n`);
  write('expected.json', {
    evalValues: values,
    secretPaths: secretPaths(redacted).sort(),
    evalErrors: placeholders(errors),
    checkErrors: placeholders(checkErrors),
  });
  write('more.json', { evalWarnings: warnings ?? [], checkValuesRedacted: checked, evalValuesRedacted: redacted });
}
