// Tells who waits for it that a scope was read anew. Providers publish; whoever failed for want of something in a scope
// listens, and looks at what is kept already instead of asking the upstream once more.
import type { Outcome } from './outcome.ts';
import type { Newer } from './snapshots.ts';

/** `scope` is the key that a read noted by `Freshness.noteScope`; `startedAtMs` (monotonic) when its fetch began. */
export type ScopeListener = (scope: string, startedAtMs: number) => void;

export class ScopeNews {
  readonly #listeners = new Set<ScopeListener>();

  subscribe(listener: ScopeListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  publish(scope: string, startedAtMs: number): void {
    for (const listener of this.#listeners) listener(scope, startedAtMs);
  }
}

/** Publishes answers; a scope that was refused answers nobody. */
export function publishAnswers<T>(news: ScopeNews | undefined): (newer: Newer<Outcome<T>>) => void {
  return ({ key, value, startedAtMs }) => {
    if ('value' in value) news?.publish(key, startedAtMs);
  };
}
