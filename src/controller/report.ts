// What statuses say, and the one who asks for events. A status is written when it says something else than the
// one that is there; after the status comes the event, at the lowest priority.

import type { Clock } from '../base/clock.ts';
import { explain, type OperatorError } from '../base/operator-error.ts';
import { reasons } from '../base/reasons.ts';
import {
  nextConditions,
  renewedConditions,
  rfc3339,
  type StatusDialect,
  sameConditions,
  type Verdict,
} from '../core/sync-status.ts';
import type { Condition } from '../crds/external-secret.ts';
import type { EventDraft } from '../kube/events.ts';
import type { Writer, Written } from './kit/writer.ts';
import type { RecordMeta } from './records.ts';

/** Where events go; `kube/events.ts` keeps one. */
export interface EventSink {
  record(event: EventDraft): void;
}

export interface ReportDeps {
  readonly writer: Writer;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly dialect: StatusDialect;
}

/** A kind whose status is reported: how it is written, and under which names it speaks. */
export interface ReportedKind<T extends Reported> {
  readonly written: Written<T>;
  readonly eventComponent: string;
  readonly fieldManager: string;
}

export type Reported = RecordMeta & {
  readonly status: {
    readonly conditions?: readonly Condition[] | undefined;
    readonly observedGeneration?: number | undefined;
  };
};

/** Fields of the status besides conditions and observedGeneration; `null` removes one. */
export type StatusFields = Readonly<Record<string, unknown>>;

export class Reporter<T extends Reported> {
  readonly #deps: ReportDeps;
  readonly #kind: ReportedKind<T>;

  constructor(kind: ReportedKind<T>, deps: ReportDeps) {
    this.#kind = kind;
    this.#deps = deps;
  }

  get isExtended(): boolean {
    return this.#deps.dialect.extended;
  }

  /**
   * Writes the status if it changes: `fields` are written along with a change, and force a write when `isDue`. Returns the
   * record after the write, or undefined when there was nothing to write. Throws Conflict when the object changed meanwhile.
   */
  async writeStatus(
    object: T,
    verdict: Verdict,
    { fields, isDue }: { readonly fields: StatusFields; readonly isDue: boolean },
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const { dialect, clock, writer } = this.#deps;
    const before = object.status.conditions ?? [];
    const conditions = nextConditions(before, verdict, object.generation, clock.nowMs(), dialect);
    const isObserved = !dialect.extended || object.status.observedGeneration === object.generation;
    if (!isDue && isObserved && sameConditions(before, conditions)) return undefined;
    const told = verdict.renews === true ? renewedConditions(conditions, clock.nowMs()) : conditions;
    const status = {
      ...fields,
      conditions: told,
      ...(dialect.extended ? { observedGeneration: object.generation } : {}),
    };
    const { written, fieldManager } = this.#kind;
    return await writer.patchStatus(written, object, status, fieldManager, signal);
  }

  /** Sets the object's finalizers. Throws Conflict when it changed meanwhile. */
  async setFinalizers(object: T, finalizers: readonly string[], signal: AbortSignal): Promise<void> {
    const { written, fieldManager } = this.#kind;
    await this.#deps.writer.patchFinalizers(written, object, finalizers, fieldManager, signal);
  }

  /** Asks for an event about the object. */
  event(object: RecordMeta, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const {
      written: { resource },
      eventComponent,
    } = this.#kind;
    const { namespace, name, uid } = object;
    const apiVersion = `${resource.group}/${resource.version}`;
    const place = resource.namespaced ? { namespace } : {};
    const subject = { apiVersion, kind: resource.kind, name, uid, ...place };
    this.#deps.events.record({ subject, type, reason, message, component: eventComponent });
  }

  /** The instant for a status field. */
  now(): string {
    return rfc3339(this.#deps.clock.nowMs());
  }
}

/** Ready=False for a failure; `Stalled` beside it when nothing helps until the spec or a watched object changes. */
export function failedVerdict(conditionReason: string, error: OperatorError): Verdict {
  const message = explain(error);
  const verdict: Verdict = { ready: 'False', reason: conditionReason, message };
  if (reasons[error.reason].next !== 'stall') return verdict;
  return { ...verdict, besides: { type: 'Stalled', reason: error.reason, message } };
}

/** The object changed: Ready of what it was is taken back, and `message` says what is done about what it is. */
export function withdrawnVerdict(message: string): Verdict {
  return {
    ready: 'absent',
    reason: '',
    message: '',
    besides: { type: 'Reconciling', reason: 'SpecChanged', message },
  };
}
