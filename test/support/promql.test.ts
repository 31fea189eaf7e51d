import { describe, expect, it } from 'vitest';
import { samplesOf, scraped } from './exposition.ts';
import { readPromql, selects } from './promql.ts';

describe('readPromql', () => {
  it('finds what is read, how it is grouped, and what is added', () => {
    const expr =
      'label_replace(max by (job, ns) (up{a="x", b!~"y|z"} == 1 and on (job) lead), "kind", "K", "", "") or topk(5, rate(n_total[5m]) / 1e9)';
    expect(readPromql(expr)).toEqual({
      selectors: [
        {
          metric: 'up',
          matchers: [
            { label: 'a', op: '=', value: 'x' },
            { label: 'b', op: '!~', value: 'y|z' },
          ],
        },
        { metric: 'lead', matchers: [] },
        { metric: 'n_total', matchers: [] },
      ],
      grouping: ['job', 'ns', 'job'],
      added: ['kind'],
    });
  });

  it.each(['rate(x[5m]) ; y', 'x{a}', 'x{a="1" b="2"}'])('refuses %s', (expr) => {
    expect(() => readPromql(expr)).toThrow();
  });
});

describe('selects', () => {
  const [sample = { name: '', labels: {}, value: 0 }] = samplesOf('x{a="1",b="say \\"hi\\""} 3\n');

  it.each([
    ['x', true],
    ['y', false],
    ['x{a="1"}', true],
    ['x{a!="1"}', false],
    ['x{a=~"1|2"}', true],
    ['x{b=~"say"}', false],
    ['x{c=""}', true],
    ['x{c!=""}', false],
  ])('%s: %s', (expr, wanted) => {
    const [selector = { metric: '', matchers: [] }] = readPromql(expr).selectors;
    expect(selects(selector, sample)).toBe(wanted);
  });
});

describe('scraped', () => {
  const sample = { name: 'x', labels: { namespace: 'shop', name: 'a', empty: '' }, value: 1 };
  const labels = { namespace: 'operators', job: 'j' };

  it('keeps the labels of the target, and renames what clashes', () => {
    expect(scraped(sample, { labels }).labels).toEqual({
      exported_namespace: 'shop',
      name: 'a',
      namespace: 'operators',
      job: 'j',
    });
  });

  it('lets the target speak where it is honoured', () => {
    expect(scraped(sample, { labels, honorLabels: true }).labels).toEqual({ namespace: 'shop', name: 'a', job: 'j' });
  });
});
