// How much was compared with Go, and what differs: the list in docs/templates.md is whole. That each case of the tables
// agrees is told by the tests that replay them.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answerMark, type GoLine, goAnswer, ourAnswer } from '../../../test/oracle/template-answers.ts';
import { recordedTemplates } from '../../../test/oracle/template-cases.ts';

interface Table {
  readonly data: Readonly<Record<string, string>>;
  readonly cases: readonly (GoLine & { readonly text: string })[];
}

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const table = (name: string) => JSON.parse(read(`src/core/template/testdata/${name}.json`)) as Table; // as recorded
const lines = (path: string) => read(path).trimEnd().split('\n').length;
const differences = table('differences');
const corpora = [table('cases'), table('dates')];

/** The ids of differences, each with its templates. */
const listed = new Map(
  read('test/oracle/template/differences.txt')
    .split(/^# /m)
    .slice(1)
    .map((section): [id: string, texts: readonly string[]] => {
      const [id = '', ...texts] = section.trimEnd().split('\n');
      return [id, texts];
    }),
);

describe('the corpus beside Go', () => {
  it('has thousands of templates, and hundreds of paths and expansions', () => {
    expect(corpora.flatMap(({ cases }) => cases).length).toBeGreaterThanOrEqual(2_000);
    expect(lines('src/core/template/testdata/random.txt')).toBe(recordedTemplates.count);
    expect(lines('src/core/gjson/testdata/gjson.jsonl')).toBeGreaterThanOrEqual(300);
    expect(lines('src/core/testdata/regexp.jsonl')).toBeGreaterThanOrEqual(200);
  });

  it('agrees in at least 99.5 % of the templates, those of the differences among them', () => {
    const agreeing = corpora.flatMap(({ cases }) => cases).length + recordedTemplates.count; // or the tests that replay them fail
    expect(agreeing / (agreeing + differences.cases.length)).toBeGreaterThanOrEqual(0.995);
  });

  it.each([...listed])('still differs where docs/templates.md says %s', (id, texts) => {
    expect(read('docs/templates.md')).toContain(`| ${id} |`);
    for (const text of texts) {
      const recorded = differences.cases.find((one) => one.text === text);
      expect(recorded, `${text} is recorded`).toBeDefined();
      if (recorded === undefined) continue;
      const ours = ourAnswer(caseOf({ ...recorded, data: differences.data }));
      expect(answerMark(ours), text).not.toBe(answerMark(goAnswer(recorded)));
    }
  });
});

function caseOf({ text, data }: { readonly text: string; readonly data: Table['data'] }) {
  return { text, data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value)])) };
}
