// ESO's per-object series of ExternalSecrets, kept as numbers while the object lives: there are as many as objects, so
// their text is made only when somebody asks for it.
import type { Outcome } from '../../core/outcome.ts';
import type { Labels } from '../../telemetry/metrics.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import type { ExternalSecretRecord } from '../records.ts';

interface Runs {
  calls: number;
  errors: number;
  lastMs: number;
  /** Status of the Ready condition after the last run. */
  ready: string | undefined;
}

export class RunSeries {
  readonly #runs = new Map<string, Runs>();
  readonly #metrics: OperatorMetrics;
  readonly #ends: readonly (() => void)[];

  constructor(metrics: OperatorMetrics) {
    this.#metrics = metrics;
    this.#ends = [
      metrics.syncCalls.readFrom(() => this.#series(({ calls }) => calls)),
      metrics.syncErrors.readFrom(() => this.#series(({ errors }) => (errors === 0 ? undefined : errors))),
      metrics.externalSecretDuration.readFrom(() => this.#series(({ lastMs }) => Math.round(lastMs * 1e6))),
      metrics.externalSecretCondition.readFrom(() => this.#conditions()),
    ];
  }

  /** Takes in one run of `durationMs`; `es` is the object after it. */
  note(key: string, es: ExternalSecretRecord, outcome: Outcome, durationMs: number): void {
    const runs = this.#runs.get(key) ?? { calls: 0, errors: 0, lastMs: 0, ready: undefined };
    this.#runs.set(key, runs);
    runs.calls++;
    runs.lastMs = durationMs;
    runs.ready = es.status.conditions?.find(({ type }) => type === 'Ready')?.status;
    if (outcome.kind !== 'failed') return;
    runs.errors++;
    this.#metrics.failures.add({ kind: 'ExternalSecret', reason: outcome.error.reason });
  }

  /** The object is gone, and so are its series. */
  forget(key: string): void {
    this.#runs.delete(key);
  }

  /** Ends all series: another leader counts. */
  close(): void {
    for (const end of this.#ends) end();
  }

  *#series(value: (runs: Runs) => number | undefined): Iterable<readonly [Labels, number]> {
    for (const [key, runs] of this.#runs) {
      const number = value(runs);
      if (number !== undefined) yield [labelsOf(key), number];
    }
  }

  *#conditions(): Iterable<readonly [Labels, number]> {
    for (const [key, { ready }] of this.#runs) {
      if (ready === undefined) continue;
      for (const status of ['True', 'False']) {
        yield [{ condition: 'Ready', ...labelsOf(key), status }, ready === status ? 1 : 0];
      }
    }
  }
}

function labelsOf(key: string): { readonly name: string; readonly namespace: string } {
  const at = key.indexOf('/');
  return { name: key.slice(at + 1), namespace: key.slice(0, at) };
}
