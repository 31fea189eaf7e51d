// Whether an element passes a query `#(path operator value)`.
import { compareBytewise } from '../byte-order.ts';
import type { Effort } from './effort.ts';
import type { Query } from './path.ts';
import { type GjsonResult, goBool, parseFloatText } from './result.ts';
import { plain } from './scan.ts';
import { matchesWildcard } from './wildcard.ts';

/** `found` is what the query's path selects in the element, undefined when that is nothing. */
export function passesQuery(query: Query, found: GjsonResult | undefined, effort: Effort): boolean {
  const truth = query.value.startsWith('~') ? likeness(query.value.slice(1), found) : undefined;
  if (truth === 'unknown') return false;
  const value = truth === undefined ? found : plain(truth ? 'true' : 'false', '');
  const wanted = truth === undefined ? query.value : 'true';
  if (value === undefined) return false;
  if (query.operator === '') return true;
  switch (value.kind) {
    case 'string':
      return compareStrings(query.operator, value.string, wanted, effort);
    case 'number':
      return compareNumbers(query.operator, value.number, parseFloatText(wanted));
    case 'true':
      return compareTrue(query.operator, wanted);
    case 'false':
      return compareFalse(query.operator, wanted);
    default:
      return false;
  }
}

/** `~true`, `~false`, `~null` and `~*` ask what a value is like; an absent one is like false and null. */
function likeness(asked: string, found: GjsonResult | undefined): boolean | 'unknown' {
  switch (asked) {
    case '*':
      return found !== undefined;
    case 'null':
      return found === undefined || found.kind === 'null';
    case 'true':
      return found !== undefined && asBool(found) === true;
    case 'false':
      return found === undefined || found.kind === 'null' || asBool(found) === false;
    default:
      return 'unknown';
  }
}

function asBool(value: GjsonResult): boolean | undefined {
  if (value.kind === 'string') return goBool(value.string);
  if (value.kind === 'number') return value.number !== 0;
  if (value.kind === 'true') return true;
  return value.kind === 'false' ? false : undefined;
}

function compareStrings(operator: string, value: string, wanted: string, effort: Effort): boolean {
  if (operator === '%') return matchesWildcard(value, wanted, effort);
  if (operator === '!%') return !matchesWildcard(value, wanted, effort);
  return holds(operator, compareBytewise(value, wanted));
}

function compareNumbers(operator: string, value: number, wanted: number): boolean {
  if (Number.isNaN(value) || Number.isNaN(wanted)) return operator === '!=';
  return holds(operator, value === wanted ? 0 : value < wanted ? -1 : 1);
}

function holds(operator: string, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return false;
  }
}

function compareTrue(operator: string, wanted: string): boolean {
  if (operator === '=') return wanted === 'true';
  if (operator === '!=') return wanted !== 'true';
  return operator === '>=' || (operator === '>' && wanted === 'false');
}

function compareFalse(operator: string, wanted: string): boolean {
  if (operator === '=') return wanted === 'false';
  if (operator === '!=') return wanted !== 'false';
  return operator === '<=' || (operator === '<' && wanted === 'true');
}
