// Diagnostics as lines for people: where, how bad, what.
import { plainLine } from '../../base/plain-line.ts';
import { hasErrors } from '../../core/esc/session.ts';
import type { Opened, PlacedDiagnostic } from './opened.ts';

const longest = 2_000;

/** `dev.yaml:3:7: error: values.a: unknown property "x"; did you mean "y"?` */
function lineOf({ place, severity, path, summary }: PlacedDiagnostic): string {
  return plainLine(`${place}: ${severity}: ${path === '' ? '' : `${path}: `}${summary}`, longest);
}

/** Sorted as they stand in the documents. */
export function linesOf({ diagnostics }: Opened): string {
  const sorted = diagnostics.toSorted(
    (left, right) => (left.range?.begin.offset ?? 0) - (right.range?.begin.offset ?? 0),
  );
  return sorted.map((each) => `${lineOf(each)}\n`).join('');
}

export function isBroken({ diagnostics }: Opened): boolean {
  return hasErrors(diagnostics);
}
