// The dashboard and the alerts against the table of metrics and the guide: nothing is forgotten, nothing leads nowhere. That their
// queries find something in a real scrape is shown in e2e/monitoring.test.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { alerts, dashboardRows, notOnDashboard } from '../scripts/chart/monitoring.ts';
import { exposedFamilies } from '../scripts/reference-pages.ts';
import { readPromql } from './support/promql.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const families = new Map(
  exposedFamilies().flatMap((family) => {
    const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    return suffixes.map((suffix) => [`${family.name}${suffix}`, family] as const);
  }),
);
/** What Prometheus adds, and what it makes of a namespace that the operator tells. */
const targetLabels = ['job', 'instance', 'namespace', 'exported_namespace'];

const panelQueries = dashboardRows
  .flatMap(({ panels }) => panels)
  .flatMap(({ title, queries }) => queries.map((query) => ({ title, ...query })));
const everyQuery = [...panelQueries, ...alerts.map(({ name, expr }) => ({ title: name, expr }))];

/** Labels that the series of an expression have, those of its metrics and of their scrape. */
function labelsOf(expr: string): ReadonlySet<string> {
  const { selectors, added } = readPromql(expr);
  const own = selectors.flatMap(({ metric }) => families.get(metric)?.labels ?? []);
  return new Set([...own, ...added, ...targetLabels, 'le']);
}

describe('the queries of dashboard and alerts', () => {
  it.each(everyQuery)('$title: $expr: read metrics and labels that are exposed', ({ expr }) => {
    const { selectors, grouping } = readPromql(expr);
    expect(selectors.length).toBeGreaterThan(0);
    expect(selectors.filter(({ metric }) => !families.has(metric))).toEqual([]);
    for (const { metric, matchers } of selectors) {
      const known = [...(families.get(metric)?.labels ?? []), ...targetLabels];
      expect(matchers.map(({ label }) => label).filter((label) => !known.includes(label))).toEqual([]);
    }
    expect(grouping.filter((label) => !labelsOf(expr).has(label))).toEqual([]);
  });

  it.each(panelQueries.filter(({ legend }) => legend !== undefined))(
    '$title: the legend "$legend" names labels that are left',
    ({ expr, legend = '' }) => {
      const { grouping } = readPromql(expr);
      const left = /\bby \(/.test(expr) ? new Set(grouping) : labelsOf(expr);
      const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      expect(named.filter((label) => !left.has(label))).toEqual([]);
    },
  );

  it.each(panelQueries)('$title: $expr: keep to the jobs that are chosen', ({ expr }) => {
    for (const { matchers } of readPromql(expr).selectors)
      expect(matchers).toContainEqual({ label: 'job', op: '=~', value: '$job' });
  });

  it.each(panelQueries)('$title: $expr: keep to the namespaces that are chosen, where objects have one', ({ expr }) => {
    for (const { metric, matchers } of readPromql(expr).selectors) {
      const isOfObjects =
        families.get(metric)?.labels.includes('namespace') && !metric.startsWith('clustersecretstore_');
      const chosen = { label: 'exported_namespace', op: '=~', value: '$namespace' };
      if (isOfObjects) expect(matchers).toContainEqual(chosen);
      else expect(matchers).not.toContainEqual(chosen);
    }
  });

  it.each(alerts)('of $name leave the labels that its words use', ({ expr, summary, description }) => {
    const { grouping, added } = readPromql(expr);
    const left = new Set([...(/\bby \(/.test(expr) ? grouping : targetLabels), ...added]);
    const used = [...`${summary} ${description}`.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    expect(used.filter((label) => !left.has(label))).toEqual([]);
  });
});

describe('the dashboard', () => {
  interface Panel {
    readonly type: string;
    readonly title: string;
    readonly fieldConfig?: { readonly defaults: { readonly thresholds?: { readonly steps: readonly Threshold[] } } };
  }
  interface Threshold {
    readonly value: number | null;
    readonly color: string;
  }
  const { panels, templating } = JSON.parse(read('deploy/helm/escapement/files/monitoring/dashboard.json')) as {
    readonly panels: readonly Panel[];
    readonly templating: { readonly list: readonly { readonly name: string }[] };
  };

  it('lets data source, job and namespace be chosen', () => {
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'namespace']);
  });

  it('says by colour which numbers are bad, with bounds that rise from none', () => {
    const coloured = panels.filter(({ fieldConfig }) => fieldConfig?.defaults.thresholds !== undefined);
    expect(coloured.map(({ title }) => title)).toEqual([
      'Leading',
      'ExternalSecrets not Ready',
      'Since the newest refresh',
      'Oldest overdue',
    ]);
    for (const { fieldConfig } of coloured) {
      const [first, ...rest] = (fieldConfig?.defaults.thresholds?.steps ?? []).map(({ value }) => value);
      expect(first).toBeNull();
      expect(rest).toEqual([...rest].sort((left, right) => Number(left) - Number(right)));
    }
  });
});

describe('every metric', () => {
  const shown = new Set(panelQueries.flatMap(({ expr }) => readPromql(expr).selectors.map(({ metric }) => metric)));

  it.each(exposedFamilies())('$name is on the dashboard or left out for a reason', (family) => {
    const names = [...families].filter(([, of]) => of.name === family.name).map(([name]) => name);
    const isShown = names.some((name) => shown.has(name));
    expect([isShown, Object.hasOwn(notOnDashboard, family.name)]).toEqual([isShown, !isShown]);
  });

  it('that is left out is one', () => {
    expect(Object.keys(notOnDashboard).filter((name) => !families.has(name))).toEqual([]);
  });
});

describe('every alert', () => {
  const rules = parse(read('deploy/helm/escapement/files/monitoring/rules.yaml'));
  const chart = parse(read('deploy/helm/escapement/Chart.yaml'));
  const cases = parse(read('deploy/monitoring/alerts.test.yaml'));

  it.each(alerts)('$name links to a heading of the guide of its version', ({ name }) => {
    const rule = rules.groups[0].rules.find(({ alert }: { alert: string }) => alert === name);
    const [page = '', anchor] = rule.annotations.runbook_url.split('#');
    expect(page).toBe(`${chart.home}/blob/v${chart.appVersion}/docs/guides/monitoring.md`);
    const headings = [...read('docs/guides/monitoring.md').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
    expect(headings.map((heading) => heading.toLowerCase())).toContain(anchor);
  });

  it.each(alerts)('$name has a case in which it fires, and one in which it does not', ({ name }) => {
    interface Case {
      readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts?: readonly unknown[] }[];
    }
    const looks = cases.tests.flatMap(({ alert_rule_test = [] }: Case) => alert_rule_test);
    const own = looks.filter(({ alertname }: { alertname: string }) => alertname === name);
    const counts = own.map(({ exp_alerts = [] }: { exp_alerts?: readonly unknown[] }) => exp_alerts.length);
    expect([Math.min(...counts), Math.max(...counts) > 0]).toEqual([0, true]);
  });
});
