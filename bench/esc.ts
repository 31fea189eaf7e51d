// `npm run bench:esc`: how often a second ESC documents are read and opened, beside the reference evaluator (Go, the module
// github.com/pulumi/esc in test/oracle/esc) on the same machine in the same run. Documents of three sizes, imports five deep;
// pairs of measurements take turns, and the middle of their ratios counts: of the time that passed, and of the processor's, which
// a busy machine disturbs less. Prints one line of JSON.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readFlags } from '../scripts/arguments.ts';
import { readDocument } from '../src/core/esc/declare.ts';
import { evaluate } from '../src/core/esc/evaluate.ts';
import type { EscDocument } from '../src/core/esc/expression.ts';
import { maxRounds } from '../src/core/esc/limits.ts';
import type { OpeningResult } from '../src/core/esc/openings.ts';
import { hasErrors } from '../src/core/esc/session.ts';
import { open, shapes } from '../test/conformance/esc/providers.ts';
import { type Documents, documentsOf } from './support/esc-documents.ts';

const sizes = [20, 500, 5_000];
const warmUpEvaluations = 1_000;
const warmUpMs = 8_000;

interface Speed {
  readonly evaluations: number;
  readonly seconds: number;
  /** Of the processor, all threads. */
  readonly cpuSeconds: number;
}

const usage = `usage: npm run bench:esc -- [options]   evaluations of ESC documents beside the reference evaluator; needs Go
  --pairs N          pairs for each size (5)
  --milliseconds N   length of each measurement (600)
  --only-ours        without the reference: for profiles, and where there is no Go`;
const flags = readFlags(usage, {
  pairs: { type: 'string', default: '5' },
  milliseconds: { type: 'string', default: '600' },
  'only-ours': { type: 'boolean', default: false },
});

function openOnce(documents: Documents): void {
  const root = readDocument('env', documents['env'] ?? '');
  const loaded = new Map<string, EscDocument>();
  const openings = new Map<string, OpeningResult>();
  for (let round = 0; round < maxRounds; round++) {
    const { isComplete, needs, diagnostics } = evaluate({ mode: 'open', root, documents: loaded, shapes, openings });
    if (isComplete) {
      if (hasErrors(diagnostics)) throw new Error(`the document has errors: ${diagnostics[0]?.summary}`);
      return;
    }
    for (const name of needs.documents) loaded.set(name, readDocument(name, documents[name] ?? ''));
    for (const each of needs.openings) openings.set(each.id, open(each));
  }
  throw new Error('the evaluation does not end');
}

function measureOurs(documents: Documents, milliseconds: number): Speed {
  const began = performance.now();
  const before = process.cpuUsage();
  let evaluations = 0;
  for (; evaluations === 0 || performance.now() < began + milliseconds; evaluations++) openOnce(documents);
  const { user, system } = process.cpuUsage(before);
  return { evaluations, seconds: (performance.now() - began) / 1_000, cpuSeconds: (user + system) / 1e6 };
}

/** An operator that runs is compiled; on a busy machine that takes its time. */
function warmUp(documents: Documents): void {
  const until = performance.now() + warmUpMs;
  for (let at = 0; at < warmUpEvaluations && performance.now() < until; at++) openOnce(documents);
}

interface Reference extends AsyncDisposable {
  measure(documents: Documents, milliseconds: number): Promise<Speed>;
}

function startReference(): Reference {
  const folder = mkdtempSync(join(tmpdir(), 'bench-esc-'));
  const program = join(folder, 'reference');
  const cwd = join(import.meta.dirname, '../test/oracle/esc');
  execFileSync('go', ['build', '-o', program, '.'], { cwd, stdio: 'inherit' });
  const child = spawn(program, ['measure'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async measure(documents, milliseconds) {
      child.stdin.write(`${JSON.stringify({ documents, milliseconds })}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the reference evaluator has ended');
      return JSON.parse(value) as Speed; // the answer of measure.go
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Of one evaluation. */
function timeOf(speed: Speed | undefined, of: 'seconds' | 'cpuSeconds'): number {
  return speed === undefined ? Number.NaN : speed[of] / speed.evaluations;
}

const rounded = (value: number) => Number(value.toPrecision(4));

function middle(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function bench(): Promise<void> {
  const pairs = Number(flags.pairs);
  const milliseconds = Number(flags.milliseconds);
  await using reference = flags['only-ours'] ? undefined : startReference();
  const results: object[] = [];
  for (const values of sizes) {
    const documents = documentsOf(values);
    warmUp(documents);
    await reference?.measure(documents, milliseconds / 2);
    const ours: Speed[] = [];
    const theirs: Speed[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      ours.push(measureOurs(documents, milliseconds));
      if (reference !== undefined) theirs.push(await reference.measure(documents, milliseconds));
    }
    const times = (of: 'seconds' | 'cpuSeconds') =>
      rounded(middle(ours.map((each, at) => timeOf(each, of) / timeOf(theirs[at], of))));
    const perSecond = (list: readonly Speed[]) => rounded(middle(list.map((each) => 1 / timeOf(each, 'seconds'))));
    results.push({
      values,
      perSecond: perSecond(ours),
      ...(reference !== undefined && {
        referencePerSecond: perSecond(theirs),
        timesItsTime: times('seconds'),
        timesItsCpu: times('cpuSeconds'),
      }),
    });
  }
  process.stdout.write(`${JSON.stringify({ bench: 'esc', pairs, sizes: results })}\n`);
}

await bench();
