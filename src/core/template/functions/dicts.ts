// Sprig's dictionaries: https://masterminds.github.io/sprig/dicts.html. `set`, `unset` and the merges change the first
// dictionary in place and return it, as in Go; what is put into it is shared, unless deepCopy copied it.
import type { Budget } from '../limits.ts';
import type { Bytes } from '../text.ts';
import { Dict, List, typeName, type Value } from '../values.ts';
import { isEmpty, strval } from './convert.ts';
import { define, fault, type TemplateFunction } from './define.ts';
import { stringList } from './strings.ts';

export const dictFunctions: readonly TemplateFunction[] = [
  define('dict', ['...any'], 'a dictionary of keys and values in turn', ([args]) => {
    const entries = new Map<Bytes, Value>();
    for (let index = 0; index < args.length; index += 2) {
      entries.set(strval(args[index] ?? null), index + 1 < args.length ? (args[index + 1] ?? null) : '');
    }
    return new Dict(entries);
  }),
  define('get', ['dict', 'string'], 'the value of a key, or an empty text', ([{ entries }, key]) => {
    const value = entries.get(key);
    return value === undefined ? '' : value;
  }),
  define('set', ['dict', 'string', 'any'], 'puts a value under a key', ([dict, key, value]) => {
    if (dict.isNil) throw fault('assignment to entry in nil map');
    dict.entries.set(key, value);
    return dict;
  }),
  define('unset', ['dict', 'string'], 'takes a key away', ([dict, key]) => {
    dict.entries.delete(key);
    return dict;
  }),
  define('hasKey', ['dict', 'string'], 'whether there is that key', ([{ entries }, key]) => entries.has(key)),
  define(
    'pluck',
    ['string', '...dict'],
    'the values of a key in several dictionaries',
    ([key, dicts]) =>
      new List(
        dicts.flatMap(({ entries }) => {
          const value = entries.get(key);
          return value === undefined ? [] : [value];
        }),
      ),
  ),
  define('keys', ['...dict'], 'the keys, in order (Go: in any order)', ([dicts]) =>
    stringList(dicts.flatMap((dict) => dict.sortedKeys())),
  ),
  define(
    'values',
    ['dict'],
    'the values, in the order of the keys (Go: in any order)',
    ([dict]) => new List(dict.sortedKeys().map((key) => dict.entries.get(key) ?? null)),
  ),
  define('pick', ['dict', '...string'], 'only the given keys', ([{ entries }, keys]) => {
    const wanted = new Set(keys);
    return new Dict(new Map([...entries].filter(([key]) => wanted.has(key))));
  }),
  define('omit', ['dict', '...string'], 'all but the given keys', ([{ entries }, keys]) => {
    const unwanted = new Set(keys);
    return new Dict(new Map([...entries].filter(([key]) => !unwanted.has(key))));
  }),
  ...['merge', 'mustMerge'].map((name) =>
    define(name, ['dict', '...dict'], 'adds what is missing or empty, deeply', ([target, sources], { budget }) => {
      const into = target.isNil && sources.length > 0 ? new Dict() : target;
      for (const source of sources) mergeInto(into, source, { overwrites: false, budget, depth: 0 });
      return into;
    }),
  ),
  ...['mergeOverwrite', 'mustMergeOverwrite'].map((name) =>
    define(name, ['dict', '...dict'], 'later dictionaries win, deeply', ([target, sources], { budget }) => {
      const into = target.isNil && sources.length > 0 ? new Dict() : target;
      for (const source of sources) mergeInto(into, source, { overwrites: true, budget, depth: 0 });
      return into;
    }),
  ),
  define('dig', ['...any'], 'the value at a path of keys, or the default before the dictionary', ([args]) => dig(args)),
  ...['deepCopy', 'mustDeepCopy'].map((name) =>
    define(name, ['any'], 'a copy that shares nothing', ([value], { budget }) => {
      if (value === null) throw fault('reflect: call of reflect.Value.Type on zero Value');
      return copied(value, budget, 0);
    }),
  ),
];

interface MergeRules {
  readonly overwrites: boolean;
  readonly budget: Budget;
  readonly depth: number;
}

/** mergo.Merge over maps: https://pkg.go.dev/dario.cat/mergo. A key's old value stands unless it is empty or overwritten. */
function mergeInto(target: Dict, source: Dict, rules: MergeRules): void {
  const { overwrites, budget, depth } = rules;
  if (depth > deepest) throw fault('maximum recursion depth exceeded');
  for (const [key, value] of source.entries) {
    budget.step();
    const old = target.entries.get(key);
    if (value === null) {
      if (overwrites) target.entries.set(key, null);
      continue;
    }
    if (value instanceof Dict && old instanceof Dict) mergeInto(old, value, { ...rules, depth: depth + 1 });
    const isFilled = old !== undefined && !isEmpty(old);
    if (value instanceof Dict && old instanceof Dict && isFilled) continue;
    if (overwrites || !isFilled) target.entries.set(key, value);
  }
}

const deepest = 1_000;

function dig(args: readonly Value[]): Value {
  if (args.length < 3) throw fault('dig needs at least three arguments');
  let from = asDict(args.at(-1) ?? null);
  const keys = args.slice(0, -2).map((key) => {
    if (typeof key !== 'string') throw fault(conversion(key, 'string'));
    return key;
  });
  for (const [index, key] of keys.entries()) {
    const step = from.entries.get(key);
    if (step === undefined) return args.at(-2) ?? null;
    if (index === keys.length - 1) return step;
    from = asDict(step);
  }
  return from;
}

function asDict(value: Value): Dict {
  if (value instanceof Dict && value.element === 'interface {}') return value;
  throw fault(conversion(value, 'map[string]interface {}'));
}

function conversion(value: Value, wanted: string): string {
  const type = value === null ? 'nil' : typeName(value);
  return `interface conversion: interface {} is ${type}, not ${wanted}`;
}

function copied(value: Value, budget: Budget, depth: number): Value {
  if (depth > deepest) throw fault('maximum recursion depth exceeded');
  budget.step();
  if (value instanceof List) {
    return new List(
      value.items.map((item) => copied(item, budget, depth + 1)),
      value.element,
      value.isNil,
    );
  }
  if (!(value instanceof Dict)) return value;
  const entries = [...value.entries].map(([key, item]) => [key, copied(item, budget, depth + 1)] as const);
  return new Dict(new Map(entries), value.element, value.isNil);
}
