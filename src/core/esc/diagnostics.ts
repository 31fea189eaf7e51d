// What is wrong with a document, where, and what was probably meant. Paths are written as `values.a["b-c"][0]`. A summary
// never quotes a value that is secret.
import { pay, payForText, unitsPerExpression } from './effort.ts';

/** A place in a document: offsets in UTF-16 units, the end exclusive. */
export type Span = readonly [start: number, end: number];

/** Lines and columns count from 1, columns in characters; `offset` counts UTF-16 units from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly summary: string;
  /** Name of the environment whose document is meant. */
  readonly environment: string;
  /** Path within the document, '' when there is none. */
  readonly path: string;
  /** Absent for documents that have no text. */
  readonly range?: { readonly begin: Position; readonly end: Position };
  /** A key that exists and is spelled nearly alike. */
  readonly suggestion?: string;
}

/** A path from its end: each element knows what it lies in. */
export interface Path {
  readonly parent: Path | undefined;
  readonly element: string | number;
}

export function below(parent: Path | undefined, element: string | number): Path {
  return { parent, element };
}

/** The path from its root on, as in diagnostics. */
export function writePath(path: Path | undefined): string {
  const elements: (string | number)[] = [];
  for (let at = path; at !== undefined; at = at.parent) elements.push(at.element);
  const written = elements.reverse().reduce<string>(joinPath, '');
  pay(unitsPerExpression);
  payForText(written.length);
  return written;
}

/** `path` extended by an element. */
export function joinPath(path: string, element: string | number): string {
  if (typeof element === 'number') return `${path}[${element}]`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(element)) return `${path}["${element.replaceAll('"', '\\"')}"]`;
  return path === '' ? element : `${path}.${element}`;
}

/** Turns offsets of one text into lines and columns. */
export function positionsOf(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    for (let high = starts.length; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    const column = Array.from(text.slice(starts[low], offset)).length + 1;
    return { line: low + 1, column, offset };
  };
}
