// Layers: what lies on top wins, objects are united key by key, everything else replaces. Nothing can delete a key. No value
// is changed by a merge.
import { pay, unitsPerValue } from './effort.ts';
import { propertySchema } from './schema.ts';
import { EscValue, unknownValue } from './value.ts';

/** `top` over `base`; the flags of the whole are those of `top`. */
export function merge(top: EscValue, base: EscValue | undefined): EscValue {
  if (base === undefined || top === base || top.data.kind !== 'object') return top;
  const foundation = foundationOf(base);
  if (foundation === undefined) return top;
  const own = new Map<string, EscValue>();
  pay(top.data.own.size * unitsPerValue);
  for (const [key, member] of top.data.own) own.set(key, merge(member, memberBelow(foundation, key)));
  const { base: middle } = top.data;
  const below =
    middle === undefined || middle.data.kind === 'unknown' ? (middle ?? foundation) : merge(middle, foundation);
  return new EscValue({ kind: 'object', own, base: below }, top);
}

/** What an object can stand on: an object, or an unknown that may be one. */
export function foundationOf(base: EscValue | undefined): EscValue | undefined {
  if (base?.data.kind === 'object') return base;
  if (base?.data.kind !== 'unknown') return undefined;
  const { schema } = base.data;
  return schema === true || (typeof schema === 'object' && schema.type === 'object') ? base : undefined;
}

/**
 * The base of a member. Below an unknown of any type there is none, as in the reference evaluator, unless the unknown is one
 * that a later round will know.
 */
export function memberBelow(base: EscValue, key: string): EscValue | undefined {
  for (let at: EscValue | undefined = base; at !== undefined; ) {
    pay(unitsPerValue);
    if (at.data.kind === 'unknown') return unknownMember(at, key);
    if (at.data.kind !== 'object') return undefined;
    const member = at.data.own.get(key);
    if (member !== undefined) return member;
    at = at.data.base;
  }
  return undefined;
}

function unknownMember(unknown: EscValue, key: string): EscValue | undefined {
  if (unknown.data.kind !== 'unknown') return undefined;
  const { schema, awaits } = unknown.data;
  if (awaits === 'document' || awaits === 'opening') return unknown;
  const property = schema === true ? undefined : propertySchema(schema, key);
  if (property === undefined || property === false) return undefined;
  return unknownValue({ schema: property, secret: unknown.secret });
}
