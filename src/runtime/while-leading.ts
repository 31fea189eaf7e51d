// What is done only while this process leads: begun when leadership is gained, ended when it is lost or the process stops,
// and never two pieces at a time, however quickly leadership comes and goes.
//
//   idle ──gained──► working ──leadership or process ends──► ending ──ended──► idle
//                                                              └─ gained meanwhile: begins after that, if it still leads

/** What runs for one term of leadership. */
export interface Work {
  /** Settles once nothing of it goes on. */
  stop(): Promise<void>;
}

export interface WhileLeadingOptions {
  /** Begins the work of a term; `leadership` fires when the term ends. */
  readonly start: (leadership: AbortSignal) => Promise<Work>;
  /** Work could not begin or end. The process leads and does nothing, or does what nobody can stop: it should not go on. */
  readonly onFault: (thrown: unknown) => void;
}

/** Keeps the terms of leadership apart. */
export class WhileLeading {
  readonly #options: WhileLeadingOptions;
  readonly #stopping = new AbortController();
  /** Settles when all terms until now have ended; never rejects. */
  #terms: Promise<void> = Promise.resolve();

  constructor(options: WhileLeadingOptions) {
    this.#options = options;
  }

  /** Leadership was gained, for as long as the signal has not fired. */
  gained(leadership: AbortSignal): void {
    const former = this.#terms;
    this.#terms = former.then(() => this.#serve(leadership));
  }

  /** Ends the work, while the process still leads, and begins no more. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#terms;
  }

  async #serve(leadership: AbortSignal): Promise<void> {
    const over = AbortSignal.any([leadership, this.#stopping.signal]);
    if (over.aborted) return;
    try {
      const work = await this.#options.start(leadership);
      await fired(over);
      await work.stop();
    } catch (thrown) {
      this.#options.onFault(thrown);
    }
  }
}

/** Resolves once the signal has fired. */
export function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
