// ExternalSecrets that fail for what was found at the source, such as no such key, and what ends that besides their own
// retries: a newer look at one of their scopes by anybody, and the probes of those who read with one identity.

import type { Clock } from '../../base/clock.ts';
import type { OperatorError } from '../../base/operator-error.ts';
import { reasons } from '../../base/reasons.ts';
import { KeyIndex } from '../key-index.ts';
import { isOfContent, isProbed } from '../kit/next.ts';
import { ContentProbes } from './content-probes.ts';
import type { EsMemory } from './context.ts';

export class ContentFailures {
  readonly #clock: Clock;
  readonly #wake: (key: string) => void;
  readonly #probes: ContentProbes;
  /** Which failed ones looked at a scope; none while it runs. */
  readonly #byScope = new KeyIndex();
  readonly #awaited = new Map<string, ReadonlySet<string>>();

  /** `wake` asks for a run that reads anew. */
  constructor(clock: Clock, wake: (key: string) => void) {
    this.#clock = clock;
    this.#wake = wake;
    this.#probes = new ContentProbes(clock);
  }

  /** Those that failed for what they found in the scope, and do not run now. */
  awaiting(scope: string): Iterable<string> {
    return this.#byScope.at(scope);
  }

  /** A run of `key` begins: it sees by itself what its scopes hold. */
  noteRun(key: string): void {
    for (const scope of this.#awaited.get(key) ?? []) this.#byScope.remove(scope, key);
    this.#awaited.delete(key);
  }

  /** A run failed, for whatever it was. */
  noteFailure(key: string, memory: EsMemory, error: OperatorError): void {
    const { reason } = error;
    if (reasons[reason].next === 'quiet') return; // tells nothing
    if (!isOfContent(error)) {
      memory.contentFailsSinceMs = undefined;
      this.#probes.forget(key);
      return;
    }
    memory.contentFailsSinceMs ??= this.#clock.monotonicMs();
    const { contentFailsSinceMs: sinceMs, probedOrigin: origin, scopes = new Set() } = memory;
    this.#awaited.set(key, scopes);
    for (const scope of scopes) this.#byScope.add(scope, key);
    if (origin === undefined || !isProbed(error)) return;
    const group = [...scopes].join();
    this.#probes.noteFailure(key, { origin, group, reason, sinceMs, wake: () => this.#wake(key) });
  }

  /** A run ended well: with a sync, or with nothing that was due. */
  noteEnd(key: string, memory: EsMemory, { isSynced }: { readonly isSynced: boolean }): void {
    memory.scopes = undefined;
    memory.contentFailsSinceMs = undefined;
    if (isSynced) this.#probes.noteSuccess(key);
    else this.#probes.forget(key);
  }

  /** The object is gone. */
  forget(key: string): void {
    this.noteRun(key);
    this.#probes.forget(key);
  }

  stop(): void {
    this.#probes.stop();
  }
}
