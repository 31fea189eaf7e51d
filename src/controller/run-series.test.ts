import { describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { Registry } from '../telemetry/metrics.ts';
import { type NamedObject, operatorMetrics } from '../telemetry/operator-metrics.ts';
import { kinds, type ReconciledKind } from './kinds.ts';
import { seriesOf } from './kit/kind.ts';
import { exposeQueues } from './queue-series.ts';
import { type EndedRun, RunSeries } from './run-series.ts';

const good: EndedRun = { durationMs: 20, ready: 'True', error: undefined, comesBack: true };

function setUp({ kind = 'ExternalSecret' as ReconciledKind, extendedLabels = false } = {}) {
  const registry = new Registry();
  const metrics = operatorMetrics(registry, {
    startedAtMs: 0,
    version: '1',
    extendedLabels,
    monotonicMs: () => 0,
    kinds: Object.values(kinds).map(seriesOf),
  });
  const objects = new Map<string, NamedObject>();
  for (const name of ['a', 'b']) objects.set(`shop/${name}`, { name, namespace: 'shop', labels: {} });
  const series = new RunSeries(seriesOf(kinds[kind]), metrics, (key) => objects.get(key));
  /** Series by object, and of the controller, that begin with `name`. */
  const exposed = (name: string) =>
    registry
      .render()
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`));
  return { registry, metrics, objects, series, exposed };
}

describe('RunSeries', () => {
  it("exposes ESO's series of an object: calls, the last duration in nanoseconds, both states of Ready", () => {
    const { series, exposed } = setUp();
    series.note('shop/a', good);
    series.note('shop/a', { ...good, durationMs: 1.5 });
    expect(exposed('externalsecret_sync_calls_total')).toEqual([
      'externalsecret_sync_calls_total{name="a",namespace="shop"} 2',
    ]);
    expect(exposed('externalsecret_reconcile_duration')).toEqual([
      'externalsecret_reconcile_duration{name="a",namespace="shop"} 1500000',
    ]);
    expect(exposed('externalsecret_status_condition')).toEqual([
      'externalsecret_status_condition{name="a",namespace="shop",condition="Ready",status="True"} 1',
      'externalsecret_status_condition{name="a",namespace="shop",condition="Ready",status="False"} 0',
    ]);
    expect(exposed('externalsecret_sync_calls_error')).toEqual([]);
  });

  it('tells Ready of a ClusterExternalSecret, and that of its failure', () => {
    const { series, exposed } = setUp({ kind: 'ClusterExternalSecret' });
    series.note('shop/a', good);
    const seen = () => exposed('clusterexternalsecret_status_condition').map((line) => line.slice(-16));
    expect(seen()).toEqual(['status="True"} 1', 'tatus="False"} 0']);
    // ESO's own series stays True after a failure.
    series.note('shop/a', { ...good, ready: 'False', error: new OperatorError('TargetConflict', 'in the way') });
    expect(seen()).toEqual(['status="True"} 0', 'tatus="False"} 1']);
    expect(exposed('clusterexternalsecret_reconcile_duration')).toHaveLength(1);
  });

  it('counts a failure by object, controller and reason', () => {
    const { series, exposed } = setUp();
    series.note('shop/a', { ...good, ready: 'False', error: new OperatorError('StoreNotFound', 'no store') });
    expect(exposed('externalsecret_sync_calls_error')).toEqual([
      'externalsecret_sync_calls_error{name="a",namespace="shop"} 1',
    ]);
    expect(exposed('externalsecret_status_condition')).toContain(
      'externalsecret_status_condition{name="a",namespace="shop",condition="Ready",status="False"} 1',
    );
    expect(exposed('escapement_reconcile_failures_total')).toContain(
      'escapement_reconcile_failures_total{kind="ExternalSecret",reason="StoreNotFound"} 1',
    );
    expect(exposed('controller_runtime_reconcile_total')).toContain(
      'controller_runtime_reconcile_total{controller="externalsecret",result="error"} 1',
    );
    expect(exposed('controller_runtime_reconcile_errors_total')).toEqual([
      'controller_runtime_reconcile_errors_total{controller="externalsecret"} 1',
    ]);
  });

  it.each<[why: string, run: Partial<EndedRun>, result: string]>([
    ['comes back at its interval', {}, 'requeue_after'],
    ['waits for an event', { comesBack: false }, 'success'],
    ['is run again at once', { error: new OperatorError('Conflict', 'stale') }, 'requeue'],
  ])('calls the end of a run that %s what controller-runtime calls it', (_, run, result) => {
    const { series, exposed } = setUp();
    series.note('shop/a', { ...good, ...run });
    expect(exposed('controller_runtime_reconcile_total').filter((line) => !line.endsWith(' 0'))).toEqual([
      `controller_runtime_reconcile_total{controller="externalsecret",result="${result}"} 1`,
    ]);
    expect(exposed('externalsecret_sync_calls_error')).toEqual([]);
    expect(exposed('controller_runtime_reconcile_time_seconds_count')).toEqual([
      'controller_runtime_reconcile_time_seconds_count{controller="externalsecret"} 1',
    ]);
  });

  it('counts a run that threw as a fault of the operator, from 0', () => {
    const { series, exposed } = setUp();
    const fault = 'escapement_reconcile_failures_total{kind="ExternalSecret",reason="Internal"}';
    expect(exposed('escapement_reconcile_failures_total')).toEqual([`${fault} 0`]);
    series.noteCrash();
    expect(exposed('escapement_reconcile_failures_total')).toEqual([`${fault} 1`]);
  });

  it('keeps what is known of Ready through a run that does not tell', () => {
    const { series, exposed } = setUp();
    series.note('shop/a', { ...good, ready: undefined });
    expect(exposed('externalsecret_status_condition')).toEqual([]);
    series.note('shop/a', good);
    series.note('shop/a', { ...good, ready: undefined, error: new OperatorError('Aborted', 'superseded') });
    expect(exposed('externalsecret_status_condition')[0]).toMatch(/status="True"} 1$/);
  });

  it('shows nothing of objects that were forgotten or are not there, and nothing by object once it is closed', () => {
    const { series, objects, exposed } = setUp();
    for (const key of ['shop/a', 'shop/b']) series.note(key, good);
    series.forget('shop/a');
    expect(exposed('externalsecret_sync_calls_total').join()).not.toContain('name="a"');
    objects.delete('shop/b');
    expect(exposed('externalsecret_status_condition')).toEqual([]);
    objects.set('shop/b', { name: 'b', namespace: 'shop', labels: {} });
    series.close();
    expect(exposed('externalsecret_sync_calls_total')).toEqual([]);
    expect(exposed('controller_runtime_reconcile_errors_total')).toHaveLength(1);
  });

  it.each<[kind: ReconciledKind, prefix: string]>([
    ['SecretStore', 'secretstore'],
    ['ClusterSecretStore', 'clustersecretstore'],
  ])("gives a %s ESO's two families", (kind, prefix) => {
    const { series, exposed } = setUp({ kind });
    series.note('shop/a', good);
    expect(exposed(`${prefix}_status_condition`)).toHaveLength(2);
    expect(exposed(`${prefix}_reconcile_duration`)).toEqual([
      `${prefix}_reconcile_duration{name="a",namespace="shop"} 20000000`,
    ]);
    expect(exposed('externalsecret_sync_calls_total')).toEqual([]);
    expect(exposed('controller_runtime_reconcile_errors_total')[0]).toContain(`controller="${prefix}"`);
  });

  it("copies the recommended labels of objects when asked, under ESO's names", () => {
    const { series, objects, exposed } = setUp({ extendedLabels: true });
    const labels = { 'app.kubernetes.io/part-of': 'till', 'app.kubernetes.io/name': 'pos', team: 'x' };
    objects.set('shop/a', { name: 'a', namespace: 'shop', labels });
    series.note('shop/a', good);
    expect(exposed('externalsecret_sync_calls_total')).toEqual([
      'externalsecret_sync_calls_total{name="a",namespace="shop",app_kubernetes_io_name="pos",app_kubernetes_io_instance="",' +
        'app_kubernetes_io_version="",app_kubernetes_io_component="",app_kubernetes_io_part_of="till",' +
        'app_kubernetes_io_managed_by=""} 1',
    ]);
  });
});

describe('exposeQueues', () => {
  it("tells depth and age by kind, and again under controller-runtime's names, until it ends", () => {
    const { metrics, exposed } = setUp();
    const end = exposeQueues(metrics, () => [[seriesOf(kinds.SecretStore), { ready: 3, running: 2, oldestMs: 1_500 }]]);
    const all = () =>
      [
        'escapement_queue_depth',
        'escapement_queue_oldest_overdue_seconds',
        'controller_runtime_active_workers',
        'workqueue_depth',
      ].flatMap(exposed);
    expect(all()).toEqual([
      'escapement_queue_depth{kind="SecretStore"} 3',
      'escapement_queue_oldest_overdue_seconds{kind="SecretStore"} 1.5',
      'controller_runtime_active_workers{controller="secretstore"} 2',
      'workqueue_depth{name="secretstore",controller="secretstore"} 3',
    ]);
    end();
    expect(all()).toEqual([]);
  });
});
