// One node of `values` as an expression: literals, references, calls.
import { below } from './diagnostics.ts';
import type { Call, Expression, Place, Telling } from './expression.ts';
import { scanString } from './reference.ts';
import type { Entry, Node } from './tree.ts';

export type Report = (place: Place, telling: Telling) => unknown;

type ObjectNode = Extract<Node, { readonly kind: 'object' }>;
type StringNode = Extract<Node, { readonly kind: 'string' }>;

const prefix = 'fn::';
const openPrefix = 'fn::open::';
const rotatePrefix = 'fn::rotate::';

export class ExpressionReader {
  readonly #report: Report;
  readonly #reportDuplicate: Report;

  constructor(report: Report, reportDuplicate: Report) {
    this.#report = report;
    this.#reportDuplicate = reportDuplicate;
  }

  read(node: Node): Expression {
    switch (node.kind) {
      case 'null':
      case 'boolean':
      case 'number':
        return node;
      case 'string':
        return this.#string(node);
      case 'array':
        return { kind: 'array', elements: node.elements.map((each) => this.read(each)), ...placeOf(node) };
      case 'object':
        return this.#call(node) ?? this.#object(node);
    }
  }

  #string(node: StringNode): Expression {
    const { parts, problems } = scanString(node.value);
    for (const { summary, start, end } of problems) this.#report(within(node, start, end), { summary });
    const [first] = parts;
    const place = placeOf(node);
    if (parts.length === 0) return { kind: 'string', value: '', ...place };
    if (parts.length === 1 && typeof first === 'string') return { kind: 'string', value: first, ...place };
    if (parts.length === 1 && first !== undefined && typeof first !== 'string') {
      return { kind: 'symbol', accessors: first, isPlain: node.isPlain, ...place };
    }
    return { kind: 'interpolation', parts, isPlain: node.isPlain, ...place };
  }

  #object(node: ObjectNode): Expression {
    const entries = new Map<string, Expression>();
    for (const entry of node.entries) {
      const key = this.#key(entry);
      const expression = this.read(entry.value);
      if (key === undefined) continue;
      const place: Place = { span: entry.keySpan, path: entry.value.path };
      if (entries.has(key)) this.#reportDuplicate(place, { summary: `duplicate key ${JSON.stringify(key)}` });
      else entries.set(key, expression);
    }
    return { kind: 'object', entries, ...placeOf(node) };
  }

  /** Keys are scanned like strings and must come out as literals. */
  #key({ key, keySpan, value }: Entry): string | undefined {
    const { parts, problems } = scanString(key);
    const place: Place = { span: keySpan, path: value.path };
    for (const { summary } of problems) this.#report(place, { summary });
    const [first = ''] = parts;
    if (parts.length <= 1 && typeof first === 'string') return first;
    this.#report(place, { summary: 'object keys must be strings' });
    return undefined;
  }

  #call(node: ObjectNode): Expression | undefined {
    const calls = node.entries.filter(({ key }) => key.toLowerCase().startsWith(prefix));
    const [only] = calls;
    if (only === undefined) return undefined;
    if (node.entries.length > 1) {
      for (const { key, keySpan, value } of calls) {
        const where = 'must be the only key within its containing object';
        const summary = `illegal call to builtin function: ${JSON.stringify(key)} ${where}`;
        this.#report({ span: keySpan, path: value.path }, { summary });
      }
      return undefined;
    }
    const call = this.#named(only);
    if (call !== undefined) return { kind: 'call', call, ...placeOf(node) };
    this.#report({ span: only.keySpan, path: only.value.path }, { summary: "'fn::' is a reserved prefix" });
    return undefined;
  }

  /** Undefined when the key names no function. */
  #named({ key, value }: Entry): Call | undefined {
    if (key.startsWith(openPrefix)) return this.#open(value, key.slice(openPrefix.length));
    if (key.startsWith(rotatePrefix)) return this.#rotate(value, key.slice(rotatePrefix.length));
    switch (key) {
      case 'fn::open':
        return this.#open(value, undefined);
      case 'fn::rotate':
        return this.#rotate(value, undefined);
      case 'fn::secret':
        return this.#secret(value);
      case 'fn::validate':
        return this.#validate(value);
      case 'fn::join':
      case 'fn::split':
        return this.#pair(key, value);
      case 'fn::concat':
        if (value.kind !== 'array') {
          this.#report(value, { summary: 'the argument to fn::concat must be an array of arrays' });
        }
        return { name: key, args: [this.read(value)] };
      case 'fn::final':
      case 'fn::fromBase64':
      case 'fn::fromJSON':
      case 'fn::toBase64':
      case 'fn::toJSON':
      case 'fn::toString':
        return { name: key, args: [this.read(value)] };
      default:
        return undefined;
    }
  }

  #pair(name: 'fn::join' | 'fn::split', value: Node): Call {
    if (value.kind === 'array' && value.elements.length === 2) {
      return { name, args: value.elements.map((each) => this.read(each)) };
    }
    this.#report(value, { summary: `the argument to ${name} must be a two-valued list` });
    this.read(value);
    return { name: 'broken' };
  }

  #secret(value: Node): Call {
    if (value.kind === 'string') return { name: 'plaintext', text: value.value };
    if (value.kind === 'object' && value.entries.length === 1) {
      const [only] = value.entries;
      if (only?.key === 'ciphertext' && only.value.kind === 'string') {
        return { name: 'ciphertext', text: only.value.value, argument: placeOf(only.value) };
      }
      if (only?.key === 'fn::open' || only?.key.startsWith(openPrefix) === true) {
        return { name: 'secret opened', args: [this.read(value)] };
      }
    }
    this.#report(value, { summary: 'secret values must be string literals' });
    return { name: 'plaintext', text: '' };
  }

  /** The members of a call's argument; of equal keys the last counts, keys with references are told and dropped. */
  #members(node: ObjectNode): Map<string, Node> {
    const members = new Map<string, Node>();
    for (const entry of node.entries) {
      const key = this.#key(entry);
      if (key !== undefined) members.set(key, entry.value);
    }
    return members;
  }

  #validate(value: Node): Call {
    if (value.kind !== 'object') {
      const summary = "the argument to fn::validate must be an object containing 'schema' and 'value'";
      this.#report(value, { summary });
      this.read(value);
      return { name: 'broken' };
    }
    const members = this.#members(value);
    const schema = members.get('schema');
    const checked = members.get('value');
    if (schema === undefined) this.#report(value, { summary: "missing required property 'schema'" });
    if (checked === undefined) this.#report(value, { summary: "missing required property 'value'" });
    if (checked === undefined) return { name: 'broken' };
    const anything: Expression = { kind: 'boolean', value: true, ...placeOf(value) };
    return {
      name: 'fn::validate',
      args: [schema === undefined ? anything : this.read(schema), this.read(checked)],
    };
  }

  #open(value: Node, shortName: string | undefined): Call {
    if (shortName !== undefined) {
      return { name: 'open', provider: shortName, providerPlace: placeOf(value), inputs: this.read(value) };
    }
    if (value.kind !== 'object') {
      const summary = "the argument to fn::open must be an object containing 'provider' and 'inputs'";
      this.#report(value, { summary });
      this.read(value);
      return { name: 'broken' };
    }
    const members = this.#members(value);
    const provider = this.#provider(value, members.get('provider'));
    const inputs = this.#inputs(value, members.get('inputs'));
    if (provider === undefined) return { name: 'broken' };
    return inputs === undefined
      ? { name: 'unusable', kind: 'provider', ...provider }
      : { name: 'open', ...provider, inputs };
  }

  #rotate(value: Node, shortName: string | undefined): Call {
    const parts = shortName === undefined ? "'provider', 'inputs' and 'state'" : "'inputs' and 'state'";
    if (value.kind !== 'object') {
      this.#report(value, { summary: `the argument to fn::rotate must be an object containing ${parts}` });
      this.read(value);
      return { name: 'broken' };
    }
    const members = this.#members(value);
    const provider =
      shortName === undefined
        ? this.#provider(value, members.get('provider'))
        : { provider: shortName, providerPlace: placeOf(value) };
    const inputs = this.#inputs(value, members.get('inputs'));
    const state = members.get('state');
    const isBadState = state !== undefined && state.kind !== 'object';
    if (isBadState) this.#report(state, { summary: 'rotation state must be an object literal' });
    const read = state === undefined ? undefined : this.read(state);
    if (provider === undefined) return { name: 'broken' };
    if (inputs === undefined || isBadState) return { name: 'unusable', kind: 'rotator', ...provider };
    return { name: 'rotate', ...provider, inputs, state: read, statePath: below(value.path, 'state') };
  }

  #provider(call: Node, node: Node | undefined) {
    if (node === undefined) {
      this.#report(call, { summary: "missing provider name ('provider')" });
      return undefined;
    }
    const expression = this.read(node);
    if (expression.kind === 'string') return { provider: expression.value, providerPlace: placeOf(node) };
    this.#report(node, { summary: 'provider name must be a string literal' });
    return undefined;
  }

  #inputs(call: Node, node: Node | undefined): Expression | undefined {
    if (node !== undefined) return this.read(node);
    this.#report(call, { summary: "missing provider inputs ('inputs')" });
    return undefined;
  }
}

function placeOf({ span, path }: Place): Place {
  return { span, path };
}

/** A part of a string's place: the whole, unless the string stands in the text as it is. */
export function within(place: Place & { readonly isPlain: boolean }, start: number, end: number): Place {
  const { span, path, isPlain } = place;
  return { span: isPlain && span !== undefined ? [span[0] + start, span[0] + end] : span, path };
}
