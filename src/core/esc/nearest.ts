// Which known name was probably meant: names are compared in lower case and without underscores.

import { pay } from './effort.ts';

export interface Nearest {
  /** All names, the nearest first, equally near ones in their order. */
  readonly sorted: readonly string[];
  /** The nearest, when its distance is below half of the wanted name's length, rounded up. */
  readonly suggestion: string | undefined;
}

/** Comparing one character with another. */
const unitsPerPair = 5;

/** Longer names are not compared: the work is the product of both lengths. */
const longestName = 256;

export function nearest(wanted: string, names: readonly string[]): Nearest {
  const folded = fold(wanted);
  if (wanted.length > longestName) return { sorted: names, suggestion: undefined };
  const compared = names.reduce((sum, { length }) => sum + (length > longestName ? 0 : length), 0);
  pay(names.length + compared * wanted.length * unitsPerPair);
  const measured = names
    .map((name) => ({ name, distance: name.length > longestName ? longestName : distance(folded, fold(name)) }))
    .sort((left, right) => left.distance - right.distance);
  const [best] = measured;
  const isNear = best !== undefined && best.distance < Math.ceil(Array.from(folded).length / 2);
  return { sorted: measured.map(({ name }) => name), suggestion: isNear ? best.name : undefined };
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}

/** Levenshtein's distance. */
function distance(from: string, to: string): number {
  const target = Array.from(to);
  let row = Array.from({ length: target.length + 1 }, (_, at) => at);
  for (const symbol of from) {
    const next = [(row[0] ?? 0) + 1];
    for (const [at, other] of target.entries()) {
      const replaced = (row[at] ?? 0) + (symbol === other ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
