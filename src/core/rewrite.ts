// The rewrite steps of a dataFrom entry: they change keys (regexp, transform) or take JSON values apart (merge). Steps run in
// order, each on what the one before left. Keys that meet are reported, with a winner that does not depend on chance.
import { compareBytewise } from './byte-order.ts';
import { encodeJson, type JsonValue, parseJsonObject, valueText } from './json-value.ts';
import { OperatorError } from './operator-error.ts';
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
  /** Keys that more than one key was rewritten to, sorted. The bytewise last of the former keys won. */
  readonly collisions: readonly string[];
}

/** Renders a transform's template for one key. */
export type TransformKey = (template: string, key: string) => string;

/** The values under their rewritten keys; see `rewriteReporting` for what it throws and for keys that meet. */
export function rewriteKeys(
  values: Values,
  steps: readonly RewriteStep[],
  transformKey?: TransformKey,
): Map<string, SecretValue> {
  return rewriteReporting(values, steps, transformKey).values;
}

/**
 * The values under their rewritten keys, and which keys met. Throws, naming the step: InvalidSpec for a pattern or step that
 * cannot work, InvalidValue and InvalidKey for values that cannot be merged, Unsupported for a transform without a renderer.
 */
export function rewriteReporting(
  values: Values,
  steps: readonly RewriteStep[],
  transformKey?: TransformKey,
): Rewritten {
  const collisions = new Set<string>();
  let rewritten = new Map(values);
  steps.forEach((step, index) => {
    try {
      const next = runStep(rewritten, step, transformKey);
      rewritten = next.values;
      for (const key of next.collisions) collisions.add(key);
    } catch (error) {
      throw error instanceof OperatorError ? error.within(`rewrite[${index}]`) : error;
    }
  });
  return { values: rewritten, collisions: [...collisions].sort(compareBytewise) };
}

function runStep(values: Values, { regexp, transform, merge }: RewriteStep, transformKey?: TransformKey): Rewritten {
  if (regexp !== undefined) {
    const source = compile(regexp.source);
    return rename(values, (key) => replaceAll(source, key, regexp.target));
  }
  if (transform !== undefined) {
    if (transformKey === undefined) throw new OperatorError('Unsupported', 'transform is not supported here');
    return rename(values, (key) => transformKey(transform.template, key));
  }
  if (merge !== undefined) return { values: mergeValues(values, merge), collisions: [] };
  throw new OperatorError('InvalidSpec', 'the step is empty: set regexp, transform or merge');
}

function rename(values: Values, nameOf: (key: string) => string): Rewritten {
  const renamed = new Map<string, SecretValue>();
  const collisions: string[] = [];
  for (const [key, value] of sortedEntries(values)) {
    const name = nameOf(key);
    if (renamed.has(name)) collisions.push(name);
    renamed.set(name, value);
  }
  return { values: renamed, collisions };
}

function sortedEntries(values: Values): readonly (readonly [string, SecretValue])[] {
  return [...values].sort(([left], [right]) => compareBytewise(left, right));
}

/** Every value is a JSON object; their members become values of their own, or one object under `into`. */
function mergeValues(values: Values, step: MergeStep): Map<string, SecretValue> {
  const members = new Map<string, JsonValue>();
  const conflicts = new Set<string>();
  for (const key of mergeOrder(values, step)) {
    for (const [name, member] of objectUnder(values, key)) {
      if (members.has(name)) conflicts.add(name);
      members.set(name, member);
    }
  }
  if (conflicts.size > 0 && step.conflictPolicy !== 'Ignore') {
    const names = [...conflicts].sort(compareBytewise).map((name) => JSON.stringify(name));
    const fix = 'set conflictPolicy to Ignore, and priority to choose the winner';
    throw new OperatorError('InvalidKey', `merge found more than one value for ${names.join(', ')}: ${fix}`);
  }
  if (step.strategy !== 'JSON') {
    return new Map(Array.from(members, ([name, member]) => [name, new SecretValue(valueText(member))]));
  }
  if (step.into === undefined || step.into === '') {
    throw new OperatorError('InvalidSpec', 'merge with strategy JSON needs the key to write to: set into');
  }
  return new Map(values).set(step.into, new SecretValue(encodeJson(members, { escapeHtml: false })));
}

/** Keys without priority in bytewise order, then those with priority as listed: the later ones win. */
function mergeOrder(values: Values, { priority = [], priorityPolicy }: MergeStep): readonly string[] {
  const missing = priority.filter((key) => !values.has(key));
  if (missing.length > 0 && priorityPolicy !== 'IgnoreNotFound') {
    const names = missing.map((key) => JSON.stringify(key)).join(', ');
    throw new OperatorError(
      'InvalidKey',
      `merge has no value for the priority key ${names}: set priorityPolicy to IgnoreNotFound`,
    );
  }
  const others = [...values.keys()].filter((key) => !priority.includes(key)).sort(compareBytewise);
  return [...others, ...priority.filter((key) => values.has(key))];
}

function objectUnder(values: Values, key: string): ReadonlyMap<string, JsonValue> {
  try {
    return parseJsonObject(values.get(key)?.text() ?? 'null');
  } catch (error) {
    throw error instanceof OperatorError ? error.within(`merge of key ${JSON.stringify(key)}`) : error;
  }
}
