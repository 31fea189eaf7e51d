// Sprig's JSON: Go's encoding/json over template values, and its errors. fromJson gives nil for what is no JSON.

import { FunctionFault, hidden } from '../errors.ts';
import type { Budget } from '../limits.ts';
import type { Bytes } from '../text.ts';
import type { Value } from '../values.ts';
import { define, fault, type TemplateFunction } from './define.ts';
import { JsonFault, parseJson } from './json-read.ts';
import { writeJson } from './json-write.ts';

export const jsonFunctions: readonly TemplateFunction[] = [
  define('fromJson', ['string'], 'the value that JSON spells; nil when it is none', ([text], { budget }) => {
    chargeReading(text, budget);
    try {
      return parseJson(text).value;
    } catch (thrown) {
      if (thrown instanceof JsonFault) return null;
      throw thrown;
    }
  }),
  define('mustFromJson', ['string'], 'fromJson, failing on what is no JSON', ([text], { budget }) => {
    chargeReading(text, budget);
    return demanded(text);
  }),
  define('toJson', ['any'], 'JSON with <, > and & escaped; empty for what JSON cannot hold', ([value], { budget }) =>
    orEmpty(() => writeJson(value, { budget })),
  ),
  define('mustToJson', ['any'], 'toJson, failing on what JSON cannot hold', ([value], { budget }) =>
    writeJson(value, { budget }),
  ),
  define('toPrettyJson', ['any'], 'toJson on indented lines', ([value], { budget }) =>
    orEmpty(() => writeJson(value, { budget, indent: '  ' })),
  ),
  define('mustToPrettyJson', ['any'], 'toPrettyJson, failing on what JSON cannot hold', ([value], { budget }) =>
    writeJson(value, { budget, indent: '  ' }),
  ),
  ...['toRawJson', 'mustToRawJson'].map((name) =>
    define(name, ['any'], 'JSON without HTML escapes; fails on what JSON cannot hold', ([value], { budget }) =>
      writeJson(value, { budget, isRaw: true }),
    ),
  ),
];

/** Bytes of JSON that are read in the time of a step: values and their maps cost more than the text. */
const bytesPerStep = 4;

function chargeReading(text: Bytes, budget: Budget): void {
  budget.room(text.length);
  budget.step(Math.ceil(text.length / bytesPerStep));
}

/** The text, or an empty one when the value has no form of that kind. */
export function orEmpty(write: () => Bytes): Bytes {
  try {
    return write();
  } catch (thrown) {
    if (thrown instanceof FunctionFault) return '';
    throw thrown;
  }
}

function demanded(text: Bytes): Value {
  try {
    const { value, fault: why } = parseJson(text);
    if (why !== undefined) throw fault(hidden(why));
    return value;
  } catch (thrown) {
    throw thrown instanceof JsonFault ? fault(hidden(thrown.message)) : thrown;
  }
}
