// Reads YAML as sigs.k8s.io/yaml does: the first document, YAML 1.1's plain scalars, keys as text, numbers as floats.
// The yaml package finds the structure; what a plain scalar means is go-yaml's rule.
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument } from 'yaml';
import { formatFloat } from '../floats.ts';
import type { Budget } from '../limits.ts';
import { type Bytes, bytesOf, textOf } from '../text.ts';
import { Dict, List, type Value } from '../values.ts';
import { resolvePlain, type Scalar } from './yaml-scalar.ts';

/** Why a text is no YAML. */
export class YamlFault extends Error {}

/** The value of the first document. Throws YamlFault. */
export function readYaml(text: Bytes, budget: Budget): Value {
  budget.room(text.length);
  budget.step(text.length / 4);
  const document = parseDocument(textOf(text), {
    version: '1.1',
    schema: 'failsafe',
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const error = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
  if (error !== undefined) throw new YamlFault(`yaml: line ${error.linePos?.[0].line ?? 1}: ${error.code}`);
  return new Reader(document, budget).value(document.contents, 0);
}

const deepest = 1_000;

class Reader {
  readonly #document: Document;
  readonly #budget: Budget;

  constructor(document: Document, budget: Budget) {
    this.#document = document;
    this.#budget = budget;
  }

  value(node: unknown, depth: number): Value {
    this.#budget.step();
    if (depth > deepest) throw new YamlFault('yaml: exceeded max depth');
    const target = this.#target(node);
    if (isMap(target)) return this.#map(target.items, depth);
    if (isSeq(target)) return new List(target.items.map((item) => this.value(item, depth + 1)));
    if (!isScalar(target)) return null;
    const text = bytesOf(typeof target.value === 'string' ? target.value : '');
    const scalar = scalarOf(target, text);
    if (scalar.type === 'bool') return scalar.value;
    if (scalar.type === 'int') return Number(scalar.value);
    if (scalar.type !== 'float') return scalar.type === 'null' ? null : text;
    if (Number.isFinite(scalar.value)) return scalar.value;
    throw new YamlFault(`json: unsupported value: ${formatFloat(scalar.value, 'g', -1)}`);
  }

  #target(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  #map(pairs: readonly Pair[], depth: number): Dict {
    const entries = new Map<Bytes, Value>();
    const merged: Dict[] = [];
    for (const { key, value } of pairs) {
      const name = this.#key(key);
      if (name === undefined) merged.push(...this.#mergedFrom(value, depth));
      else entries.set(name, this.value(value, depth + 1));
    }
    for (const dict of merged) {
      for (const [name, value] of dict.entries) if (!entries.has(name)) entries.set(name, value);
    }
    return new Dict(entries);
  }

  /** The text of a key, or undefined for `<<`. */
  #key(node: unknown): Bytes | undefined {
    const target = this.#target(node);
    if (!isScalar(target)) throw new YamlFault('yaml: invalid map key');
    const text = bytesOf(typeof target.value === 'string' ? target.value : '');
    const scalar = scalarOf(target, text);
    if (scalar.type === 'merge') return undefined;
    if (scalar.type === 'null') throw new YamlFault('unsupported map key of type: %!s(<nil>)');
    if (scalar.type === 'float')
      return formatFloat(scalar.value, 'g', -1)
        .replace(/^\+Inf$/, '.inf')
        .replace(/^-Inf$/, '-.inf')
        .replace(/^NaN$/, '.nan');
    return 'value' in scalar ? String(scalar.value) : text;
  }

  #mergedFrom(node: unknown, depth: number): Dict[] {
    const target = this.#target(node);
    if (isMap(target)) return [this.#map(target.items, depth + 1)];
    if (isSeq(target)) return target.items.flatMap((item) => this.#mergedFrom(item, depth + 1));
    throw new YamlFault('yaml: map merge requires map or sequence of maps as the value');
  }
}

function scalarOf(node: Node, text: Bytes): Scalar {
  const isPlain = 'type' in node && (node.type === 'PLAIN' || node.type === undefined);
  return isPlain && (node.tag === undefined || node.tag === '') ? resolvePlain(text) : { type: 'text' };
}
