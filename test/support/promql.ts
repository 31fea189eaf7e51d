// As much of PromQL as tells which series an expression reads and which labels it names. Whether an expression is valid at all
// is for promtool to say (docs/guides/monitoring.md). https://prometheus.io/docs/prometheus/latest/querying/basics/
import type { Sample } from './exposition.ts';

export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** One place of an expression that reads series. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

export interface Reading {
  readonly selectors: readonly Selector[];
  /** Labels after `by`, `on` and the like. */
  readonly grouping: readonly string[];
  /** Labels that `label_replace` adds. */
  readonly added: readonly string[];
}

const tokenPattern = /"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\d[\w.]*|[a-zA-Z_:][\w:]*|=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},]/g;
const groupingWords = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const operatorWords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'atan2']);
const isName = (token = '') => /^[a-zA-Z_:]/.test(token);

/** Throws when a part of the text is nothing that it knows. */
export function readPromql(expr: string): Reading {
  const left = expr.replaceAll(tokenPattern, '').trim();
  if (left !== '') throw new Error(`not understood: ${left} in ${expr}`);
  const tokens: readonly string[] = expr.match(tokenPattern) ?? [];
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  const added: string[] = [];
  let depthOfReplace: number | undefined;
  for (let [at, depth] = [0, 0]; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (token === '(') depth++;
    if (token === ')') depth--;
    // The first text among the arguments of label_replace is the label that it sets.
    if (token.startsWith('"') && depthOfReplace === depth) {
      added.push(textOf(token));
      depthOfReplace = undefined;
    }
    if (!isName(token) || operatorWords.has(token)) continue;
    if (groupingWords.has(token)) {
      const end = tokens.indexOf(')', at);
      grouping.push(...tokens.slice(at + 2, end).filter(isName));
      at = end;
    } else if (isFunction(tokens[at + 1])) {
      if (token === 'label_replace') depthOfReplace = depth + 1;
    } else {
      const end = tokens[at + 1] === '{' ? tokens.indexOf('}', at) : at;
      selectors.push({ metric: token, matchers: matchersOf(tokens.slice(at + 2, end)) });
      at = end;
    }
  }
  return { selectors, grouping, added };
}

function isFunction(next: string | undefined): boolean {
  return next === '(' || next === 'by' || next === 'without';
}

function matchersOf(tokens: readonly string[]): Matcher[] {
  const matchers: Matcher[] = [];
  for (let at = 0; at < tokens.length; at += 4) {
    const [label = '', op = '', value = '', comma = ','] = tokens.slice(at, at + 4);
    if (!isOp(op) || comma !== ',') throw new Error(`no matcher: ${tokens.join(' ')}`);
    matchers.push({ label, op, value: textOf(value) });
  }
  return matchers;
}

function isOp(text: string): text is Matcher['op'] {
  return ['=', '!=', '=~', '!~'].includes(text);
}

function textOf(token: string): string {
  return JSON.parse(token);
}

/** Whether the selector reads the sample. A label that is absent is empty; regular expressions are anchored. */
export function selects({ metric, matchers }: Selector, { name, labels }: Sample): boolean {
  return metric === name && matchers.every((matcher) => holds(matcher, labels[matcher.label] ?? ''));
}

function holds({ op, value }: Matcher, actual: string): boolean {
  if (op === '=' || op === '!=') return (actual === value) === (op === '=');
  return new RegExp(`^(?:${value})$`).test(actual) === (op === '=~');
}
