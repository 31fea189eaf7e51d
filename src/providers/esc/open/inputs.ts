// Reads inputs that their schema has let pass: members by name, texts, and maps of entries.

import { OperatorError } from '../../../base/operator-error.ts';
import type { Schema } from '../../../core/esc/schema.ts';
import { type EscValue, objectValue } from '../../../core/esc/value.ts';
import { decodeBundle } from '../../shared/ca.ts';

const absent = objectValue([]);

/** The member, or an empty object. */
export function member(value: EscValue, name: string): EscValue {
  return value.members.get(name) ?? absent;
}

/** The text of a member; undefined when it is absent or no text. */
export function textOf(value: EscValue, name: string): string | undefined {
  const data = value.members.get(name)?.data;
  return data?.kind === 'string' ? data.text : undefined;
}

/** Which of the members is set: one, as `exactlyOne` of the schema has it. */
export function chosenOf<Name extends string>(value: EscValue, names: readonly Name[]): Name {
  const chosen = names.find((name) => value.members.has(name));
  if (chosen === undefined) throw new OperatorError('Internal', 'the inputs were not checked by their schema');
  return chosen;
}

/** An object with any names whose members look like `entry`. */
export function mapOf(entry: Schema): Schema {
  return { type: 'object', additionalProperties: entry };
}

/** Whether the member is `true`. */
export function isSet(value: EscValue, name: string): boolean {
  const data = value.members.get(name)?.data;
  return data?.kind === 'boolean' && data.value;
}

/** The texts of a list; empty when it is absent. */
export function textsOf(value: EscValue, name: string): string[] {
  const data = value.members.get(name)?.data;
  if (data?.kind !== 'array') return [];
  return data.elements.flatMap((each) => (each.data.kind === 'string' ? [each.data.text] : []));
}

/**
 * The certificates in `caBundle`: PEM as it is, or in base64 as stores have it; undefined when it is absent. `block` is for
 * messages. Throws InvalidCredential.
 */
export function caPemOf(value: EscValue, block: string): string | undefined {
  const bundle = textOf(value, 'caBundle');
  return bundle === undefined ? undefined : decodeBundle(block, bundle);
}
