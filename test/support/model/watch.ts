// One watch of one process: begins with a list or from a version, then tells of each change, late but in order. It ends as
// real ones do: by its time, by a cut of the connection, by a version that is too old, or with whoever opened it.

import type { Clock, Timer } from '../../../src/base/clock.ts';
import { OperatorError } from '../../../src/base/operator-error.ts';
import type { ApiAnswer } from '../../../src/kube/transport.ts';
import type { Resource } from '../../../src/kube/types.ts';
import { initialEventsEnd } from '../../../src/kube/watch-stream.ts';
import type { ModelObject } from './kinds.ts';
import type { Change, Objects } from './objects.ts';
import type { ModelProcess } from './process.ts';

export interface Selection {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  /** `name=value` each. */
  readonly labels: readonly string[];
  /** `metadata.name=…`, or ''. */
  readonly field: string;
}

/** Whether a list or watch of this selection shows the object. */
export function selects({ resource, namespace, labels, field }: Selection, object: ModelObject | undefined): boolean {
  if (object === undefined || object.kind !== resource.kind) return false;
  const { metadata } = object;
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  if (field !== '' && field !== `metadata.name=${metadata.name}`) return false;
  return labels.every((label) => {
    const [name = '', value] = label.split('=');
    return metadata.labels?.[name] === value;
  });
}

interface Ports {
  readonly objects: Objects;
  readonly clock: Clock;
  readonly process: ModelProcess;
  readonly onBytes: (bytes: Buffer) => void;
  /** Delay of the next event; undefined while nobody can be reached. */
  readonly lagMs: () => number | undefined;
}

/** How often a server says that it is there. */
const bookmarkEveryMs = 120_000;

export class Watch {
  readonly #selection: Selection;
  readonly #query: URLSearchParams;
  readonly #ports: Ports;
  readonly #outcome = Promise.withResolvers<undefined>();
  readonly #timers: Timer[] = [];
  /** The instant before which nothing may arrive, so that events keep their order. */
  #lastMs = 0;
  #isOpen = false;

  constructor(selection: Selection, query: URLSearchParams, ports: Ports) {
    this.#selection = selection;
    this.#query = query;
    this.#ports = ports;
  }

  get kind(): string {
    return this.#selection.resource.kind;
  }

  /** Resolves when the server ends it cleanly; rejects when the connection ends, or the signal fires. */
  async run(signal: AbortSignal): Promise<ApiAnswer | undefined> {
    const onAbort = () => this.#outcome.reject(new OperatorError('Aborted', 'stopped'));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    this.#open();
    try {
      return await this.#outcome.promise;
    } finally {
      this.#isOpen = false;
      signal.removeEventListener('abort', onAbort);
      for (const timer of this.#timers) timer.cancel();
    }
  }

  hear({ kind, before, after, version }: Change): void {
    if (!this.#isOpen || kind !== this.kind) return;
    const [was, is] = [selects(this.#selection, before), selects(this.#selection, after)];
    if (is && after !== undefined) this.#tell([{ type: was ? 'MODIFIED' : 'ADDED', object: after }]);
    else if (was && before !== undefined) this.#tell([{ type: 'DELETED', object: versioned(before, version) }]);
  }

  /** From here on the watch shows nothing more, and its connection stays. */
  mute(): void {
    this.#isOpen = false;
  }

  /** The connection breaks; what is on its way is lost. */
  cut(): void {
    this.#isOpen = false;
    this.#end(() => this.#outcome.reject(new OperatorError('ApiUnavailable', 'connection reset')));
  }

  /** The server has forgotten the version that the watch stands at. */
  expire(): void {
    this.#isOpen = false;
    this.#end(() => this.#send(gone));
  }

  #open(): void {
    const { objects, clock } = this.#ports;
    const from = this.#query.get('resourceVersion') ?? '';
    const lagMs = this.#ports.lagMs();
    if (lagMs === undefined) {
      this.cut();
      return;
    }
    this.#isOpen = true;
    if (from === '' || from === '0') this.#list();
    else for (const change of objects.changes) if (change.version > Number(from)) this.hear(change);
    const untilMs = Number(this.#query.get('timeoutSeconds') ?? 600) * 1_000;
    this.#timers.push(clock.after(untilMs, () => this.#end(() => this.#outcome.resolve(undefined))));
    this.#bookmark();
  }

  #list(): void {
    const { objects } = this.#ports;
    const found = objects.all(this.kind).filter((object) => selects(this.#selection, object));
    const annotations = { [initialEventsEnd]: 'true' };
    const end = { metadata: { name: '', resourceVersion: String(objects.version), annotations } };
    this.#tell([...found.map((object) => ({ type: 'ADDED', object })), { type: 'BOOKMARK', object: end }]);
  }

  #bookmark(): void {
    const { clock, objects } = this.#ports;
    const timer = clock.after(bookmarkEveryMs, () => {
      if (!this.#isOpen) return;
      this.#tell([{ type: 'BOOKMARK', object: { metadata: { name: '', resourceVersion: String(objects.version) } } }]);
      this.#bookmark();
    });
    this.#timers.push(timer);
  }

  #tell(events: readonly { readonly type: string; readonly object: ModelObject }[]): void {
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    this.#later(() => {
      if (this.#isOpen) this.#send(text);
    });
  }

  #end(how: () => void): void {
    this.#later(how);
  }

  #later(run: () => void): void {
    const { clock, process } = this.#ports;
    const nowMs = clock.monotonicMs();
    const atMs = Math.max(this.#lastMs, nowMs + (this.#ports.lagMs() ?? 0));
    this.#lastMs = atMs;
    clock.after(atMs - nowMs, () => process.deliver(run));
  }

  #send(text: string): void {
    try {
      this.#ports.onBytes(Buffer.from(text));
    } catch (thrown) {
      this.#outcome.reject(thrown);
    }
  }
}

const gone = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } })}\n`;

function versioned(object: ModelObject, version: number): ModelObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
}
