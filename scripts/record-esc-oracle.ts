// Records how the reference evaluator of ESC answers the documents in test/oracle/esc, into the tables that the tests in
// src/core/esc replay. Needs Go:
//   node scripts/record-esc-oracle.ts
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
