// Faults that a test switches on and off while the double runs. The first that fits a request is applied to it.
import { randomUUID } from 'node:crypto';
import type { RouteKind } from './request-log.ts';

/** Which requests a fault is for; a member that is absent fits all. */
export interface FaultScope {
  readonly routes?: readonly RouteKind[];
  readonly environment?: string;
  /** The secretPath of the request, as sent. */
  readonly path?: string;
  /** Slug or id, as sent. */
  readonly project?: string;
}

/**
 * What happens to a request:
 * - `latency`: the usual answer, `delayMs` later;
 * - `hang`: accepted, never answered;
 * - `status`: this status, with `body` (text or JSON; the server's own error form when absent, none when `null`);
 * - `html`: 200 with a web page;
 * - `empty-object`: 200 with `{}`;
 * - `reset`: the connection is reset;
 * - `truncated`: the usual answer, cut in half, under the full content-length;
 * - `trickle`: the usual answer, a byte every `intervalMs`;
 * - `redirect`: 302 to `location`.
 */
export type FaultEffect =
  | { readonly kind: 'latency'; readonly delayMs: number }
  | { readonly kind: 'hang' | 'html' | 'empty-object' | 'reset' | 'truncated' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'trickle'; readonly intervalMs: number }
  | { readonly kind: 'redirect'; readonly location: string };

export type Fault = FaultEffect & {
  readonly when?: FaultScope;
  /** Requests after which the fault is gone; absent means until it is removed. */
  readonly times?: number;
};

export type ListedFault = Fault & { readonly id: string };

export interface FaultQuestion {
  readonly kind: RouteKind;
  readonly environment: string | undefined;
  readonly path: string | undefined;
  readonly project: string | undefined;
}

export class Faults {
  readonly #active = new Map<string, { readonly fault: Fault; left: number }>();

  /** Returns the id to remove it by. */
  add(fault: Fault): string {
    const id = randomUUID();
    this.#active.set(id, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    return id;
  }

  remove(id: string): boolean {
    return this.#active.delete(id);
  }

  clear(): void {
    this.#active.clear();
  }

  list(): readonly ListedFault[] {
    return [...this.#active].map(([id, { fault }]) => ({ ...fault, id }));
  }

  /** The fault for a request, counted against its `times`. */
  take(question: FaultQuestion): FaultEffect | undefined {
    for (const [id, entry] of this.#active) {
      if (!isFor(entry.fault.when ?? {}, question)) continue;
      entry.left -= 1;
      if (entry.left <= 0) this.#active.delete(id);
      return entry.fault;
    }
    return undefined;
  }
}

function isFor(scope: FaultScope, question: FaultQuestion): boolean {
  return (
    (scope.routes?.includes(question.kind) ?? true) &&
    (scope.environment ?? question.environment) === question.environment &&
    (scope.path ?? question.path) === question.path &&
    (scope.project ?? question.project) === question.project
  );
}
