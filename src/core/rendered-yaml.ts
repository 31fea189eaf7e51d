// A rendered text as YAML, as ESO reads it: YAML 1.1 by way of sigs.k8s.io/yaml. Either into map[string]string, where scalars
// become text as Go writes them, null becomes an empty text and what is nested is refused; or as a part of an object.
import { isAlias, isMap, isScalar, parseAllDocuments, type Scalar } from 'yaml';
import { OperatorError } from '../base/operator-error.ts';
import type { Budget } from './budget.ts';
import type { Json } from './manifest/object-path.ts';
import { withAccount } from './rendering.ts';
import { FunctionFault } from './template/errors.ts';
import { formatFloat } from './template/floats.ts';
import { writeJson } from './template/functions/json-write.ts';
import { aliasTargets, readYaml, YamlFault } from './template/functions/yaml-read.ts';
import { bytesOf, textOf } from './template/text.ts';

const unitsPerCharacter = 50;
const entriesMax = 10_000;

/** Later duplicates win; a second document is ignored. Throws InvalidTemplate naming a place and no value. */
export function keysAndValues(text: string, budget: Budget): Map<string, string> {
  budget.spend(text.length * unitsPerCharacter);
  budget.hold(text.length * 8);
  const parsed = parseAllDocuments(text, { version: '1.1', uniqueKeys: false, intAsBigInt: true, logLevel: 'silent' });
  const document = Array.isArray(parsed) ? parsed[0] : undefined;
  const entries = new Map<string, string>();
  if (document === undefined) return entries;
  const [error] = document.errors;
  if (error !== undefined) {
    const at = error.linePos?.[0];
    throw refused(`it is not YAML${at === undefined ? '' : ` (line ${at.line}, column ${at.col})`}`);
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return entries;
  if (!isMap(root)) throw refused('it is not a map');
  if (root.items.length > entriesMax) throw refused(`it has more than ${entriesMax} entries`);
  const aliases = aliasTargets(document);
  for (const { key, value } of root.items) {
    const target = isAlias(value) ? aliases.get(value) : value;
    if (isAlias(value) && target === undefined) throw refused('an alias names an anchor that is not there');
    if (!isScalar(key)) throw refused('a key is not a text');
    if (target !== null && target !== undefined && !isScalar(target)) {
      throw refused(`the value of key ${shown(scalarText(key))} is a map or a list, not a text`);
    }
    entries.set(scalarText(key), target === null || target === undefined ? '' : blockText(target, text));
  }
  return entries;
}

/** What a text spells as YAML; undefined when it is no YAML, or none that JSON can hold. Throws TooMuchWork. */
export function structureIn(text: string, budget: Budget): Json | undefined {
  budget.spend(text.length * unitsPerCharacter);
  budget.hold(text.length * 8);
  try {
    return withAccount(budget, (account) => {
      const json = writeJson(readYaml(bytesOf(text), account), { budget: account, isRaw: true });
      return JSON.parse(textOf(json)) as Json; // written just now
    });
  } catch (thrown) {
    if (thrown instanceof YamlFault || thrown instanceof FunctionFault) return undefined;
    throw thrown;
  }
}

function refused(why: string): OperatorError {
  return new OperatorError('InvalidTemplate', `the rendered text has no keys and values: ${why}`);
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 60));
}

/** A block at the end of a text that does not end its last line has no newline there on the Go side. */
function blockText(scalar: Scalar, text: string): string {
  const { type, range } = scalar;
  const isBlock = type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED';
  const isCutOff = isBlock && range?.[1] === text.length && !text.endsWith('\n');
  return isCutOff ? scalarText(scalar).replace(/\n$/, '') : scalarText(scalar);
}

function scalarText({ value, source = '' }: Scalar): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  // Base 60 and dates are no scalars of their own on the Go side.
  if ((typeof value !== 'bigint' && typeof value !== 'number') || source.includes(':')) return source;
  if (typeof value === 'bigint' && value < 2n ** 64n && value >= -(2n ** 63n)) return String(value);
  return formatFloat(Number(value), 'g', -1);
}
