// Places in an object as templates name them: `spec.rules[0].host`. Objects are plain JSON and never changed: what lays a
// value gives a new object.
import { OperatorError } from '../../base/operator-error.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonMap;
export interface JsonMap {
  readonly [name: string]: Json;
}

/** Names and list indexes, from the root. */
export type Path = readonly (string | number)[];

/** A list that a template makes grows to its highest index. */
const highestIndex = 10_000;

export function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a path. Throws InvalidSpec that says what is wrong with it. */
export function parsePath(text: string): Path {
  const refuse = (why: string) => new OperatorError('InvalidSpec', `${JSON.stringify(text.slice(0, 120))}: ${why}`);
  return text.split('.').flatMap((part) => {
    const [, name = '', indexes = ''] = /^([^[]*)(.*)$/s.exec(part) ?? [];
    if (name === '')
      throw refuse(indexes === '' ? 'a part of the path is empty' : 'an index needs the name of a list before it');
    const numbers = [...indexes.matchAll(/\[([^\]]*)\]/g)];
    if (numbers.map(([whole]) => whole).join('') !== indexes) throw refuse('an index is written as [n]');
    return [
      name,
      ...numbers.map(([, digits = '']) => {
        const index = /^\d{1,6}$/.test(digits) ? Number(digits) : Number.NaN;
        if (index <= highestIndex) return index;
        throw refuse(`an index is a whole number from 0 to ${highestIndex}`);
      }),
    ];
  });
}

/** A path as it is written. */
export function pathText(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('');
}

/** What stands at a place; undefined when the way there does not exist. */
export function valueAt(root: Json | undefined, path: Path): Json | undefined {
  let here = root;
  for (const part of path) {
    if (typeof part === 'number') here = Array.isArray(here) ? (here as readonly Json[])[part] : undefined;
    else here = isMap(here) && Object.hasOwn(here, part) ? here[part] : undefined;
  }
  return here;
}

/** The object with another value at a place; maps and lists on the way are made. Throws InvalidTemplate where something else is in the way. */
export function withValueAt(root: Json | undefined, path: Path, change: (before: Json | undefined) => Json): Json {
  return laid(root, path, 0, change);
}

function laid(here: Json | undefined, path: Path, at: number, change: (before: Json | undefined) => Json): Json {
  const part = path[at];
  if (part === undefined) return change(here);
  const present = here === null ? undefined : here;
  if (typeof part === 'string') {
    if (present !== undefined && !isMap(present)) throw inTheWay(path, at, 'map');
    const before = present !== undefined && Object.hasOwn(present, part) ? present[part] : undefined;
    return { ...present, [part]: laid(before, path, at + 1, change) };
  }
  if (present !== undefined && !Array.isArray(present)) throw inTheWay(path, at, 'list');
  const list: Json[] = [...((present as readonly Json[] | undefined) ?? [])];
  while (list.length <= part) list.push(null);
  list[part] = laid(list[part], path, at + 1, change);
  return list;
}

function inTheWay(path: Path, at: number, wanted: string): OperatorError {
  const place = JSON.stringify(pathText(path.slice(0, at)).slice(0, 120));
  return new OperatorError('InvalidTemplate', `the object has something else than a ${wanted} at ${place}`);
}
