// The only writer of status, and the one who asks for events. A status is written when it says something else than the
// one that is there; after the status comes the event, at the lowest priority.
import { explain, type OperatorError } from '../core/operator-error.ts';
import { reasons } from '../core/reasons.ts';
import { nextConditions, rfc3339, type StatusDialect, sameConditions, type Verdict } from '../core/sync-status.ts';
import type { Condition } from '../crds/external-secret.ts';
import type { Kube } from '../kube/contract.ts';
import type { EventDraft } from '../kube/events.ts';
import type { KubeObject, Resource } from '../kube/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { RecordMeta } from './records.ts';

/** Where events go; `kube/events.ts` keeps one. */
export interface EventSink {
  record(event: EventDraft): void;
}

export interface ReportDeps {
  readonly kube: Kube;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly dialect: StatusDialect;
}

/** A kind whose status is reported: where it lives, and under which names it speaks. */
export interface ReportedKind {
  readonly resource: Resource;
  readonly eventComponent: string;
  readonly fieldManager: string;
}

type Reported = RecordMeta & {
  readonly status: {
    readonly conditions?: readonly Condition[] | undefined;
    readonly observedGeneration?: number | undefined;
  };
};

/** Fields of the status besides conditions and observedGeneration; `null` removes one. */
export type StatusFields = Readonly<Record<string, unknown>>;

export class Reporter {
  readonly #deps: ReportDeps;
  readonly #kind: ReportedKind;

  constructor(kind: ReportedKind, deps: ReportDeps) {
    this.#kind = kind;
    this.#deps = deps;
  }

  get isExtended(): boolean {
    return this.#deps.dialect.extended;
  }

  /**
   * Writes the status if it changes: `fields` are written along with a change, and force a write when `isDue`. Returns the
   * API server's answer, or undefined when there was nothing to write. Throws Conflict when the object changed meanwhile.
   */
  async writeStatus(
    object: Reported,
    verdict: Verdict,
    { fields, isDue }: { readonly fields: StatusFields; readonly isDue: boolean },
    signal: AbortSignal,
  ): Promise<KubeObject | undefined> {
    const { dialect, clock, kube } = this.#deps;
    const before = object.status.conditions ?? [];
    const conditions = nextConditions(before, verdict, object.generation, clock.nowMs(), dialect);
    const isObserved = !dialect.extended || object.status.observedGeneration === object.generation;
    if (!isDue && isObserved && sameConditions(before, conditions)) return undefined;
    const status = { ...fields, conditions, ...(dialect.extended ? { observedGeneration: object.generation } : {}) };
    const patch = { metadata: { resourceVersion: object.resourceVersion }, status };
    const { resource, fieldManager } = this.#kind;
    return await kube.mergePatch(
      resource,
      nameOf(object, resource),
      patch,
      { fieldManager, subresource: 'status' },
      signal,
    );
  }

  /** Asks for an event about the object. */
  event(object: RecordMeta, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { resource, eventComponent } = this.#kind;
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

function nameOf(object: RecordMeta, resource: Resource): { namespace?: string; name: string } {
  return resource.namespaced ? { namespace: object.namespace, name: object.name } : { name: object.name };
}

/** Ready=False for a failure; `Stalled` beside it when nothing helps until the spec or a watched object changes. */
export function failedVerdict(conditionReason: string, error: OperatorError): Verdict {
  const message = explain(error);
  const verdict: Verdict = { ready: 'False', reason: conditionReason, message };
  if (reasons[error.reason].next !== 'stall') return verdict;
  return { ...verdict, besides: { type: 'Stalled', reason: error.reason, message } };
}
