// What was asked of the double: counts by kind and scope, and the last requests. Holds paths and names, never values.

/** The sort of a request, by its route. `write` covers secrets and folders, `folders` is the folder list. */
export type RouteKind =
  | 'login'
  | 'renew'
  | 'revoke'
  | 'list'
  | 'get'
  | 'write'
  | 'folders'
  | 'projects'
  | 'events'
  | 'status'
  | 'other';

export interface RequestRecord {
  readonly atMs: number;
  readonly method: string;
  /** Path with query, as sent. */
  readonly url: string;
  readonly kind: RouteKind;
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  readonly durationMs: number;
  readonly userAgent: string;
  /** Name of the identity behind the bearer token. */
  readonly identity?: string;
  readonly scope?: string;
}

export interface RequestCounts {
  readonly total: number;
  readonly inFlight: number;
  readonly peakInFlight: number;
  readonly connections: number;
  readonly byKind: Readonly<Record<RouteKind, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  /** By `<project> <environment> <path>`, for list and get: how often each was asked. */
  readonly byScope: Readonly<Record<string, { readonly list: number; readonly get: number }>>;
}

const maxRecent = 5000;

export class RequestLog {
  #byKind = emptyKinds();
  #byStatus: Record<string, number> = {};
  #byScope: Record<string, { list: number; get: number }> = {};
  #recent: RequestRecord[] = [];
  #total = 0;
  #inFlight = 0;
  #peakInFlight = 0;
  #connections = 0;

  counts(): RequestCounts {
    return {
      total: this.#total,
      inFlight: this.#inFlight,
      peakInFlight: this.#peakInFlight,
      connections: this.#connections,
      byKind: { ...this.#byKind },
      byStatus: { ...this.#byStatus },
      byScope: structuredClone(this.#byScope),
    };
  }

  /** The latest answered requests, oldest first; at most 5000 are kept. */
  recent(limit = maxRecent): readonly RequestRecord[] {
    return this.#recent.slice(-Math.min(limit, maxRecent));
  }

  /** Forgets all but the requests in flight. */
  reset(): void {
    this.#byKind = emptyKinds();
    this.#byStatus = {};
    this.#byScope = {};
    this.#recent = [];
    this.#total = 0;
    this.#peakInFlight = this.#inFlight;
    this.#connections = 0;
  }

  countConnection(): void {
    this.#connections += 1;
  }

  begin(kind: RouteKind, scope: string | undefined): void {
    this.#total += 1;
    this.#byKind[kind] += 1;
    this.#inFlight += 1;
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#inFlight);
    if (scope === undefined || (kind !== 'list' && kind !== 'get')) return;
    const counted = this.#byScope[scope] ?? { list: 0, get: 0 };
    counted[kind] += 1;
    this.#byScope[scope] = counted;
  }

  end(record: RequestRecord): void {
    this.#inFlight -= 1;
    this.#byStatus[record.status] = (this.#byStatus[record.status] ?? 0) + 1;
    this.#recent.push(record);
    if (this.#recent.length >= 2 * maxRecent) this.#recent = this.#recent.slice(-maxRecent);
  }
}

function emptyKinds(): Record<RouteKind, number> {
  return {
    login: 0,
    renew: 0,
    revoke: 0,
    list: 0,
    get: 0,
    write: 0,
    folders: 0,
    projects: 0,
    events: 0,
    status: 0,
    other: 0,
  };
}
