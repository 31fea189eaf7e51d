// The rewrite steps of a dataFrom entry: they change keys (regexp, transform) or take JSON values apart (merge). Steps run in
// order, each on what the one before left. Keys that meet are reported, with a winner that does not depend on chance.

import { OperatorError } from '../base/operator-error.ts';
import { Budget, entryBytes } from './budget.ts';
import { compareBytewise } from './byte-order.ts';
import { encodeJson, type JsonValue, parseJsonObject, valueText } from './json-value.ts';
import { longestKeyBytes } from './key-conversion.ts';
import { compile, replaceAll } from './regexp.ts';
import { SecretValue } from './secret-value.ts';

export interface MergeStep {
  readonly strategy?: 'Extract' | 'JSON';
  /** Key that the merged object is stored under; strategy JSON needs it. */
  readonly into?: string;
  /** Keys that are merged last, in this order, so that they win. */
  readonly priority?: readonly string[];
  readonly priorityPolicy?: 'Strict' | 'IgnoreNotFound';
  readonly conflictPolicy?: 'Error' | 'Ignore';
}

/** One step: the first of the members that is set counts. */
export interface RewriteStep {
  readonly regexp?: { readonly source: string; readonly target: string };
  readonly transform?: { readonly template: string };
  readonly merge?: MergeStep;
}

export type Values = ReadonlyMap<string, SecretValue>;

export interface Rewritten {
  readonly values: Map<string, SecretValue>;
  /** Where several keys became one, in order of that key. */
  readonly collisions: readonly Collision[];
}

/** Keys that one step gave the same name: the value of `winner` stays, the bytewise last; those of `losers` are gone. */
export interface Collision {
  /** Such as `rewrite[0]`. */
  readonly step: string;
  readonly key: string;
  readonly winner: string;
  readonly losers: readonly string[];
}

/** Renders a transform's template for one key. */
export type TransformKey = (template: string, key: string) => string;

export interface RewriteOptions {
  readonly transformKey?: TransformKey;
  readonly budget?: Budget;
}

/** The values under their rewritten keys; see `rewriteReporting` for what it throws and for keys that meet. */
export function rewriteKeys(
  values: Values,
  steps: readonly RewriteStep[],
  options: RewriteOptions = {},
): Map<string, SecretValue> {
  return rewriteReporting(values, steps, options).values;
}

/**
 * The values under their rewritten keys, and which keys met. Throws, naming the step: InvalidSpec for a pattern or step that
 * cannot work, InvalidValue and InvalidKey for values that cannot be merged and for keys that are empty or beyond all length,
 * Unsupported for a transform without a renderer, TooMuchWork.
 */
export function rewriteReporting(
  values: Values,
  steps: readonly RewriteStep[],
  { transformKey, budget = new Budget() }: RewriteOptions = {},
): Rewritten {
  const collisions: Collision[] = [];
  /** Where a key first became empty: a later step may still give it a name. */
  let emptied: OperatorError | undefined;
  let rewritten = new Map(values);
  steps.forEach((step, index) => {
    const place = `rewrite[${index}]`;
    const longestKey = index === steps.length - 1 ? longestKeyBytes : longestKeyBetweenSteps;
    try {
      const before = sizeOf(rewritten);
      const onEmpty = (key: string, why: string) => {
        emptied ??= new OperatorError('InvalidKey', `${place}: the key ${shown(key)} becomes empty: ${why}`);
      };
      const next = runStep(rewritten, step, { place, transformKey, budget, longestKey, onEmpty });
      // What goes through a step is alive on both sides of it, and no longer.
      const after = sizeOf(next.values);
      budget.hold(before + after);
      budget.letGo(before + after);
      rewritten = next.values;
      collisions.push(...next.collisions);
    } catch (error) {
      throw error instanceof OperatorError ? error.within(place) : error;
    }
  });
  if (emptied !== undefined && rewritten.has('')) throw emptied;
  return { values: rewritten, collisions };
}

/** Longest key, in bytes, that a later step may still shorten. */
const longestKeyBetweenSteps = 4_096;

function sizeOf(values: Values): number {
  let bytes = 0;
  for (const [key, value] of values) bytes += entryBytes + key.length + value.length;
  return bytes;
}

interface StepContext {
  readonly place: string;
  readonly transformKey: TransformKey | undefined;
  readonly budget: Budget;
  readonly longestKey: number;
  readonly onEmpty: (key: string, why: string) => void;
}

function runStep(values: Values, { regexp, transform, merge }: RewriteStep, context: StepContext): Rewritten {
  const { budget, transformKey } = context;
  if (regexp !== undefined) {
    const source = compile(regexp.source, budget);
    const named = (key: string) =>
      replaceAll(source, key, regexp.target, { budget, onProgress: (length) => refuseTooLong(key, length, context) });
    const why = `source matches all of it, and target gives nothing${braceHint(regexp.target)}`;
    return rename(values, named, why, context);
  }
  if (transform !== undefined) {
    if (transformKey === undefined) throw new OperatorError('Unsupported', 'transform is not supported here');
    return rename(values, (key) => transformKey(transform.template, key), 'the template gives nothing', context);
  }
  if (merge !== undefined) return { values: mergeValues(values, merge, budget), collisions: [] };
  throw new OperatorError('InvalidSpec', 'the step is empty: set regexp, transform or merge');
}

/** `$1_MONITOR` is the group named "1_MONITOR": braces end the name where it was meant to end. */
function braceHint(target: string): string {
  const found = /\$(\d+)([\p{L}_][\p{L}\p{Nd}_]*)/u.exec(target);
  return found === null
    ? ''
    : `; $${found[1]}${found[2]} is the group of that whole name: write \${${found[1]}}${found[2]}`;
}

function refuseTooLong(key: string, length: number, { longestKey }: StepContext): void {
  if (length <= longestKey) return;
  throw new OperatorError('InvalidKey', `the key ${shown(key)} becomes longer than ${longestKey} bytes`);
}

/** A key as messages name it: the beginning of a long one. */
function shown(key: string): string {
  return JSON.stringify(key.length > longestShown ? `${key.slice(0, longestShown)}…` : key);
}

const longestShown = 60;
const mostShown = 5;

/** The first few of a list that a tenant can make long. */
function namedSome(keys: readonly string[]): string {
  const rest = keys.length - mostShown;
  return keys.slice(0, mostShown).map(shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function rename(values: Values, nameOf: (key: string) => string, whyEmpty: string, context: StepContext): Rewritten {
  const renamed = new Map<string, SecretValue>();
  const former = new Map<string, string[]>();
  context.budget.spend(values.size * unitsPerEntry);
  for (const [key, value] of sortedEntries(values)) {
    const name = nameOf(key);
    if (name === '' && key !== '') context.onEmpty(key, whyEmpty);
    refuseTooLong(key, Buffer.byteLength(name), context);
    renamed.set(name, value);
    const keys = former.get(name);
    if (keys === undefined) former.set(name, [key]);
    else keys.push(key);
  }
  const collisions = [...former].filter(isCollision).map(([name, keys]) => collisionOf(context.place, name, keys));
  return { values: renamed, collisions };
}

/** Renaming an entry, apart from what its expression reads. */
const unitsPerEntry = 50;

function isCollision([, keys]: readonly [string, readonly string[]]): boolean {
  return keys.length > 1;
}

/** `keys` are in bytewise order. */
function collisionOf(step: string, key: string, keys: readonly string[]): Collision {
  return { step, key, winner: keys.at(-1) ?? key, losers: keys.slice(0, -1) };
}

function sortedEntries(values: Values): readonly (readonly [string, SecretValue])[] {
  return [...values].sort(([left], [right]) => compareBytewise(left, right));
}

/** Every value is a JSON object; their members become values of their own, or one object under `into`. */
function mergeValues(values: Values, step: MergeStep, budget: Budget): Map<string, SecretValue> {
  const members = new Map<string, JsonValue>();
  const conflicts = new Set<string>();
  for (const key of mergeOrder(values, step)) {
    for (const [name, member] of objectUnder(values, key, budget)) {
      if (members.has(name)) conflicts.add(name);
      members.set(name, member);
    }
  }
  if (conflicts.size > 0 && step.conflictPolicy !== 'Ignore') {
    const names = namedSome([...conflicts].sort(compareBytewise));
    const fix = 'set conflictPolicy to Ignore, and priority to choose the winner';
    throw new OperatorError('InvalidKey', `merge found more than one value for ${names}: ${fix}`);
  }
  if (step.strategy !== 'JSON') {
    return new Map(Array.from(members, ([name, member]) => [name, new SecretValue(valueText(member))]));
  }
  if (step.into === undefined || step.into === '') {
    throw new OperatorError('InvalidSpec', 'merge with strategy JSON needs the key to write to: set into');
  }
  return new Map(values).set(step.into, new SecretValue(encodeJson(members, { escapeHtml: false })));
}

const unitsPerMergedByte = 8;

/** Keys without priority in bytewise order, then those with priority as listed: the later ones win. */
function mergeOrder(values: Values, { priority = [], priorityPolicy }: MergeStep): readonly string[] {
  const missing = priority.filter((key) => !values.has(key));
  if (missing.length > 0 && priorityPolicy !== 'IgnoreNotFound') {
    const names = namedSome(missing);
    throw new OperatorError(
      'InvalidKey',
      `merge has no value for the priority key ${names}: set priorityPolicy to IgnoreNotFound`,
    );
  }
  const first = new Set(priority); // a list of thousands is nothing to search once for each key
  const others = [...values.keys()].filter((key) => !first.has(key)).sort(compareBytewise);
  return [...others, ...priority.filter((key) => values.has(key))];
}

function objectUnder(values: Values, key: string, budget: Budget): ReadonlyMap<string, JsonValue> {
  try {
    const bytes = values.get(key)?.length ?? 0;
    // Scanned, decoded and written again; what is decoded takes a multiple of its text.
    budget.spend(bytes * unitsPerMergedByte);
    budget.produce(bytes);
    return parseJsonObject(values.get(key)?.text() ?? 'null');
  } catch (error) {
    throw error instanceof OperatorError ? error.within(`merge of key ${shown(key)}`) : error;
  }
}
