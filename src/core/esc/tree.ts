// The syntax of a document: text to a tree of plain nodes with places, or the reasons why there is none. YAML's own types
// are not used: scalars are resolved here as Go's yaml.v3 does (number-text.ts), and aliases, merge keys and odd keys are
// told, not followed. A tree can also be made of plain data, for documents that are part of a Kubernetes object.
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments, type Scalar, Schema, type Node as YamlNode } from 'yaml';
import { below, type Path, type Span } from './diagnostics.ts';
import { pay, unitsPerExpression, unitsPerMember } from './effort.ts';
import { maxDepth, maxDocumentLength, maxNodes } from './limits.ts';
import { numberText, type Plain, resolvePlain } from './number-text.ts';

interface Place {
  readonly span: Span | undefined;
  readonly path: Path | undefined;
}

export type Node = Place &
  (
    | { readonly kind: 'null' }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'number'; readonly text: string }
    /** `isPlain`: the value stands in the text as it is, on one line, so that places within it can be told. */
    | { readonly kind: 'string'; readonly value: string; readonly isPlain: boolean }
    | { readonly kind: 'array'; readonly elements: readonly Node[] }
    | { readonly kind: 'object'; readonly entries: readonly Entry[] }
  );

export interface Entry {
  readonly key: string;
  readonly keySpan: Span | undefined;
  readonly value: Node;
}

export interface SyntaxProblem {
  readonly summary: string;
  readonly span?: Span | undefined;
  readonly path?: Path | undefined;
}

/** A tree, or problems; a text without any character is an empty object. */
export type Tree = { readonly root: Node } | { readonly problems: readonly SyntaxProblem[] };

/** Reads the first document of the text. */
export function readTree(text: string): Tree {
  if (text.length > maxDocumentLength) return refuse(`the document is longer than ${maxDocumentLength} characters`);
  if (text === '') return { root: { kind: 'object', entries: [], span: [0, 0], path: undefined } };
  const parsed = parseYaml(text);
  if (parsed === undefined) return refuse(`the document nests deeper than ${maxDepth} levels`);
  const { contents, errors } = parsed;
  if (errors.length > 0) return { problems: errors };
  return convert(text, (reader) => reader.fromYaml(contents, undefined, 0));
}

/** The tree of plain data, such as a Kubernetes object holds. */
export function treeOfData(data: unknown): Tree {
  return convert('', (reader) => reader.fromData(data, undefined, 0));
}

class TooMuch extends Error {}

function convert(text: string, read: (reader: Reader) => Node): Tree {
  const reader = new Reader(text);
  try {
    const root = read(reader);
    return reader.problems.length > 0 ? { problems: reader.problems } : { root };
  } catch (thrown) {
    if (thrown instanceof TooMuch) return refuse(thrown.message);
    throw thrown;
  }
}

function refuse(summary: string): Tree {
  return { problems: [{ summary }] };
}

interface Parsed {
  readonly contents: YamlNode | null;
  readonly errors: readonly SyntaxProblem[];
}

/** Every scalar is a text. Made once: for a small document it would be much of the work. */
const textsOnly = new Schema({ schema: 'failsafe', merge: false });

/** Undefined when the text nests deeper than the parser's stack. */
function parseYaml(text: string): Parsed | undefined {
  try {
    const [first] = parseAllDocuments(text, {
      schema: textsOnly,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    if (first === undefined || !('errors' in first)) return { contents: null, errors: [] };
    // The parser's own messages may quote the text, which may be a secret.
    const errors = first.errors.map(({ code, pos }) => ({
      summary: `yaml: ${code.toLowerCase().replaceAll('_', ' ')}`,
      span: [pos[0], pos[1]] as const,
    }));
    return { contents: first.contents, errors: errors.slice(0, 20) };
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

const coreTag = 'tag:yaml.org,2002:';

class Reader {
  readonly problems: SyntaxProblem[] = [];
  readonly #text: string;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fromYaml(node: YamlNode | null, path: Path | undefined, depth: number): Node {
    this.#count(depth);
    const span = spanOf(node);
    const place: Place = { span, path };
    if (node === null) return { kind: 'null', ...place };
    if (isAlias(node)) {
      this.problems.push({ summary: 'alias nodes are not supported', span, path });
      return { kind: 'null', ...place };
    }
    if (isScalar(node)) return this.#scalar(node, place);
    if (isSeq(node)) {
      const elements = node.items.map((item, at) => this.fromYaml(asNode(item), below(path, at), depth + 1));
      return { kind: 'array', elements, ...place };
    }
    if (!isMap(node)) return { kind: 'null', ...place };
    const entries: Entry[] = [];
    for (const pair of node.items) {
      const keyNode = asNode(pair.key);
      const key = this.#key(keyNode, path);
      const value = this.fromYaml(asNode(pair.value), below(path, key ?? ''), depth + 1);
      if (key !== undefined) entries.push({ key, keySpan: spanOf(keyNode), value });
    }
    return { kind: 'object', entries, ...place };
  }

  fromData(data: unknown, path: Path | undefined, depth: number): Node {
    this.#count(depth);
    const place: Place = { span: undefined, path };
    if (typeof data === 'boolean') return { kind: 'boolean', value: data, ...place };
    if (typeof data === 'number' && Number.isFinite(data)) {
      return { kind: 'number', text: Number.isSafeInteger(data) ? String(data) : numberText(data), ...place };
    }
    if (typeof data === 'string') return { kind: 'string', value: data.toWellFormed(), isPlain: false, ...place };
    if (Array.isArray(data)) {
      const elements = data.map((item: unknown, at) => this.fromData(item, below(path, at), depth + 1));
      return { kind: 'array', elements, ...place };
    }
    if (typeof data !== 'object' || data === null) return { kind: 'null', ...place };
    const keys = Object.keys(data);
    pay(keys.length * unitsPerMember); // before any of them is read: there may be too many
    const entries = keys.map((key) => ({
      key,
      keySpan: undefined,
      value: this.fromData(Reflect.get(data, key), below(path, key), depth + 1),
    }));
    return { kind: 'object', entries, ...place };
  }

  #key(node: YamlNode | null, path: Path | undefined): string | undefined {
    if (isAlias(node)) {
      this.problems.push({ summary: 'alias nodes are not supported', span: spanOf(node), path });
      return undefined;
    }
    const known = this.problems.length;
    const key = isScalar(node) ? this.#scalar(node, { span: spanOf(node), path }) : undefined;
    if (key?.kind === 'string') return key.value;
    if (this.problems.length === known) {
      this.problems.push({ summary: 'mapping keys must be strings', span: spanOf(node), path });
    }
    return undefined;
  }

  #scalar(node: Scalar, place: Place): Node {
    const text = this.#textOf(node);
    const string: Node = { kind: 'string', value: text, isPlain: isPlain(node, text), ...place };
    const tag = node.tag?.startsWith(coreTag) === true ? node.tag.slice(coreTag.length) : node.tag;
    const resolved = node.type === 'PLAIN' ? resolvePlain(text) : undefined;
    if (tag === undefined) return resolved === undefined ? string : this.#resolved(resolved, string, place);
    const wanted = tagKinds[tag];
    if (wanted === undefined) return string;
    const tagged = resolvePlain(text);
    if (wanted.includes(tagged.kind)) return this.#resolved(tagged, string, place);
    this.problems.push({ ...place, summary: 'yaml: the scalar does not fit its tag' });
    return string;
  }

  /** A block that ends with the document, without a line's end there, has none itself. */
  #textOf(node: Scalar): string {
    const text = scalarText(node).toWellFormed();
    const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
    const isCut = isBlock && (node.range?.[1] ?? 0) >= this.#text.length && !this.#text.endsWith('\n');
    return isCut && text.endsWith('\n') ? text.slice(0, -1) : text;
  }

  #resolved(plain: Plain, string: Node, place: Place): Node {
    if (plain.kind === 'string') return string;
    if (plain.kind !== 'infinite') return { ...plain, ...place };
    this.problems.push({ ...place, summary: 'numbers must be finite: quote the text' });
    return string;
  }

  #count(depth: number): void {
    pay(unitsPerExpression);
    if (depth > maxDepth) throw new TooMuch(`the document nests deeper than ${maxDepth} levels`);
    if (++this.#nodes > maxNodes) throw new TooMuch(`the document has more than ${maxNodes} values`);
  }
}

/** Tags of scalars that ask for a type; every other tag makes a string. */
const tagKinds: Readonly<Record<string, readonly Plain['kind'][]>> = Object.assign(Object.create(null), {
  null: ['null'],
  bool: ['boolean'],
  int: ['number'],
  float: ['number', 'infinite'],
});

/** What the parser leaves in a collection: nodes, since nothing was resolved to plain values. */
function asNode(item: unknown): YamlNode | null {
  return isScalar(item) || isMap(item) || isSeq(item) || isAlias(item) ? item : null;
}

/** The text of a scalar: without a schema of types every value is a string. */
export function scalarText({ value }: Scalar): string {
  return typeof value === 'string' ? value : '';
}

function spanOf(node: YamlNode | null): Span | undefined {
  return node?.range ? [node.range[0], node.range[1]] : undefined;
}

function isPlain(node: Scalar, text: string): boolean {
  const range = node.range;
  return node.type === 'PLAIN' && range !== undefined && range !== null && range[1] - range[0] === text.length;
}
