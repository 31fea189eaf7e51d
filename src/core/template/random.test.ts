import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerMark, listedDifference, ourAnswer } from '../../../test/oracle/template-answers.ts';
import { recordedTemplates, templateCases } from '../../../test/oracle/template-cases.ts';
import { TemplateError } from './errors.ts';
import { Budget, defaultLimits, TemplateLimit } from './limits.ts';
import { compileTemplate } from './template.ts';

/** Thousands of templates take seconds, and many on a busy machine. */
describe('random templates', { timeout: 120_000 }, () => {
  it('are accepted or refused as Go does, with its bytes and its errors', () => {
    const cases = templateCases(recordedTemplates);
    const recorded = readFileSync(recordedTemplates.url, 'utf8').trimEnd().split('\n');
    expect(recorded).toHaveLength(cases.length);
    const differing = cases.flatMap((one, index) => {
      const ours = ourAnswer(one);
      return answerMark(ours) === recorded[index]
        ? []
        : [{ text: one.text, ours, listed: listedDifference(one, ours) }];
    });
    expect(differing.filter(({ listed }) => listed === undefined)).toEqual([]);
    expect(differing.length).toBeLessThanOrEqual(cases.length * 0.005);
  });

  it('never crash, and stay within the bounds of the caller', () => {
    const limits = { ...defaultLimits, maxSteps: 2_000, maxOutputBytes: 500, maxValueBytes: 1_000, maxDepth: 5 };
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 5 }), (seed, repeats) => {
        const [one] = templateCases({ seed, count: 1 });
        if (one === undefined) throw new Error('no case');
        const loop = '{{ range 9 }}'.repeat(repeats);
        const account = new Budget(limits);
        try {
          const template = compileTemplate(loop + one.text + '{{ end }}'.repeat(repeats), { name: 'key' });
          const out = template.execute(one.data, { account, nowMs: 0, randomBytes: (size) => new Uint8Array(size) });
          expect(out.length).toBeLessThanOrEqual(limits.maxOutputBytes);
          expect(account.steps).toBeLessThanOrEqual(limits.maxSteps);
        } catch (thrown) {
          if (!(thrown instanceof TemplateError) && !(thrown instanceof TemplateLimit)) throw thrown;
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('that are damaged anywhere never crash', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }), (seed, place, inserted) => {
        const text = templateCases({ seed, count: 1 })[0]?.text ?? '';
        const at = place % (text.length + 1);
        try {
          compileTemplate(text.slice(0, at) + inserted + text.slice(at), { name: 'key' });
        } catch (thrown) {
          if (!(thrown instanceof TemplateError)) throw thrown;
        }
      }),
      { numRuns: 600 },
    );
  });
});
