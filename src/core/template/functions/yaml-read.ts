// Reads YAML as sigs.k8s.io/yaml does: the first document, YAML 1.1's plain scalars, keys as text, numbers as floats.
// The yaml package finds the structure; what a plain scalar means is go-yaml's rule.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar as ScalarNode,
  visit,
} from 'yaml';
import { decodeStdBase64 } from '../base64.ts';
import { FunctionFault } from '../errors.ts';
import { formatFloat } from '../floats.ts';
import type { Budget } from '../limits.ts';
import { type Bytes, bytesOf, bytesOfBuffer, textOf } from '../text.ts';
import { Dict, List, type Value } from '../values.ts';
import { resolvePlain, type Scalar } from './yaml-scalar.ts';

/** Why a text is no YAML. */
export class YamlFault extends Error {}

/** The value of the first document. Throws YamlFault. */
export function readYaml(text: Bytes, budget: Budget): Value {
  budget.room(text.length);
  budget.step(text.length); // the parser takes up to 1 µs for a character
  if (isTooDeep(text)) throw new YamlFault('yaml: exceeded max depth');
  const source = textOf(text);
  if (!isReadable(source)) throw new YamlFault('yaml: control characters are not allowed');
  const document = parseDocument(source, {
    version: '1.1',
    schema: 'failsafe',
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const error = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
  if (error !== undefined) throw new YamlFault(`yaml: line ${error.linePos?.[0].line ?? 1}: ${error.code}`);
  const { explicit, version } = document.directives?.yaml ?? {};
  if (explicit === true && version !== '1.1') throw new YamlFault('yaml: found incompatible YAML document');
  return new Reader(document, source, budget).value(document.contents, 0);
}

const openInARow = 500;

/** Hundreds of brackets or dashes behind one another: the parser takes minutes for what no honest text has. */
function isTooDeep(text: Bytes): boolean {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === ' ' || char === '\n') continue;
    const opens = char === '[' || char === '{' || (/[-?:]/.test(char) && text.charAt(at + 1) === ' ');
    open = opens ? open + 1 : 0;
    if (open >= openInARow) return true;
  }
  return false;
}

/** Whether go-yaml reads all characters of a text. */
export function isReadable(text: string): boolean {
  return /^[\t\n\r\x20-\x7e\x85\xa0-\ufffd]*$/.test(text);
}

/** A scalar's text. A block at the end of a text that does not end its last line has no newline there, as in go-yaml. */
export function scalarText({ value, type, range }: ScalarNode, source: string): string {
  const text = typeof value === 'string' ? value : '';
  const isBlock = type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED';
  return isBlock && range?.[1] === source.length && !source.endsWith('\n') ? text.replace(/\n$/, '') : text;
}

const deepest = 1_000;

/**
 * What each alias of a document stands for: the last node before it that has the anchor. Found in one walk, because the
 * package's own way walks the whole document for each alias.
 */
export function aliasTargets(document: Document): ReadonlyMap<Alias, Node> {
  const anchored = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Alias(_, alias) {
      const target = anchored.get(alias.source);
      if (target !== undefined) targets.set(alias, target);
    },
    Value(_, node) {
      if (node.anchor !== undefined) anchored.set(node.anchor, node);
    },
  });
  return targets;
}

class Reader {
  readonly #aliases: ReadonlyMap<Alias, Node>;
  readonly #source: string;
  readonly #budget: Budget;
  /** The aliases that are being followed. */
  readonly #followed = new Set<unknown>();

  constructor(document: Document, source: string, budget: Budget) {
    this.#aliases = aliasTargets(document);
    this.#source = source;
    this.#budget = budget;
  }

  value(node: unknown, depth: number): Value {
    this.#budget.step();
    if (depth > deepest) throw new YamlFault('yaml: exceeded max depth');
    const target = this.#target(node);
    if (!isAlias(node)) return this.#content(target, depth);
    if (this.#followed.has(target)) throw new YamlFault(`yaml: anchor '${bytesOf(node.source)}' value contains itself`);
    this.#followed.add(target);
    const value = this.#content(target, depth);
    this.#followed.delete(target);
    return value;
  }

  #content(target: unknown, depth: number): Value {
    if (isMap(target)) return this.#map(target.items, depth);
    if (isSeq(target)) return new List(target.items.map((item) => this.value(item, depth + 1)));
    if (!isScalar(target)) return null;
    const text = this.#textOf(target);
    const scalar = scalarOf(target, text);
    if (scalar.type === 'bool') return scalar.value;
    if (scalar.type === 'int') return Number(scalar.value);
    if (scalar.type !== 'float') return scalar.type === 'null' ? null : text;
    if (Number.isFinite(scalar.value)) return scalar.value;
    throw new YamlFault(`json: unsupported value: ${formatFloat(scalar.value, 'g', -1)}`);
  }

  #textOf(scalar: ScalarNode): Bytes {
    const text = bytesOf(scalarText(scalar, this.#source));
    if (scalar.tag !== 'tag:yaml.org,2002:binary') return text;
    try {
      return bytesOfBuffer(decodeStdBase64(text));
    } catch (thrown) {
      if (!(thrown instanceof FunctionFault)) throw thrown;
      throw new YamlFault('yaml: !!binary value contains invalid base64 data');
    }
  }

  #target(node: unknown): unknown {
    if (!isAlias(node)) return node;
    const target = this.#aliases.get(node);
    if (target === undefined) throw new YamlFault(`yaml: unknown anchor '${bytesOf(node.source)}' referenced`);
    return target;
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
    const text = this.#textOf(target);
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

/** Tags that ask for a type, and what they take a scalar for; all others leave it a text. */
const typeTags: ReadonlyMap<string, Scalar['type']> = new Map([
  ['tag:yaml.org,2002:bool', 'bool'],
  ['tag:yaml.org,2002:int', 'int'],
  ['tag:yaml.org,2002:float', 'float'],
  ['tag:yaml.org,2002:null', 'null'],
  ['tag:yaml.org,2002:timestamp', 'time'],
]);

function scalarOf(node: Node, text: Bytes): Scalar {
  const isPlain = 'type' in node && (node.type === 'PLAIN' || node.type === undefined);
  if (node.tag === undefined || node.tag === '') return isPlain ? resolvePlain(text) : { type: 'text' };
  const wanted = typeTags.get(node.tag);
  if (wanted === undefined) return { type: 'text' };
  const scalar = resolvePlain(text);
  if (scalar.type === wanted) return scalar;
  if (scalar.type === 'int' && wanted === 'float') return { type: 'float', value: Number(scalar.value) };
  throw new YamlFault(`yaml: cannot decode ${shortTags[scalar.type]} \`${text}\` as a !!${node.tag.slice(18)}`);
}

const shortTags: Readonly<Record<Scalar['type'], string>> = {
  bool: '!!bool',
  int: '!!int',
  float: '!!float',
  null: '!!null',
  time: '!!timestamp',
  text: '!!str',
  merge: '!!merge',
};
