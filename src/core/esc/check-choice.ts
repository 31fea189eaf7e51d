// Members of an object of which one is chosen: how many of them a value sets, and what is told when that is wrong.
import type { SchemaObject } from './schema.ts';
import type { EscValue } from './value.ts';

/**
 * What is wrong with how many of the members in `exactlyOne` and `atLeastOne` the object sets; undefined when nothing is, or
 * when a layer below that is not known yet may set what is missing.
 */
export function choiceProblem({ exactlyOne, atLeastOne }: SchemaObject, value: EscValue): string | undefined {
  if (exactlyOne !== undefined) {
    const set = exactlyOne.filter((name) => value.members.has(name));
    const wanted = `set exactly one of ${exactlyOne.join(', ')}`;
    if (set.length > 1) return `${wanted}, and not ${set.join(' and ')} together`;
    if (set.length === 0 && isWhole(value)) return wanted;
  }
  if (atLeastOne === undefined || !isWhole(value)) return undefined;
  const isSet = atLeastOne.some((name) => value.members.has(name) && !isFalse(value.members.get(name)));
  return isSet ? undefined : `set at least one of ${atLeastOne.join(', ')}; false sets nothing`;
}

/** Whether all members are known by name. */
function isWhole({ data }: EscValue): boolean {
  if (data.kind !== 'object') return false;
  return data.base === undefined || isWhole(data.base);
}

function isFalse(value: EscValue | undefined): boolean {
  return value?.data.kind === 'boolean' && !value.data.value;
}
