// ESO's YAML functions: toYaml and fromYaml, with Go's rules for what text means.
import { bytesOfRunes } from '../letters.ts';
import { type Bytes, isAscii, runesOf, textOf } from '../text.ts';
import { Dict, kindName, List, Sized, Struct, type Value } from '../values.ts';
import { strval } from './convert.ts';
import { define, fault, type TemplateFunction } from './define.ts';
import { orEmpty } from './json.ts';
import { parseJson } from './json-read.ts';
import { writeJson } from './json-write.ts';
import { isReadable, readYaml, YamlFault } from './yaml-read.ts';
import { resolvePlain } from './yaml-scalar.ts';
import { writeYaml } from './yaml-write.ts';

export const yamlFunctions: readonly TemplateFunction[] = [
  define('toYaml', ['any'], 'YAML; empty for what YAML cannot hold', ([value], { budget }) =>
    orEmpty(() => {
      if (!isReadable(textOf(writeJson(value, { budget })))) throw fault('yaml: control characters are not allowed');
      return writeYaml(plain(value), budget);
    }),
  ),
  define(
    'fromYaml',
    ['string'],
    'the map that YAML spells; an error stands under the key Error',
    ([text], { budget }) => {
      try {
        const value = readYaml(text, budget);
        if (value instanceof Dict) return value;
        return value === null
          ? new Dict()
          : failed(
              `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`,
            );
      } catch (thrown) {
        if (thrown instanceof YamlFault) return failed(`error converting YAML to JSON: ${thrown.message}`);
        throw thrown;
      }
    },
  ),
];

function failed(message: string): Dict {
  return new Dict(new Map([['Error', message]]));
}

function jsonKind(value: Value): string {
  if (value instanceof List) return 'array';
  return typeof value === 'number' ? 'number' : kindName(value);
}

/** The value as JSON has it: what writes itself is taken apart, whole floats are integers. */
function plain(value: Value): Value {
  if (typeof value === 'string') return validText(value);
  if (typeof value === 'number') return wholeOf(value);
  if (value instanceof Sized) return value.value;
  if (value instanceof Dict) {
    if (value.isNil) return null;
    return new Dict(new Map([...value.entries].map(([key, item]) => [validText(key), plain(item)] as const)));
  }
  if (value instanceof Struct) {
    if (value.json !== undefined) return plain(parseJson(value.json()).value);
    return new Dict(new Map([...value.fields].map(([key, item]) => [key, plain(item)] as const)));
  }
  if (!(value instanceof List)) return value;
  if (value.isNil) return null;
  if (value.element === 'uint8') return Buffer.from(strval(value), 'latin1').toString('base64');
  return new List(value.items.map(plain));
}

function wholeOf(value: number): Value {
  if (!Number.isInteger(value) || Math.abs(value) >= 1e21) return value;
  const scalar = resolvePlain(BigInt(value).toString());
  return scalar.type === 'int' ? scalar.value : value;
}

function validText(text: Bytes): Bytes {
  return isAscii(text) ? text : bytesOfRunes(runesOf(text));
}
