// The modifiers of gjson paths: text of JSON in, text of JSON out. What they cannot work on they mostly hand back as it is.
import { isJson } from '../json-text.ts';
import type { Effort } from './effort.ts';
import type { ModifierName } from './modifier-names.ts';
import { defaultLayout, type Layout, prettyJson, uglyJson } from './pretty.ts';
import { type GjsonResult, isArray, isObject, isTrue, text } from './result.ts';
import { membersOf, parse, quoteJson, trim } from './scan.ts';

/** What a modifier may use besides its input: other look-ups (for `@dig`), and the effort they all share. */
export interface ModifierPorts {
  readonly lookUp: (json: string, path: string, effort: Effort) => GjsonResult | undefined;
  readonly effort: Effort;
}

type Modifier = (json: string, argument: string, ports: ModifierPorts) => string;

const modifiers: Readonly<Record<ModifierName, Modifier>> = {
  dig: (json, path, ports) => `[${dig(parse(json), path, ports).join(',')}]`,
  flatten: (json, argument, { effort }) => flatten(json, isOptionSet(argument, 'deep'), effort),
  fromstr: (json) => (isJson(json) ? parsedText(json) : ''),
  group: (json) => group(json),
  join: (json, argument) => join(json, isOptionSet(argument, 'preserve')),
  keys: (json) => keys(json),
  pretty: (json, argument, { effort }) => prettyJson(json, layoutOf(argument), effort),
  reverse: (json) => reverse(json),
  this: (json) => json,
  tostr: (json) => quoteJson(json),
  ugly: (json) => uglyJson(json),
  valid: (json) => (isJson(json) ? json : ''),
  values: (json) => values(json),
};

/** Modifiers that take several times as long as others for each character that they read. */
function unitsPerCharacter(name: ModifierName): number {
  return name === 'join' || name === 'group' || name === 'tostr' ? 4 : 2;
}

/** The modifier's output; its input's and output's length are charged to the effort. */
export function applyModifier(name: ModifierName, json: string, argument: string, ports: ModifierPorts): string {
  ports.effort.spend(json.length * unitsPerCharacter(name));
  const output = modifiers[name](json, argument, ports);
  ports.effort.produce(output.length);
  return output;
}

function parsedText(json: string): string {
  const value = parse(json);
  return value === undefined ? '' : text(value);
}

/** The path's result in the value, and in everything inside it, outermost first. */
function dig(value: GjsonResult | undefined, path: string, ports: ModifierPorts): readonly string[] {
  if (value === undefined) return [];
  const { lookUp, effort } = ports;
  effort.spend(value.raw.length);
  const found = effort.nested(() => lookUp(value.raw, path, effort));
  const here = found === undefined ? [] : [found.raw];
  effort.spend(here[0]?.length ?? 0);
  if (value.kind !== 'json') return here;
  const inside = Array.from(membersOf(value), (member) => effort.nested(() => dig(member.value, path, ports)));
  return [...here, ...inside.flat()];
}

/** Elements of child arrays in place of the arrays: one level, or all of them when deep. */
function flatten(json: string, deep: boolean, effort: Effort): string {
  effort.spend(json.length); // of each level: paid before it is read
  const array = parse(json);
  if (!isArray(array)) return json;
  const flat: string[] = [];
  for (const { value } of membersOf(array)) {
    let raw = value.raw;
    if (isArray(value)) raw = unwrap(deep ? effort.nested(() => flatten(value.raw, true, effort)) : value.raw);
    const trimmed = raw.trim();
    if (trimmed !== '') flat.push(trimmed);
  }
  return `[${flat.join(',')}]`;
}

/** Without the brackets around it, whatever the last of them is. */
function unwrap(json: string): string {
  const trimmed = trim(json);
  return trimmed.length >= 2 && /^[[{]/.test(trimmed) ? trimmed.slice(1, -1) : trimmed;
}

/** An object of arrays as an array of objects. */
function group(json: string): string {
  const object = parse(json);
  if (!isObject(object)) return '';
  const rows: string[][] = [];
  for (const { key, value } of membersOf(object)) {
    if (!isArray(value)) continue;
    let index = 0;
    for (const element of membersOf(value)) {
      const row = rows[index] ?? [];
      rows[index++] = row;
      row.push(`${key?.raw ?? ''}:${element.value.raw}`);
    }
  }
  return `[${rows.map((row) => `{${row.join(',')}}`).join(',')}]`;
}

/** The objects of an array as one object: the later value of a key wins at the place of the first, or all are kept. */
function join(json: string, preserve: boolean): string {
  const array = parse(json);
  if (!isArray(array)) return json;
  const objects = Array.from(membersOf(array), ({ value }) => value).filter(isObject);
  if (preserve) return `{${objects.map(({ raw }) => unwrap(raw)).join(',')}}`;
  const members = new Map<string, { readonly key: string; readonly value: string }>();
  for (const object of objects) {
    for (const { key, value } of membersOf(object)) {
      const name = key?.string ?? '';
      members.set(name, { key: members.get(name)?.key ?? key?.raw ?? '', value: value.raw });
    }
  }
  return `{${Array.from(members.values(), ({ key, value }) => `${key}:${value}`).join(',')}}`;
}

function keys(json: string): string {
  return `[${Array.from(membersOf(parse(json)), ({ key }) => key?.raw ?? 'null').join(',')}]`;
}

function values(json: string): string {
  const parent = parse(json);
  if (isArray(parent)) return json;
  return `[${Array.from(membersOf(parent), ({ value }) => value.raw).join(',')}]`;
}

function reverse(json: string): string {
  const parent = parse(json);
  if (parent?.kind !== 'json') return json;
  const members = Array.from(membersOf(parent), ({ key, value }) =>
    key === undefined ? value.raw : `${key.raw}:${value.raw}`,
  ).reverse();
  return isObject(parent) ? `{${members.join(',')}}` : `[${members.join(',')}]`;
}

/** Whether the argument `{"option":true}` sets the option; its last mention counts. */
function isOptionSet(argument: string, option: string): boolean {
  let isSet = false;
  for (const { key, value } of membersOf(parse(argument))) if (key?.string === option) isSet = isTrue(value);
  return isSet;
}

function layoutOf(argument: string): Layout {
  let layout = defaultLayout;
  for (const { key, value } of membersOf(parse(argument))) {
    if (key?.string === 'sortKeys') layout = { ...layout, sortKeys: isTrue(value) };
    if (key?.string === 'indent') layout = { ...layout, indent: onlyBlanks(text(value)) };
    if (key?.string === 'prefix') layout = { ...layout, prefix: onlyBlanks(text(value)) };
    if (key?.string === 'width') layout = { ...layout, width: integerOf(value) };
  }
  return layout;
}

function onlyBlanks(value: string): string {
  return value.replaceAll(/[^ \t\n\r]/g, '');
}

/** A result as gjson's `Int()`; anything beyond the safe integers is as good as no limit to a line width. */
function integerOf(value: GjsonResult): number {
  if (value.kind === 'true') return 1;
  if (value.kind === 'string') return /^-?\d+$/.test(value.string) ? Number(value.string) : 0;
  return value.kind === 'number' ? Math.trunc(value.number) : 0;
}
