// Random templates beside Go: our engine and Go's text/template with Sprig get the same templates and data, and must accept or
// refuse alike, with the same bytes and the same errors. Needs Go.
//   npm run oracle:templates [-- --seed N --count N]   compares, shows what differs, exits 1 if anything unlisted does
//   npm run oracle:templates -- --record               writes Go's answers for the unit test beside it
import { writeFileSync } from 'node:fs';
import {
  type Answer,
  agreement,
  answerMark,
  goAnswers,
  listedDifference,
  ourAnswer,
} from '../test/oracle/template-answers.ts';
import { recordedTemplates, type TemplateCase, templateCases } from '../test/oracle/template-cases.ts';
import { readFlags } from './arguments.ts';

const usage = `usage: npm run oracle:templates -- [options]   random templates beside Go's text/template with Sprig; needs Go
  --seed N    of the random templates
  --count N   how many
  --record    write Go's answers for the unit test, compare nothing`;
const flags = readFlags(usage, {
  seed: { type: 'string', default: String(recordedTemplates.seed) },
  count: { type: 'string', default: String(recordedTemplates.count) },
  record: { type: 'boolean', default: false },
});
const shownDifferences = 20;

function compare(cases: readonly TemplateCase[], theirs: readonly Answer[]): number {
  const counts = { templates: cases.length, accepted: 0, sameOutcome: 0, sameError: 0, listed: 0 };
  const unlisted: string[] = [];
  cases.forEach((one, index) => {
    const go = theirs[index];
    if (go === undefined) throw new Error('an answer is missing');
    const ours = ourAnswer(one);
    const same = agreement(go, ours);
    counts.accepted += 'out' in go ? 1 : 0;
    counts.sameOutcome += same.outcome ? 1 : 0;
    counts.sameError += same.text ? 1 : 0;
    if (same.text) return;
    if (listedDifference(one, ours) !== undefined) counts.listed += 1;
    else
      unlisted.push(
        [`#${index} ${JSON.stringify(one.text)}`, `  Go   ${shown(go)}`, `  ours ${shown(ours)}`].join('\n'),
      );
  });
  for (const difference of unlisted.slice(0, shownDifferences)) process.stdout.write(`${difference}\n`);
  process.stdout.write(`${JSON.stringify({ ...counts, unlisted: unlisted.length })}\n`);
  return unlisted.length === 0 ? 0 : 1;
}

function shown(answer: Answer): string {
  return 'err' in answer ? `fails: ${answer.err}` : JSON.stringify(answer.out.toString());
}

const cases = templateCases({ seed: Number(flags.seed), count: Number(flags.count) });
const theirs = goAnswers(cases);
if (flags.record) {
  const marks = theirs.map(answerMark);
  writeFileSync(recordedTemplates.url, `${marks.join('\n')}\n`);
  process.stdout.write(`${marks.length} answers\n`);
}
process.exitCode = compare(cases, theirs);
