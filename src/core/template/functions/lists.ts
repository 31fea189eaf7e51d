// Sprig's lists: https://masterminds.github.io/sprig/lists.html. A list is never changed: each function makes a new one.
// The must… variants fail with the same text, as Go's panics become errors.
import { deepEqual, List, type Value } from '../values.ts';
import { isEmpty, listOf, toInt64 } from './convert.ts';
import { define, fault, type Parameter, type TemplateFunction } from './define.ts';

/** The function under its name and as must…; older names come along. */
function both(name: string, must: string, make: (name: string) => TemplateFunction): TemplateFunction[] {
  return [make(name), make(must)];
}

function onList(
  name: string,
  doc: string,
  refusal: (kind: string) => string,
  body: (list: List) => Value,
): TemplateFunction[] {
  const params = ['any'] as const satisfies readonly Parameter[];
  const must = `must${name[0]?.toUpperCase()}${name.slice(1)}`;
  return both(name, must, (known) => define(known, params, doc, ([value]) => body(listOf(value, refusal))));
}

const cannotFind = (what: string) => (kind: string) => `Cannot find ${what} on type ${kind}`;
const nilList = new List([], 'interface {}', true);

export const listFunctions: readonly TemplateFunction[] = [
  define('tuple', ['...any'], 'a list, an older name', ([items]) => new List(items)),
  define('list', ['...any'], 'a list of its arguments', ([items]) => new List(items)),
  ...['append', 'push', 'mustAppend', 'mustPush'].map((name) =>
    define(
      name,
      ['any', 'any'],
      'the list with a value more',
      ([list, value]) => new List([...listOf(list, (kind) => `Cannot push on type ${kind}`).items, value]),
    ),
  ),
  ...both('prepend', 'mustPrepend', (name) =>
    define(
      name,
      ['any', 'any'],
      'the list behind a value',
      ([list, value]) => new List([value, ...listOf(list, (kind) => `Cannot prepend on type ${kind}`).items]),
    ),
  ),
  ...onList('first', 'the first element', cannotFind('first'), ({ items }) => items[0] ?? null),
  ...onList('rest', 'all but the first element', cannotFind('rest'), ({ items }) =>
    items.length === 0 ? nilList : new List(items.slice(1)),
  ),
  ...onList('last', 'the last element', cannotFind('last'), ({ items }) => items.at(-1) ?? null),
  ...onList('initial', 'all but the last element', cannotFind('initial'), ({ items }) =>
    items.length === 0 ? nilList : new List(items.slice(0, -1)),
  ),
  ...onList('reverse', 'the elements backwards', cannotFind('reverse'), ({ items }) => new List([...items].reverse())),
  ...onList(
    'compact',
    'without empty elements',
    (kind) => `Cannot compact on type ${kind}`,
    ({ items }) => new List(items.filter((item) => !isEmpty(item))),
  ),
  ...both('uniq', 'mustUniq', (name) =>
    define(name, ['any'], 'without repeated elements', ([value], { budget }) => {
      const kept: Value[] = [];
      for (const item of listOf(value, cannotFind('uniq')).items) {
        budget.step(1 + Math.ceil(kept.length / 8));
        if (!kept.some((other) => deepEqual(item, other))) kept.push(item);
      }
      return new List(kept);
    }),
  ),
  ...both('without', 'mustWithout', (name) =>
    define(name, ['any', '...any'], 'without the given elements', ([value, omitted], { budget }) => {
      const { items } = listOf(value, cannotFind('without'));
      budget.step(Math.ceil((items.length * omitted.length) / 8));
      return new List(items.filter((item) => !omitted.some((other) => deepEqual(other, item))));
    }),
  ),
  ...both('has', 'mustHas', (name) =>
    define(name, ['any', 'any'], 'whether the list has the element', ([needle, value]) =>
      value === null ? false : listOf(value, cannotFind('has')).items.some((item) => deepEqual(needle, item)),
    ),
  ),
  ...both('slice', 'mustSlice', (name) =>
    define(name, ['any', '...any'], 'the elements from a start to an end', ([value, bounds]) =>
      sliceList(
        listOf(value, (kind) => `list should be type of slice or array but ${kind}`),
        bounds,
      ),
    ),
  ),
  define('concat', ['...any'], 'one list of all lists', ([lists], { budget }) => {
    const joined: Value[] = [];
    for (const value of lists) {
      for (const item of listOf(value, (kind) => `Cannot concat type ${kind} as list`).items) joined.push(item);
      budget.room(joined.length);
    }
    return joined.length === 0 ? nilList : new List(joined);
  }),
  ...both('chunk', 'mustChunk', (name) =>
    define(name, ['int', 'any'], 'lists of that many elements each', ([size, value], { budget }) => {
      const { items } = listOf(value, (kind) => `Cannot chunk type ${kind}`);
      if (size < 1n) return chunkBackwards(size, items);
      const width = size > BigInt(items.length) ? Math.max(items.length, 1) : Number(size);
      budget.room(items.length);
      const count = Math.ceil(items.length / width);
      return new List(
        Array.from({ length: count }, (_, index) => new List(items.slice(index * width, (index + 1) * width))),
        '[]interface {}',
      );
    }),
  ),
  define('all', ['...any'], 'whether no argument is empty', ([values]) => !values.some(isEmpty)),
  define('any', ['...any'], 'whether an argument is not empty', ([values]) => values.some((value) => !isEmpty(value))),
];

/** What Sprig's arithmetic makes of a size below 1: a list of one element, or none. */
function chunkBackwards(size: bigint, items: readonly Value[]): List {
  const count = size === 0n ? -1 : Math.floor((items.length - 1) / Number(size)) + 1;
  if (count < 0 || items.length === 0 || (count === 1 && size === -1n))
    throw fault('runtime error: makeslice: len out of range');
  return new List(count === 0 ? [] : [new List(items)], '[]interface {}');
}

function sliceList(list: List, [start, end]: readonly Value[]): Value {
  const { items, element } = list;
  if (items.length === 0) return null;
  const from = start === undefined ? 0n : toInt64(start);
  const to = end === undefined ? BigInt(items.length) : toInt64(end);
  if (from < 0n || to < from || to > BigInt(items.length)) {
    throw fault('reflect.Value.Slice: slice index out of bounds');
  }
  return new List(items.slice(Number(from), Number(to)), element);
}
