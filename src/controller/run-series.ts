// What is counted of the runs of one kind: ESO's series by object, controller-runtime's of the controller, and failures by
// reason. Series by object are kept as numbers while the object lives: there are as many as objects, so their text is made
// only when somebody asks for it.
import type { OperatorError } from '../base/operator-error.ts';
import { reasons } from '../base/reasons.ts';
import type { Counted, Labels, Observed } from '../telemetry/metrics.ts';
import type { NamedObject, ObjectFamilies, ObjectSeries, OperatorMetrics } from '../telemetry/operator-metrics.ts';

/** One run that has ended. */
export interface EndedRun {
  readonly durationMs: number;
  /** Status of the Ready condition after it; undefined leaves what was known. */
  readonly ready: string | undefined;
  readonly error: OperatorError | undefined;
  /** Whether the object runs again by itself. */
  readonly comesBack: boolean;
}

interface Runs {
  calls: number;
  errors: number;
  lastMs: number;
  ready: string | undefined;
}

type Result = 'success' | 'requeue_after' | 'requeue' | 'error';

export class RunSeries {
  readonly #kind: string;
  readonly #metrics: OperatorMetrics;
  readonly #find: (key: string) => NamedObject | undefined;
  readonly #runs = new Map<string, Runs>();
  readonly #results: Readonly<Record<Result, Counted>>;
  readonly #errors: Counted;
  readonly #seconds: Observed;
  readonly #ends: readonly (() => void)[];

  /** `find` gives the object of a key, for its labels. */
  constructor(
    { kind, controller }: ObjectSeries,
    metrics: OperatorMetrics,
    find: (key: string) => NamedObject | undefined,
  ) {
    this.#kind = kind;
    this.#metrics = metrics;
    this.#find = find;
    const resultOf = (result: Result) => metrics.reconciles.at({ controller, result });
    this.#results = {
      success: resultOf('success'),
      requeue_after: resultOf('requeue_after'),
      requeue: resultOf('requeue'),
      error: resultOf('error'),
    };
    this.#errors = metrics.reconcileErrors.at({ controller });
    this.#seconds = metrics.reconcileSeconds.at({ controller });
    metrics.failures.at({ kind, reason: 'Internal' }); // an alert waits for its increase, and sees none without a 0 before
    this.#ends = this.#expose(metrics.objectsOf(kind));
  }

  /** Takes in one run. The object must be there: the series of one that is gone would stay. */
  note(key: string, { durationMs, ready, error, comesBack }: EndedRun): void {
    const isError = error !== undefined && reasons[error.reason].next !== 'quiet';
    const runs = this.#runs.get(key) ?? { calls: 0, errors: 0, lastMs: 0, ready: undefined };
    this.#runs.set(key, runs);
    runs.calls++;
    runs.lastMs = durationMs;
    runs.ready = ready ?? runs.ready;
    if (isError) runs.errors++;
    if (error !== undefined) this.#metrics.failures.add({ kind: this.#kind, reason: error.reason });
    this.#seconds.observe(durationMs / 1_000);
    if (isError) this.#noteError();
    else if (error !== undefined) this.#results.requeue.add();
    else this.#results[comesBack ? 'requeue_after' : 'success'].add();
  }

  /** Takes in a run that threw: a fault of ours. */
  noteCrash(): void {
    this.#metrics.failures.add({ kind: this.#kind, reason: 'Internal' });
    this.#noteError();
  }

  /** The object is gone, and so are its series. */
  forget(key: string): void {
    this.#runs.delete(key);
  }

  /** Ends the series by object: another leader has them. */
  close(): void {
    for (const end of this.#ends) end();
  }

  #noteError(): void {
    this.#results.error.add();
    this.#errors.add();
  }

  #expose(families: ObjectFamilies | undefined): (() => void)[] {
    if (families === undefined) return [];
    const { condition, duration, calls, errors } = families;
    const noEnd = () => {};
    return [
      condition.readFrom(() => this.#conditions()),
      duration.readFrom(() => this.#each(({ lastMs }) => Math.round(lastMs * 1e6))),
      calls?.readFrom(() => this.#each((runs) => runs.calls)) ?? noEnd,
      errors?.readFrom(() => this.#each((runs) => (runs.errors === 0 ? undefined : runs.errors))) ?? noEnd,
    ];
  }

  *#each(of: (runs: Runs) => number | undefined): Iterable<readonly [Labels, number]> {
    for (const [key, runs] of this.#runs) {
      const value = of(runs);
      const object = value === undefined ? undefined : this.#find(key);
      if (value !== undefined && object !== undefined) yield [this.#metrics.labelsOf(object), value];
    }
  }

  *#conditions(): Iterable<readonly [Labels, number]> {
    for (const [key, { ready }] of this.#runs) {
      const object = ready === undefined ? undefined : this.#find(key);
      if (object === undefined) continue;
      const labels = this.#metrics.labelsOf(object);
      for (const status of ['True', 'False']) {
        yield [{ ...labels, condition: 'Ready', status }, ready === status ? 1 : 0];
      }
    }
  }
}
