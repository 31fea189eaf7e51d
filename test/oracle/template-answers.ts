// What Go and what our engine answer to random templates, in a form that compares: bytes, or the text of the error.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { TemplateError } from '../../src/core/template/errors.ts';
import { TemplateLimit } from '../../src/core/template/limits.ts';
import { compileTemplate } from '../../src/core/template/template.ts';
import type { TemplateCase } from './template-cases.ts';

export type Answer = { readonly out: Buffer } | { readonly err: string };

/** What our engine answers; a crash is thrown. */
export function ourAnswer({ text, data }: TemplateCase): Answer {
  try {
    const template = compileTemplate(text, { name: 'key' });
    return { out: template.execute(data, { nowMs: 0, randomBytes: (size) => new Uint8Array(size) }) };
  } catch (thrown) {
    if (thrown instanceof TemplateError) return { err: thrown.textWithValues() };
    if (thrown instanceof TemplateLimit) return { err: `TemplateLimit: ${thrown.message}` };
    throw thrown;
  }
}

/** What Go answers, case by case. Needs Go. */
export function goAnswers(cases: readonly TemplateCase[]): Answer[] {
  const run = spawnSync('go', ['run', '.', 'random'], {
    cwd: fileURLToPath(new URL('template', import.meta.url)),
    env: { ...process.env, TZ: 'UTC' },
    input: cases.map(({ text, data }) => JSON.stringify({ text, data: encoded(data) })).join('\n'),
    maxBuffer: 2 ** 30,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (run.status !== 0) throw new Error(`the oracle failed: ${run.error?.message ?? `exit code ${run.status}`}`);
  const answers = run.stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as GoLine); // as the oracle writes it
  if (answers.length !== cases.length) throw new Error(`${cases.length} templates, ${answers.length} answers`);
  return answers.map(goAnswer);
}

/** An answer as the oracle writes it: bytes in Base64, or the text of the error. */
export interface GoLine {
  readonly out?: string;
  readonly err?: string;
}

export function goAnswer({ out, err }: GoLine): Answer {
  return err === undefined ? { out: Buffer.from(out ?? '', 'base64') } : { err };
}

function encoded(data: TemplateCase['data']): object {
  return Object.fromEntries(Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString('base64')]));
}

/** Whether both accept with the same bytes, or both refuse; `text` tells whether the errors are the same, too. */
export function agreement(left: Answer, right: Answer): { readonly outcome: boolean; readonly text: boolean } {
  if ('err' in left || 'err' in right) {
    const outcome = 'err' in left && 'err' in right;
    return { outcome, text: outcome && plain(left.err) === plain(right.err) };
  }
  const outcome = left.out.equals(right.out);
  return { outcome, text: outcome };
}

/** Differences that docs/templates.md lists, by a word of ours that tells them. */
const listed: readonly { readonly id: string; readonly isIt: (one: TemplateCase, ours: Answer) => boolean }[] = [
  { id: 'depth', isIt: (_, ours) => 'err' in ours && ours.err.startsWith('TemplateLimit: templates call one another') },
  {
    id: 'yaml-errors',
    isIt: ({ text }, ours) =>
      text.includes('fromYaml') && 'out' in ours && ours.out.includes('error converting YAML to JSON'),
  },
  { id: 'time-range', isIt: (_, ours) => 'err' in ours && ours.err.endsWith('the time is out of range') },
];

/** The id of the listed difference that explains why our answer is not Go's. */
export function listedDifference(one: TemplateCase, ours: Answer): string | undefined {
  return listed.find(({ isIt }) => isIt(one, ours))?.id;
}

/** Go's JSON has a replacement for each byte that is no text, ours one for several. */
function plain(error: string): string {
  return error.replace(/\ufffd+/g, '\ufffd');
}

/** An answer as the recorded table holds it: `=` or `!`, and a digest of the bytes or of the error. */
export function answerMark(answer: Answer): string {
  const digest = (content: Buffer | string) => createHash('sha256').update(content).digest('hex').slice(0, 10);
  return 'err' in answer ? `!${digest(plain(answer.err))}` : `=${digest(answer.out)}`;
}
