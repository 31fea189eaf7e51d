import { describe, expect, it } from 'vitest';
import { Registry } from './metrics.ts';
import { operatorMetrics } from './operator-metrics.ts';

function setUp() {
  let nowMs = 0;
  const registry = new Registry();
  const metrics = operatorMetrics(registry, {
    startedAtMs: 5_000,
    version: '1.2.3',
    extendedLabels: false,
    monotonicMs: () => nowMs,
    kinds: [],
  });
  const lines = (name: string) =>
    registry
      .render()
      .split('\n')
      .filter((line) => line.startsWith(name));
  const request = (host: string, outcome = '200') =>
    metrics.noteUpstreamRequest({ provider: 'infisical', host, outcome, durationMs: 30 });
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { registry, lines, request, wait };
}

describe('upstream requests', () => {
  it('are counted by provider, host and outcome, and timed in seconds', () => {
    const { lines, request } = setUp();
    request('a.test:8443');
    request('a.test:8443', 'UpstreamUnavailable');
    expect(lines('escapement_upstream_requests_total')).toEqual([
      'escapement_upstream_requests_total{provider="infisical",host="a.test:8443",outcome="200"} 1',
      'escapement_upstream_requests_total{provider="infisical",host="a.test:8443",outcome="UpstreamUnavailable"} 1',
    ]);
    expect(lines('escapement_upstream_request_duration_seconds_sum')).toEqual([
      'escapement_upstream_request_duration_seconds_sum{provider="infisical",host="a.test:8443"} 0.06',
    ]);
  });

  it('have series for a bounded number of hosts, and those of a host that went unused make room', () => {
    const { lines, request, wait } = setUp();
    for (let i = 0; i < 200; i++) request(`h${i}.test`);
    const series = () => lines('escapement_upstream_requests_total');
    expect(series()).toHaveLength(51);
    expect(series().at(-1)).toMatch(/host="other".* 150$/);
    wait(3_600_000);
    request('new.test');
    expect(series().join('\n')).toContain('host="new.test"');
    expect(series().join('\n')).not.toContain('host="h0.test"');
    expect(lines('escapement_upstream_request_duration_seconds_count')).toHaveLength(51);
  });
});

describe('the families', () => {
  it("are ESO's, controller-runtime's, the process's or begin with our name, and ours name no object", () => {
    const { registry } = setUp();
    const names = registry.describe().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const theirs =
      /^(externalsecret|secretstore|clustersecretstore|clusterexternalsecret|controller_runtime|workqueue|process)_/;
    const ours = registry.describe().filter(({ name }) => !theirs.test(name));
    expect(ours.filter(({ name }) => !name.startsWith('escapement_'))).toEqual([]);
    expect(ours.filter(({ labels }) => labels.some((label) => /^(name|namespace|store)$/.test(label)))).toEqual([]);
  });

  it('have a process: memory with its limit, CPU, start and version', () => {
    const { lines } = setUp();
    const numberAt = (name: string) => Number(lines(`${name} `)[0]?.split(' ').at(-1));
    expect(numberAt('process_start_time_seconds')).toBe(5);
    expect(numberAt('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(numberAt('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(numberAt('escapement_memory_limit_bytes')).toBeGreaterThanOrEqual(0);
    expect(lines('escapement_build_info')).toEqual(['escapement_build_info{version="1.2.3"} 1']);
  });
});
