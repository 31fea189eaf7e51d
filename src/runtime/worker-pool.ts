// Threads for work that would hold up the event loop: started when the first job comes, ended when none came for a while.
// A thread that uses up its memory or its time ends with its job, and the next job gets a new one. Tenants are served in
// turn. Knows messages, never what they mean.
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../base/clock.ts';
import { onAbort } from '../base/on-abort.ts';

export interface WorkerPoolOptions {
  /** The file that a thread runs; it answers each message with one. */
  readonly entry: URL;
  /** Told to the thread as `workerData`. */
  readonly role: string;
  readonly threads: number;
  /** How long a job may run, its thread's start included. */
  readonly deadlineMs: number;
  /** How long a thread without a job is kept. */
  readonly idleMs: number;
  /** Heap of a thread. */
  readonly heapMegabytes: number;
  readonly clock: Clock;
}

/** The thread ended before it answered. */
export class WorkerLost extends Error {
  readonly how: 'memory' | 'deadline' | 'crash';

  constructor(how: WorkerLost['how']) {
    super(`the thread was lost: ${how}`);
    this.name = 'WorkerLost';
    this.how = how;
  }
}

interface Job {
  readonly order: () => unknown;
  readonly settle: (end: { readonly answer: unknown } | { readonly error: unknown }) => void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
  timer: Timer | undefined;
}

/** A thread's stack and its space of new objects, which V8 would let grow to 192 MB; its share of the heap is an option. */
const stackMegabytes = 4;
const newSpaceMegabytes = 12;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  /** Jobs that wait, by tenant; the first tenant is served next. */
  readonly #waiting = new Map<string, Job[]>();
  readonly #threads = new Set<Thread>();
  #isClosed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** How many threads there are, idle ones included. */
  get threadCount(): number {
    return this.#threads.size;
  }

  /**
   * The thread's answer to `order()`, which is asked for when a thread is free. Rejects with WorkerLost, or with the
   * signal's reason; a job that runs already then goes on to its end, and nobody hears of it.
   */
  run(tenant: string, order: () => unknown, signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#isClosed) return reject(new WorkerLost('crash'));
      const job: Job = {
        order,
        settle(end) {
          forget();
          if ('answer' in end) resolve(end.answer);
          else reject(end.error);
        },
      };
      const forget = onAbort(signal, () => {
        this.#drop(tenant, job);
        reject(signal.reason);
      });
      const jobs = this.#waiting.get(tenant);
      if (jobs === undefined) this.#waiting.set(tenant, [job]);
      else jobs.push(job);
      this.#serve();
    });
  }

  /** Ends all threads; what waits or runs is rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const { settle } of waiting) settle({ error: new WorkerLost('crash') });
    await Promise.all([...this.#threads].map((thread) => this.#end(thread, new WorkerLost('crash'))));
  }

  #drop(tenant: string, job: Job): void {
    const left = this.#waiting.get(tenant)?.filter((each) => each !== job) ?? [];
    if (left.length === 0) this.#waiting.delete(tenant);
    else this.#waiting.set(tenant, left);
  }

  #serve(): void {
    for (const thread of this.#threads) if (thread.job === undefined) this.#give(thread);
    while (this.#waiting.size > 0 && this.#threads.size < this.#options.threads) this.#give(this.#start());
  }

  /** Takes the first tenant's oldest job, and puts the tenant last. */
  #next(): Job | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [tenant, jobs] = first;
    this.#waiting.delete(tenant);
    const [job, ...rest] = jobs;
    if (rest.length > 0) this.#waiting.set(tenant, rest);
    return job;
  }

  #give(thread: Thread): void {
    const { clock, deadlineMs, idleMs } = this.#options;
    thread.timer?.cancel();
    thread.job = this.#next();
    if (thread.job === undefined) {
      thread.worker.unref();
      thread.timer = clock.after(idleMs, () => void this.#end(thread, new WorkerLost('crash')));
      return;
    }
    thread.worker.ref();
    thread.timer = clock.after(deadlineMs, () => void this.#end(thread, new WorkerLost('deadline')));
    try {
      thread.worker.postMessage(thread.job.order());
    } catch (thrown) {
      this.#answered(thread, { error: thrown }); // what cannot be cloned
    }
  }

  #start(): Thread {
    const { entry, role, heapMegabytes } = this.#options;
    const worker = new Worker(entry, {
      workerData: role,
      argv: [],
      env: {},
      resourceLimits: {
        maxOldGenerationSizeMb: heapMegabytes,
        maxYoungGenerationSizeMb: newSpaceMegabytes,
        stackSizeMb: stackMegabytes,
      },
    });
    const thread: Thread = { worker, job: undefined, timer: undefined };
    this.#threads.add(thread);
    worker.on('message', (answer: unknown) => this.#answered(thread, { answer }));
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const how = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash';
      void this.#end(thread, new WorkerLost(how));
    });
    worker.on('exit', () => void this.#end(thread, new WorkerLost('crash')));
    return thread;
  }

  #answered(thread: Thread, end: Parameters<Job['settle']>[0]): void {
    const { job } = thread;
    if (job === undefined) return;
    thread.job = undefined;
    job.settle(end);
    this.#give(thread);
  }

  async #end(thread: Thread, error: WorkerLost): Promise<void> {
    if (!this.#threads.delete(thread)) return;
    thread.timer?.cancel();
    const { job } = thread;
    thread.job = undefined;
    job?.settle({ error });
    await thread.worker.terminate();
    this.#serve();
  }
}
