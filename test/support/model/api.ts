// The API server of a model cluster, at the level of its wire: the operator's own client, informers, leader election and
// events speak to it through the transport that it gives each process. It is slow, refuses, acts and loses its answer, or
// lets something happen in between, as the test says.
//
//   process ──request, delayed──► act on objects ──answer, delayed──► process
//                                     └── changes, late but in order ──► watches of all processes

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../src/base/clock.ts';
import { OperatorError } from '../../../src/base/operator-error.ts';
import type { ApiAnswer, ApiRequest, Transport } from '../../../src/kube/transport.ts';
import { keyOf } from '../../../src/kube/types.ts';
import { answer, Refused, refusal, refusedBy, requireSame } from './answers.ts';
import { type ModelObject, nameIn, type Place, placeOf, resourcesAt } from './kinds.ts';
import { applyMergePatch } from './merge-patch.ts';
import type { Objects } from './objects.ts';
import type { ModelProcess } from './process.ts';
import { type Selection, selects, Watch } from './watch.ts';

export type Verb = 'get' | 'create' | 'update' | 'status' | 'patch' | 'delete';

/** One call for one object. */
export interface Call {
  readonly client: string;
  readonly verb: Verb;
  readonly kind: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly atMs: number;
  /** 'done', or the reason of the refusal. */
  outcome: string;
  /** Whether the cluster is another one since. */
  changed: boolean;
}

/**
 * What becomes of a call: `refuse` before it acts; `lose` the answer after it acted; `resend` it once more after that, as a
 * client does whose connection ended; a function runs between the deed and its answer, and may throw the answer.
 */
export type Fault = 'refuse' | 'lose' | 'resend' | 'conflict' | (() => void) | undefined;

export interface ApiOptions {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Each way of a call takes at least so long, and at most so much longer. */
const travel = { leastMs: 5, moreMs: 20 };

export class Api {
  /** Asked for each call for an object, when it arrives. */
  fault: (call: Call) => Fault = () => undefined;
  readonly calls: Call[] = [];
  /** Delay of the next watch event, in ms. */
  watchLagMs: () => number;
  readonly #objects: Objects;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #watches = new Set<Watch>();
  /** Watches of these kinds show nothing, and no other can be opened. */
  readonly #deaf = new Set<string>();
  #isAway = false;

  constructor(objects: Objects, { clock, random }: ApiOptions) {
    this.#objects = objects;
    this.#clock = clock;
    this.#random = random;
    this.watchLagMs = () => random() * 60;
    objects.subscribe((change) => {
      for (const watch of this.#watches) watch.hear(change);
    });
  }

  /** The watches of a kind show nothing until `hear`, which makes them list anew: what came and went never shows. */
  deafen(kind: string): void {
    this.#deaf.add(kind);
    for (const watch of this.#watches) if (watch.kind === kind) watch.mute();
  }

  hear(kind: string): void {
    this.#deaf.delete(kind);
    for (const watch of this.#watches) if (watch.kind === kind) watch.expire();
  }

  /** All watches break and none can be opened until `back`, after which they go on from where they were, or list anew. */
  breakWatches(): void {
    this.#isAway = true;
    for (const watch of this.#watches) watch.cut();
  }

  mendWatches(): void {
    this.#isAway = false;
  }

  /** The way of one process to this server. */
  transport(process: ModelProcess): Transport {
    return {
      send: (request, signal) => this.#send(process, request, signal),
      stream: ({ path }, onBytes, signal) => this.#stream(process, path, onBytes, signal),
      socketCount: () => ({ calls: 0, watches: this.#watches.size }),
      close() {},
    };
  }

  #stream(
    process: ModelProcess,
    path: string,
    onBytes: (bytes: Buffer) => void,
    signal: AbortSignal,
  ): Promise<ApiAnswer | undefined> {
    const place = placeOf(path);
    if (place === undefined) return Promise.resolve(refusal(new Refused(404, 'NotFound')));
    const watch = new Watch(selectionOf(place), place.query, {
      objects: this.#objects,
      clock: this.#clock,
      process,
      onBytes,
      lagMs: () => (this.#isAway || this.#deaf.has(place.resource.kind) ? undefined : this.watchLagMs()),
    });
    this.#watches.add(watch);
    return watch.run(signal).finally(() => this.#watches.delete(watch));
  }

  /** What was sent arrives even if the caller leaves; who has left, or is dead, hears no answer. */
  #send(process: ModelProcess, request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(new OperatorError('Aborted', 'stopped'));
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#clock.after(this.#travelMs(), () => {
        const answered = this.#answer(process, request);
        this.#clock.after(this.#travelMs(), () =>
          process.deliver(() => {
            signal.removeEventListener('abort', onAbort);
            if (answered instanceof OperatorError) reject(answered);
            else resolve(answered);
          }),
        );
      });
    });
  }

  #travelMs(): number {
    return travel.leastMs + this.#random() * travel.moreMs;
  }

  /** The answer, or how the connection ended. */
  #answer(process: ModelProcess, request: ApiRequest): ApiAnswer | OperatorError {
    const resources = resourcesAt(request.path);
    if (resources !== undefined) return answer(200, resources);
    const place = placeOf(request.path);
    if (place === undefined) return refusal(new Refused(404, 'NotFound'));
    if (place.name === undefined && request.method === 'GET') return this.#list(place);
    const call = this.#noted(place, request, process);
    const fault = this.fault(call);
    if (fault === 'refuse') {
      call.outcome = 'ApiUnavailable';
      return answer(500, { kind: 'Status', message: 'the model refuses' });
    }
    const first = this.#acted(call, place, request, fault);
    if (fault === 'resend' && request.mayReplay) return this.#acted(call, place, request, undefined);
    if (fault !== 'lose' && fault !== 'resend') return first;
    call.outcome = 'ApiUnavailable';
    return new OperatorError('ApiUnavailable', 'connection closed');
  }

  #list(place: Place): ApiAnswer {
    const selection = selectionOf(place);
    const items = this.#objects.all(place.resource.kind).filter((object) => selects(selection, object));
    return answer(200, { metadata: { resourceVersion: String(this.#objects.version) }, items });
  }

  #noted(place: Place, { method, body }: ApiRequest, process: ModelProcess): Call {
    const sent = method === 'POST' && body !== undefined ? (JSON.parse(body) as ModelObject) : undefined; // our own client's
    const call: Call = {
      client: process.name,
      verb: place.subresource === 'status' ? 'status' : verbs[method],
      kind: place.resource.kind,
      key: keyOf(sent?.metadata ?? nameIn(place)),
      atMs: process.clock.monotonicMs(),
      outcome: 'under way',
      changed: false,
    };
    this.calls.push(call);
    return call;
  }

  #acted(call: Call, place: Place, request: ApiRequest, fault: Fault): ApiAnswer {
    const before = this.#objects.version;
    try {
      if (fault === 'conflict' && call.verb !== 'get') throw new Refused(409, 'Conflict');
      const object = this.#act(place, request, call.client);
      call.changed ||= this.#objects.version !== before;
      if (typeof fault === 'function') fault();
      call.outcome = 'done';
      return answer(request.method === 'POST' ? 201 : 200, object);
    } catch (thrown) {
      const refused = refusedBy(thrown);
      call.outcome =
        refused.status === 404 ? 'ReferenceNotFound' : refused.status === 409 ? 'Conflict' : refused.reason;
      return refusal(refused);
    }
  }

  #act(place: Place, { method, body }: ApiRequest, client: string): unknown {
    const { kind } = place.resource;
    const sent = body === undefined ? {} : JSON.parse(body);
    const manager = place.query.get('fieldManager') ?? 'unknown';
    if (method === 'POST') return this.#create({ ...sent, kind }, manager);
    const found = this.#objects.get(kind, nameIn(place));
    if (found === undefined) {
      const isOther = method === 'PUT' && sent.metadata.uid !== undefined;
      throw isOther ? new Refused(409, 'Conflict') : new Refused(404, 'NotFound', `${place.resource.plural} not found`);
    }
    if (method === 'GET') return found;
    if (method === 'DELETE') {
      requireSame(found, sent.preconditions ?? {});
      this.#objects.remove(kind, found.metadata, client);
      return { kind: 'Status', status: 'Success' };
    }
    requireSame(found, sent.metadata ?? {});
    requireUnfrozen(found, { ...found, ...sent });
    const { status, ...rest } = method === 'PUT' ? { ...sent, kind } : (applyMergePatch(found, sent) as ModelObject); // of an object
    if (place.subresource === 'status') return this.#objects.write({ ...found, status }, manager);
    return this.#objects.write({ ...rest, ...(found.status === undefined ? {} : { status: found.status }) }, manager);
  }

  #create(sent: ModelObject, manager: string): ModelObject {
    const { status: _, ...object } = sent;
    const { kind = '', metadata } = object;
    if (metadata.namespace !== undefined && kind !== 'Lease' && kind !== 'Event')
      this.#requireNamespace(metadata.namespace);
    if (this.#objects.get(kind, metadata) !== undefined) throw new Refused(409, 'AlreadyExists');
    return this.#objects.write(object, manager);
  }

  #requireNamespace(name: string): void {
    const namespace = this.#objects.get('Namespace', { name });
    if (namespace === undefined) throw new Refused(404, 'NotFound', `namespaces "${name}" not found`);
    if (namespace.metadata.deletionTimestamp !== undefined)
      throw new Refused(
        403,
        'Forbidden',
        `unable to create new content in namespace ${name} because it is being terminated`,
      );
  }
}

/** https://kubernetes.io/docs/concepts/configuration/secret/#secret-immutable */
function requireUnfrozen(found: ModelObject, sent: ModelObject): void {
  if (found.immutable !== true || (sent.immutable === true && isDeepStrictEqual(found.data, sent.data))) return;
  throw new Refused(422, 'Invalid', `${found.kind} "${found.metadata.name}" is immutable`);
}

const verbs: Readonly<Record<ApiRequest['method'], Verb>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function selectionOf({ resource, namespace, query }: Place): Selection {
  const labels = (query.get('labelSelector') ?? '').split(',').filter((one) => one !== '');
  return { resource, namespace, labels, field: query.get('fieldSelector') ?? '' };
}
