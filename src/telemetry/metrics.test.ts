import { describe, expect, it } from 'vitest';
import { Registry } from './metrics.ts';

const linesOf = (registry: Registry) => registry.render().split('\n');

describe('Registry', () => {
  it('writes help, type and series of each family, with a newline at the end', () => {
    const registry = new Registry();
    registry.counter('runs_total', 'Runs').add({ kind: 'A' });
    registry.gauge('depth', 'Depth').set({}, 3);
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

  it('runs its collectors before each exposition', () => {
    const registry = new Registry();
    const gauge = registry.gauge('scrapes', 'Scrapes');
    registry.onCollect(() => gauge.add({}));
    registry.render();
    expect(linesOf(registry)).toContain('scrapes 2');
  });

  it.each([
    ['a quote', 'a"b', 'a\\"b'],
    ['a backslash', 'a\\b', 'a\\\\b'],
    ['a newline', 'a\nb', 'a\\nb'],
    ['a backslash before a quote', '\\"', '\\\\\\"'],
    ['letters beyond ASCII', 'é', 'é'],
  ])('escapes %s in a label', (_, value, escaped) => {
    const registry = new Registry();
    registry.gauge('g', 'G').set({ l: value }, 1);
    expect(linesOf(registry)).toContain(`g{l="${escaped}"} 1`);
  });
});

describe('Metric', () => {
  const gauge = () => new Registry().gauge('g', 'G');

  it('counts up from zero, and sets', () => {
    const metric = gauge();
    metric.add({ a: '1' });
    metric.add({ a: '1' }, 4);
    metric.set({ a: '2' }, 7);
    expect([metric.get({ a: '1' }), metric.get({ a: '2' }), metric.get({ a: '3' })]).toEqual([5, 7, undefined]);
  });

  it('holds one series for a set of labels, in whatever order they are written', () => {
    const metric = gauge();
    metric.add({ a: '1', b: '2' });
    metric.add({ b: '2', a: '1' });
    expect(metric.render()).toEqual(['g{a="1",b="2"} 2']);
    metric.drop({ b: '2', a: '1' });
    expect(metric.render()).toEqual([]);
  });

  it('tells label sets apart whose texts could run together', () => {
    const metric = gauge();
    metric.set({ a: '1",b="2' }, 1);
    metric.set({ a: '1', b: '2' }, 2);
    expect(metric.render()).toHaveLength(2);
  });

  it('removes every series that has the labels, and only those', () => {
    const metric = gauge();
    for (const labels of [
      { ns: 'a', name: 'x' },
      { ns: 'a', name: 'y' },
      { ns: 'b', name: 'x' },
    ])
      metric.set(labels, 1);
    metric.remove({ ns: 'a' });
    expect(metric.render()).toEqual(['g{name="x",ns="b"} 1']);
  });

  it('drops one exact series', () => {
    const metric = gauge();
    metric.set({ ns: 'a' }, 1);
    metric.set({ ns: 'a', name: 'x' }, 1);
    metric.drop({ ns: 'a' });
    expect(metric.render()).toEqual(['g{name="x",ns="a"} 1']);
  });
});

describe('Histogram', () => {
  it('counts into cumulative buckets, the bound itself included', () => {
    const registry = new Registry();
    const histogram = registry.histogram('h', 'H', [0.1, 1]);
    for (const seconds of [0.05, 0.1, 0.5, 3]) histogram.observe({ host: 'a' }, seconds);
    expect(linesOf(registry).slice(2, -1)).toEqual([
      'h_bucket{host="a",le="0.1"} 2',
      'h_bucket{host="a",le="1"} 3',
      'h_bucket{host="a",le="+Inf"} 4',
      'h_sum{host="a"} 3.65',
      'h_count{host="a"} 4',
    ]);
  });

  it('keeps label sets apart', () => {
    const histogram = new Registry().histogram('h', 'H', [1]);
    histogram.observe({ host: 'a' }, 1);
    histogram.observe({ host: 'b' }, 2);
    expect(histogram.render().filter((line) => line.startsWith('h_count'))).toEqual([
      'h_count{host="a"} 1',
      'h_count{host="b"} 1',
    ]);
  });
});
