import { describe, expect, it } from 'vitest';
import { Registry } from './metrics.ts';

const linesOf = (registry: Registry) => registry.render().split('\n');

describe('Registry', () => {
  it('writes help, type and series of each family, with a newline at the end', () => {
    const registry = new Registry();
    registry.counter({ name: 'runs_total', help: 'Runs', labels: ['kind'] }).add({ kind: 'A' });
    registry.gauge({ name: 'depth', help: 'Depth' }).set({}, 3);
    expect(registry.render()).toBe(
      [
        '# HELP runs_total Runs',
        '# TYPE runs_total counter',
        'runs_total{kind="A"} 1',
        '# HELP depth Depth',
        '# TYPE depth gauge',
        'depth 3',
        '',
      ].join('\n'),
    );
  });

  it('reads at each exposition what has no history, until the reading ends', () => {
    const registry = new Registry();
    let depth = 0;
    const end = registry.read('gauge', { name: 'depth', help: 'Depth' }).readFrom(() => [[{}, ++depth]]);
    registry.render();
    expect(linesOf(registry)).toContain('depth 2');
    end();
    expect(linesOf(registry)).toEqual(['# HELP depth Depth', '# TYPE depth gauge', '']);
  });

  it('tells name, type and labels of each family', () => {
    const registry = new Registry();
    registry.counter({ name: 'a', help: 'A', labels: ['x', 'y'] });
    registry.histogram({ name: 'b', help: 'B' }, [1]);
    expect(registry.describe()).toEqual([
      { name: 'a', help: 'A', type: 'counter', labels: ['x', 'y'] },
      { name: 'b', help: 'B', type: 'histogram', labels: [] },
    ]);
  });

  it.each([
    ['a quote', 'a"b', 'a\\"b'],
    ['a backslash', 'a\\b', 'a\\\\b'],
    ['a newline', 'a\nb', 'a\\nb'],
    ['a backslash before a quote', '\\"', '\\\\\\"'],
    ['letters beyond ASCII', 'é', 'é'],
  ])('escapes %s in a label', (_, value, escaped) => {
    const registry = new Registry();
    registry.gauge({ name: 'g', help: 'G', labels: ['l'] }).set({ l: value }, 1);
    expect(linesOf(registry)).toContain(`g{l="${escaped}"} 1`);
  });
});

describe('Metric', () => {
  const gauge = () => new Registry().gauge({ name: 'g', help: 'G', labels: ['a', 'b'] });

  it('counts up from zero, and sets', () => {
    const metric = gauge();
    metric.add({ a: '1', b: '' });
    metric.add({ a: '1', b: '' }, 4);
    metric.set({ a: '2', b: '' }, 7);
    expect(['1', '2', '3'].map((a) => metric.get({ a, b: '' }))).toEqual([5, 7, undefined]);
  });

  it('holds one series for a set of labels, in whatever order they are written', () => {
    const metric = gauge();
    metric.add({ a: '1', b: '2' });
    metric.add({ b: '2', a: '1' });
    expect(metric.render()).toEqual(['g{a="1",b="2"} 2']);
  });

  it('counts by the series itself, which is there from the first', () => {
    const metric = gauge();
    const series = metric.at({ a: '1', b: '2' });
    expect(metric.render()).toEqual(['g{a="1",b="2"} 0']);
    series.add();
    series.add(2);
    metric.add({ a: '1', b: '2' });
    expect(metric.get({ a: '1', b: '2' })).toBe(4);
  });

  it('tells label sets apart whose texts could run together', () => {
    const metric = gauge();
    metric.set({ a: '1",b="2', b: '' }, 1);
    metric.set({ a: '1', b: '2",b="' }, 2);
    expect(metric.render()).toHaveLength(2);
  });

  it('removes every series that has the labels, and only those', () => {
    const metric = gauge();
    for (const labels of [
      { a: 'a', b: 'x' },
      { a: 'a', b: 'y' },
      { a: 'b', b: 'x' },
    ])
      metric.set(labels, 1);
    metric.remove({ a: 'a' });
    expect(metric.render()).toEqual(['g{a="b",b="x"} 1']);
  });
});

describe('Histogram', () => {
  const histogram = (bounds: readonly number[]) =>
    new Registry().histogram({ name: 'h', help: 'H', labels: ['host'] }, bounds);

  it('counts into cumulative buckets, the bound itself included', () => {
    const seen = histogram([0.1, 1]);
    for (const seconds of [0.05, 0.1, 0.5, 3]) seen.observe({ host: 'a' }, seconds);
    expect([...seen.render()]).toEqual([
      'h_bucket{host="a",le="0.1"} 2',
      'h_bucket{host="a",le="1"} 3',
      'h_bucket{host="a",le="+Inf"} 4',
      'h_sum{host="a"} 3.65',
      'h_count{host="a"} 4',
    ]);
  });

  it('keeps label sets apart, and removes what is asked for', () => {
    const seen = histogram([1]);
    const counts = () => [...seen.render()].filter((line) => line.startsWith('h_count'));
    seen.observe({ host: 'a' }, 1);
    seen.at({ host: 'b' }).observe(2);
    expect(counts()).toEqual(['h_count{host="a"} 1', 'h_count{host="b"} 1']);
    seen.remove({ host: 'a' });
    expect(counts()).toEqual(['h_count{host="b"} 1']);
  });
});
