// The committed tables: where they lie, and how long results are kept short. Recording writes what the tests read.
import { createHash } from 'node:crypto';

/** Longest text that a table holds in full. */
const longestText = 96;

/** A text as a table holds it: itself, or length and digest when it is long. */
export function tableText(text: string): string {
  if (text.length <= longestText) return text;
  return `${text.length}#${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** A value as a table holds it: long texts short, at any depth. */
export function tableValue(value: unknown): unknown {
  if (typeof value === 'string') return tableText(value);
  if (Array.isArray(value)) return value.map(tableValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, tableValue(member)]));
}

/** A table's file, one JSON value a line. */
export function tableUrl(name: string): URL {
  return new URL(
    name === 'gjson' ? '../../src/core/gjson/testdata/gjson.jsonl' : `../../src/core/testdata/${name}.jsonl`,
    import.meta.url,
  );
}

/** The lines of a table. */
export function parseTable(content: string): unknown[] {
  return content
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
