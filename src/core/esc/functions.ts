// The built-in functions whose arguments are values: one entry each. Calls of providers are in openings.ts.

import { checkValue } from './check-schema.ts';
import { decodeStandardBase64 } from './ciphertext.ts';
import { pay, payForText, payForValue, unitsPerValue } from './effort.ts';
import type { PlainFunction, Telling } from './expression.ts';
import { arraySchema, arraysSchema, type Schema, stringSchema, stringsSchema } from './schema.ts';
import { schemaOfValue } from './schema-of-value.ts';
import { boundedText, JsonProblem, jsonText, parseFirstJson, stringForm } from './text-forms.ts';
import { arrayValue, bytesValue, EscValue, textValue, unknownValue, type ValueData } from './value.ts';

/** An argument that was evaluated; `tell` reports at it, or at a part of it where the document holds that part. */
export interface Argument {
  readonly value: EscValue;
  readonly tell: (telling: Telling, at?: readonly (string | number)[]) => void;
}

type Body = (first: Argument, second: Argument) => EscValue;

export const functions: Readonly<Record<PlainFunction, Body>> = {
  'fn::concat': (lists) => {
    const { value } = lists;
    if (!isTyped(lists, arraysSchema)) return unknownValue({ schema: arraySchema, from: [value] });
    const { inside, data } = value;
    if (inside.unknown || data.kind !== 'array') return unknownFrom(arraySchema, value);
    // Before the list is made: it may be too long to be held.
    payForValue(data.elements.reduce((sum, { data: each }) => sum + lengthOf(each), 0));
    const elements = data.elements.flatMap((each) => (each.data.kind === 'array' ? each.data.elements : []));
    return arrayValue(elements, { secret: inside.secret });
  },

  'fn::final': ({ value }) => whole(value, { final: true }),

  'fn::fromBase64': (text) => {
    if (!isTyped(text, stringSchema)) return unknownValue({ schema: stringSchema, from: [text.value] });
    const { data, inside } = text.value;
    if (data.kind !== 'string') return unknownFrom(stringSchema, text.value);
    const decoded = decodeStandardBase64(data.text);
    if (!('problem' in decoded)) return bytesValue(decoded, { secret: inside.secret });
    text.tell({ summary: `decoding base64 string: ${decoded.problem}` });
    return unknownFrom(stringSchema, text.value);
  },

  'fn::fromJSON': (text) => {
    if (!isTyped(text, stringSchema)) return unknownValue({ from: [text.value] });
    const { data, inside } = text.value;
    if (data.kind !== 'string') return unknownFrom(true, text.value);
    try {
      return parseFirstJson(data.text, { secret: inside.secret });
    } catch (thrown) {
      if (!(thrown instanceof JsonProblem)) throw thrown;
      text.tell({ summary: `decoding JSON string: ${thrown.message}` });
      return unknownFrom(true, text.value);
    }
  },

  'fn::join': (delimiter, list) => {
    const areTyped = [isTyped(delimiter, stringSchema), isTyped(list, stringsSchema)];
    const values = [delimiter.value, list.value];
    if (areTyped.includes(false)) return unknownValue({ schema: stringSchema, from: values });
    const between = delimiter.value.data;
    const { data } = list.value;
    if (values.some((each) => each.inside.unknown) || between.kind !== 'string' || data.kind !== 'array') {
      return unknownFrom(stringSchema, ...values);
    }
    const texts = data.elements.map((each) => (each.data.kind === 'string' ? each.data.text : ''));
    return textValue(boundedText(texts, between.text), { secret: values.some((each) => each.inside.secret) });
  },

  'fn::split': (delimiter, text) => {
    const areTyped = [isTyped(delimiter, stringSchema), isTyped(text, stringSchema)];
    const values = [delimiter.value, text.value];
    if (areTyped.includes(false)) return unknownValue({ schema: stringsSchema, from: values });
    const between = delimiter.value.data;
    const { data } = text.value;
    if (between.kind !== 'string' || data.kind !== 'string') return unknownFrom(stringsSchema, ...values);
    // The pieces are as secret as the whole: a reference to one of them must not lose the flag.
    const secret = values.some((each) => each.inside.secret);
    payForText(data.text.length);
    const pieces = between.text === '' ? Array.from(data.text) : data.text.split(between.text);
    payForValue(pieces.length);
    return arrayValue(
      pieces.map((piece) => textValue(piece, { secret })),
      { secret },
    );
  },

  'fn::toBase64': (text) => {
    if (!isTyped(text, stringSchema)) return unknownValue({ schema: stringSchema, from: [text.value] });
    const { data, inside } = text.value;
    if (data.kind !== 'string') return unknownFrom(stringSchema, text.value);
    payForText(data.text.length);
    const bytes = data.bytes ?? Buffer.from(data.text, 'utf8');
    return textValue(bytes.toString('base64'), { secret: inside.secret });
  },

  'fn::toJSON': ({ value }) => {
    if (value.inside.unknown) return unknownFrom(stringSchema, value);
    return textValue(jsonText(value), { secret: value.inside.secret });
  },

  'fn::toString': ({ value }) => {
    const { text, secret, unknown } = stringForm(value);
    if (unknown) return unknownValue({ schema: stringSchema, secret, from: [value] });
    if (value.data.kind === 'string') return value.with({ final: false });
    return textValue(text, { secret });
  },

  'fn::validate': (schema, checked) => {
    const result = whole(checked.value, {});
    if (schema.value.inside.unknown) return result;
    const read = schemaOfValue(schema.value);
    if ('problems' in read) {
      for (const { summary, at } of read.problems) schema.tell({ summary }, at);
      return result;
    }
    for (const { summary, at } of checkValue(read.schema, checked.value).problems) checked.tell({ summary }, at);
    return result;
  },
};

function lengthOf(data: ValueData): number {
  return data.kind === 'array' ? data.elements.length : 0;
}

/** Whether the argument satisfies the schema; what is wrong is told at its place. */
function isTyped({ value, tell }: Argument, schema: Schema): boolean {
  const { ok, problems } = checkValue(schema, value);
  for (const { summary, at } of problems) tell({ summary }, at);
  return ok;
}

function unknownFrom(schema: Schema, ...values: readonly EscValue[]): EscValue {
  return unknownValue({ schema, secret: values.some((each) => each.inside.secret), from: values });
}

/** The type of a value, as far as access into it goes. */
function schemaOfData(value: EscValue): Schema {
  const { data } = value;
  pay(unitsPerValue * (1 + lengthOf(data) + value.members.size));
  if (data.kind === 'unknown') return data.schema;
  if (data.kind === 'array') return { type: 'array', prefixItems: data.elements.map(schemaOfData), items: false };
  if (data.kind !== 'object') return { type: data.kind };
  const properties: Record<string, Schema> = Object.create(null);
  for (const [key, member] of data.own) properties[key] = schemaOfData(member);
  return { type: 'object', properties, required: [...data.own.keys()] };
}

/** The value as one: a secret or an unknown in it makes all of it so. What an object inherits is left behind. */
function whole(value: EscValue, flags: { readonly final?: boolean }): EscValue {
  const { inside, data, final } = value;
  const all = { secret: inside.secret, final: flags.final ?? final };
  if (data.kind !== 'unknown' && inside.unknown) {
    return unknownValue({ schema: schemaOfData(value), from: [value] }).with(all);
  }
  return data.kind === 'object' ? new EscValue({ kind: 'object', own: data.own }, all) : value.with(all);
}
