import { describe, expect, it } from 'vitest';
import { Registry } from '../../telemetry/metrics.ts';
import { operatorMetrics } from '../../telemetry/operator-metrics.ts';
import { exposeEnds } from './end-series.ts';

function scene() {
  const registry = new Registry();
  const options = { startedAtMs: 0, version: '1', extendedLabels: false, monotonicMs: () => 0, kinds: [] };
  const metrics = operatorMetrics(registry, options);
  const memories: { failures: number; endsAtMs?: number }[] = [];
  let nowMs = 100_000;
  const series = {
    clock: { monotonicMs: () => nowMs },
    metrics,
    endsAtMs: (memory: { endsAtMs?: number }) => memory.endsAtMs,
  };
  const ends = ['Environment', 'ExternalSecret'].map((kind) =>
    exposeEnds({ ...series, kind, memories: () => (kind === 'Environment' ? memories : []) }),
  );
  const samples = () =>
    registry
      .render()
      .split('\n')
      .filter((line) => /^escapement_(earliest|renewals)/.test(line));
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { memories, ends, samples, wait };
}

describe('values that run out', () => {
  it('tell how long the first of a kind is good for, and how many cannot be renewed', () => {
    const { memories, samples, wait } = scene();
    memories.push({ failures: 3 }, { failures: 0, endsAtMs: 160_000 }, { failures: 1, endsAtMs: 130_000 });
    expect(samples()).toEqual([
      'escapement_earliest_expiry_seconds{kind="Environment"} 30',
      'escapement_renewals_failing{kind="Environment"} 1',
      'escapement_renewals_failing{kind="ExternalSecret"} 0',
    ]);
    wait(40_000);
    expect(samples()[0]).toBe('escapement_earliest_expiry_seconds{kind="Environment"} -10');
  });

  it('are told of no more once that is ended', () => {
    const { memories, ends, samples } = scene();
    memories.push({ failures: 1, endsAtMs: 130_000 });
    for (const end of ends) end();
    expect(samples()).toEqual([]);
  });
});
