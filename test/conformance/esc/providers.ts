// The providers and rotators that the cases of ESC's conformance data were recorded with, and their toy cipher.
import type { Cipher } from '../../../src/core/esc/ciphertext.ts';
import type { Opening, OpeningResult, Shapes } from '../../../src/core/esc/openings.ts';
import { recordSchema, type Schema } from '../../../src/core/esc/schema.ts';
import { type EscValue, nullValue, objectValue, valueOfJson } from '../../../src/core/esc/value.ts';

const string: Schema = { type: 'string' };
const number: Schema = { type: 'number' };
const boolean: Schema = { type: 'boolean' };
const constant = (json: unknown) => valueOfJson(json);

function tuple(...items: Schema[]): Schema {
  return { type: 'array', prefixItems: items, items: false };
}

const everything: Schema = {
  type: 'object',
  $defs: { defRecord: recordSchema({ baz: { type: 'string', const: constant('qux') } }) },
  properties: {
    null: { type: 'null' },
    boolean,
    false: { type: 'boolean', const: constant(false) },
    true: { type: 'boolean', const: constant(true) },
    number,
    pi: { type: 'number', const: constant(3.14) },
    string,
    hello: { type: 'string', const: constant('hello') },
    array: { type: 'array', items: true },
    tuple: tuple({ type: 'string', const: constant('hello') }, { type: 'string', const: constant('world') }),
    map: { type: 'object', additionalProperties: true },
    record: recordSchema({ foo: string }),
    anyOf: { anyOf: [string, number] },
    oneOf: { oneOf: [string, number] },
    ref: { $ref: '#/$defs/defRecord' },
    'const-array': { type: 'array', items: true, const: constant(['hello', 42]) },
    'const-object': { type: 'object', additionalProperties: true, const: constant({ hello: 'world' }) },
    enum: { type: 'string', enum: [constant('foo'), constant('bar')] },
    never: false,
    always: true,
    double: tuple(string, number),
    triple: tuple(string, number, boolean),
    dependentReq: { type: 'object', properties: { foo: string, bar: number }, dependentRequired: { foo: ['bar'] } },
    multiple: { type: 'number', multipleOf: 2 },
    minimum: { type: 'number', minimum: 1 },
    exclusiveMinimum: { type: 'number', exclusiveMinimum: 1 },
    maximum: { type: 'number', maximum: 1 },
    exclusiveMaximum: { type: 'number', exclusiveMaximum: 1 },
    minLength: { type: 'string', minLength: 1 },
    maxLength: { type: 'string', maxLength: 1 },
    pattern: { type: 'string', pattern: '^foo[0-9]+$' },
    minItems: { type: 'array', items: true, minItems: 3 },
    maxItems: { type: 'array', items: true, maxItems: 2 },
    minProperties: { type: 'object', additionalProperties: true, minProperties: 1 },
    maxProperties: { type: 'object', additionalProperties: true, maxProperties: 1 },
  },
};

const providers: Readonly<Record<string, { readonly inputs: Schema; readonly outputs: Schema }>> = {
  test: { inputs: true, outputs: true },
  error: { inputs: recordSchema({ why: string }), outputs: true },
  'secret-wrapper': { inputs: true, outputs: true },
  schema: { inputs: everything, outputs: everything },
};

const swapped = recordSchema({ a: string, b: string });
const echoed: Schema = { type: 'object', properties: { current: string, previous: string }, required: ['current'] };

const rotators: Readonly<
  Record<string, { readonly inputs: Schema; readonly state: Schema; readonly outputs: Schema }>
> = {
  swap: { inputs: true, state: swapped, outputs: swapped },
  echo: {
    inputs: { type: 'object', properties: { next: string }, required: ['next'], rotateOnly: ['next'] },
    state: echoed,
    outputs: echoed,
  },
};

export const shapes: Shapes = {
  provider: (name) => (Object.hasOwn(providers, name) ? providers[name] : undefined),
  rotator: (name) => (Object.hasOwn(rotators, name) ? rotators[name] : undefined),
};

export function open({ kind, provider, inputs, state = nullValue }: Opening): OpeningResult {
  const member = (value: EscValue, key: string) => value.members.get(key);
  const text = (value: EscValue | undefined) => (value?.data.kind === 'string' ? value.data.text : undefined);
  switch (`${kind} ${provider}`) {
    case 'open test':
    case 'open schema':
      return { value: inputs };
    case 'open error':
      return { error: text(member(inputs, 'why')) ?? '' };
    case 'open secret-wrapper':
      return { value: inputs.with({ secret: true }) };
    case 'open rotated swap':
      return { value: state };
    case 'rotate swap':
      return {
        value: objectValue([
          ['a', member(state, 'b') ?? nullValue],
          ['b', member(state, 'a') ?? nullValue],
        ]),
      };
    case 'open rotated echo': {
      if (state.data.kind === 'null') return { value: objectValue([]) };
      const next = text(member(inputs, 'next'));
      const isStale = next !== undefined && next !== text(member(state, 'current'));
      return isStale ? { error: 'the next value is not the current one' } : { value: state };
    }
    case 'rotate echo': {
      const previous = member(state, 'current') ?? nullValue;
      return {
        value: objectValue([
          ['current', member(inputs, 'next') ?? nullValue],
          ['previous', previous],
        ]),
      };
    }
    default:
      return { error: `no such call: ${kind} ${provider}` };
  }
}

const shift = (bytes: Buffer) => Buffer.from(bytes.map((byte) => (byte + 128) % 256));

export const toyCipher: Cipher = { encrypt: shift, decrypt: shift };
