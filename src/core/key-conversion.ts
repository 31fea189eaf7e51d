// conversionStrategy and the rules for keys that came from a provider. Go's unicode.IsLetter and IsNumber are the Unicode
// categories L and N, which JavaScript knows as \p{L} and \p{N}.

import { OperatorError } from '../base/operator-error.ts';
import { compareBytewise } from './byte-order.ts';

/** Longest key of a Secret or ConfigMap, in bytes. */
export const longestKeyBytes = 253;
const forbidden = /[^\p{L}\p{N}._-]/gu;
/** How many offenders a message names before it counts the rest. */
const namedOffenders = 5;

/**
 * One key under a strategy: `Default` (and absent) writes `_` for each code point that a key cannot hold, `Unicode`
 * writes `_U002f_`, an unknown strategy changes nothing.
 */
export function convertKey(key: string, strategy: string | undefined): string {
  switch (strategy) {
    case undefined:
    case '':
    case 'Default':
      return key.replaceAll(forbidden, '_');
    case 'Unicode':
      return key.replaceAll(forbidden, (symbol) => `_U${(symbol.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}_`);
    default:
      return key;
  }
}

/** All keys converted, in their order. Throws InvalidKey naming the keys that would become one. */
export function convertKeys<Value>(
  values: ReadonlyMap<string, Value>,
  strategy: string | undefined,
): Map<string, Value> {
  const converted = new Map<string, Value>();
  const origins = new Map<string, string[]>();
  for (const [key, value] of values) {
    const name = convertKey(key, strategy);
    converted.set(name, value);
    const sources = origins.get(name);
    if (sources === undefined) origins.set(name, [key]);
    else sources.push(key);
  }
  const collisions = [...origins].filter(([, sources]) => sources.length > 1);
  if (collisions.length > 0) {
    const named = collisions.map(([name, sources]) => `${quoteAll(sources)} both become ${JSON.stringify(name)}`);
    throw new OperatorError('InvalidKey', `key collision during conversion: ${inOrder(named)}`);
  }
  return converted;
}

/** The values whose keys may stand in a Secret; a source's empty key is dropped. Throws InvalidKey naming all that may not. */
export function validateKeys<Value>(values: ReadonlyMap<string, Value>): Map<string, Value> {
  const valid = new Map<string, Value>();
  const problems: string[] = [];
  for (const [key, value] of values) {
    if (key === '') continue;
    const problem = keyProblem(key);
    if (problem === undefined) valid.set(key, value);
    else problems.push(problem);
  }
  if (problems.length > 0) throw new OperatorError('InvalidKey', `invalid secret keys: ${inOrder(problems)}`);
  return valid;
}

function keyProblem(key: string): string | undefined {
  const bytes = Buffer.byteLength(key);
  if (bytes > longestKeyBytes) {
    return `${JSON.stringify(`${key.slice(0, 40)}…`)} has ${bytes} bytes, at most ${longestKeyBytes} are allowed`;
  }
  const offenders = [...new Set(key.match(forbidden))];
  return offenders.length === 0
    ? undefined
    : `${JSON.stringify(key)} has ${offenders.map((o) => JSON.stringify(o)).join(', ')}`;
}

function quoteAll(keys: readonly string[]): string {
  return [...keys]
    .sort(compareBytewise)
    .map((key) => JSON.stringify(key))
    .join(' and ');
}

/** A stable, bounded list: maps have no order that a user could rely on. */
function inOrder(items: readonly string[]): string {
  const sorted = [...items].sort(compareBytewise);
  const rest = sorted.length - namedOffenders;
  return sorted.slice(0, namedOffenders).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}
