// Watches the run's ExternalSecrets and notes when each became Ready for its present generation.
import type { Api } from './api.ts';
import { externalSecrets } from './layout.ts';

export interface ReadyWatch {
  /** `performance.now()` at the first and at the latest object that became Ready since `restart`. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  /** Resolves once so many objects were seen, Ready or not: what is measured next is not to pay for reading them. */
  untilSeen(count: number, timeoutMs: number): Promise<void>;
  /** Resolves once so many objects are Ready for their generation. Rejects when the watch breaks or time is up. */
  untilReady(count: number, timeoutMs: number): Promise<void>;
  /** Resolves with `performance.now()` at the moment at which `namespace/name` was seen Ready. */
  whenReady(key: string, timeoutMs: number): Promise<number>;
  /** Counts only objects of this generation or later, from zero. */
  restart(fromGeneration: number): void;
  stop(): void;
}

interface Seen {
  readonly type: string;
  readonly object: {
    readonly metadata: {
      readonly name: string;
      readonly namespace: string;
      readonly generation?: number;
      readonly resourceVersion: string;
    };
    readonly status?: {
      readonly conditions?: readonly {
        readonly type: string;
        readonly status: string;
        readonly observedGeneration?: number;
      }[];
    };
  };
}

export function watchReady(api: Api, run: string): ReadyWatch {
  const seen = new Set<string>();
  const ready = new Map<string, number>();
  const waits = new Set<() => void>();
  let [firstMs, lastMs]: (number | undefined)[] = [];
  let leastGeneration = 1;
  let broken: string | undefined;
  let resourceVersion = '';
  let end = () => {};

  const take = (line: string) => {
    const { type, object } = JSON.parse(line) as Seen; // the API server's own format
    if (type === 'ERROR') return breakOff('the watch of the bench was refused');
    resourceVersion = object.metadata.resourceVersion;
    if (type !== 'ADDED' && type !== 'MODIFIED') return;
    const { namespace, name, generation = 0 } = object.metadata;
    const condition = object.status?.conditions?.find((one) => one.type === 'Ready');
    const key = `${namespace}/${name}`;
    if (!seen.has(key)) {
      seen.add(key);
      for (const wake of waits) wake();
    }
    if (condition?.status !== 'True' || generation < leastGeneration || condition.observedGeneration !== generation)
      return;
    if (ready.has(key)) return;
    lastMs = performance.now();
    firstMs ??= lastMs;
    ready.set(key, lastMs);
    for (const wake of waits) wake();
  };
  const breakOff = (why: string) => {
    broken = why;
    for (const wake of waits) wake();
  };
  const begin = () => {
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=3600&labelSelector=bench-run%3D${run}`;
    const start = resourceVersion === '' ? '' : `&resourceVersion=${resourceVersion}`;
    // The API server ends watches of a kind some time after its CRD was applied: what is left goes on from where it was.
    end = api.lines(`${externalSecrets}/externalsecrets?${query}${start}`, take, (why, wasServed) =>
      wasServed && broken === undefined && resourceVersion !== '' ? begin() : breakOff(why),
    );
  };
  begin();

  function until<T>(answer: () => T | undefined, timeoutMs: number, what: () => string): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        waits.delete(look);
        clearTimeout(timer);
      };
      const look = () => {
        const found = answer();
        if (found === undefined && broken === undefined) return;
        finish();
        if (found === undefined) reject(new Error(broken));
        else resolve(found);
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`${what()} after ${timeoutMs / 1_000} s`));
      }, timeoutMs);
      waits.add(look);
      look();
    });
  }

  return {
    get firstMs() {
      return firstMs;
    },
    get lastMs() {
      return lastMs;
    },
    async untilSeen(count, timeoutMs) {
      const answer = () => (seen.size >= count ? true : undefined);
      await until(answer, timeoutMs, () => `${seen.size} of ${count} were seen`);
    },
    async untilReady(count, timeoutMs) {
      const answer = () => (ready.size >= count ? true : undefined);
      await until(answer, timeoutMs, () => `${ready.size} of ${count} were Ready`);
    },
    whenReady: (key, timeoutMs) =>
      until(
        () => ready.get(key),
        timeoutMs,
        () => `${key} was not Ready`,
      ),
    restart(fromGeneration) {
      ready.clear();
      firstMs = undefined;
      lastMs = undefined;
      leastGeneration = fromGeneration;
    },
    stop: () => end(),
  };
}
