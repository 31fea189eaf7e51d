// A file that others replace while we run (projected tokens, CA bundles): read again at most once a minute.
import { readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';

export interface RereadFile {
  /** The text without surrounding white space. Throws `InvalidCredential` naming the file when it was never readable. */
  text(): string;
  /** The text is known to be bad: the next call reads the file again. */
  invalidate(): void;
}

/** The kubelet replaces a token at 80 % of its life, so a minute is far within what is left. */
const rereadAfterMs = 60_000;

export function rereadFile(path: string, clock: Clock): RereadFile {
  let known: { text: string; readMs: number } | undefined;
  return {
    text() {
      const nowMs = clock.monotonicMs();
      if (known !== undefined && nowMs - known.readMs < rereadAfterMs) return known.text;
      try {
        known = { text: readFileSync(path, 'utf8').trim(), readMs: nowMs };
      } catch (thrown) {
        // While the file is being replaced the old text still serves.
        if (known === undefined) throw unreadable(path, thrown);
        known = { text: known.text, readMs: nowMs };
      }
      return known.text;
    },
    invalidate() {
      if (known !== undefined) known = { text: known.text, readMs: Number.NEGATIVE_INFINITY };
    },
  };
}

/** The error for a file that cannot be read: its path and the system's code (ENOENT, EACCES). */
export function unreadable(path: string, thrown: unknown): OperatorError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
  return new OperatorError('InvalidCredential', `file "${path}" cannot be read: ${code}`);
}
