// Executes a parse tree: dot, variables, pipelines, ranges and calls with Go's types and error texts
// (https://pkg.go.dev/text/template, option missingkey=error or the default). Every node is charged to the budget.
import { FunctionFault, hidden, type MissingKey, TemplateError } from './errors.ts';
import { show } from './format.ts';
import type { CallContext, TemplateFunction } from './functions/define.ts';
import { TemplateLimit } from './limits.ts';
import {
  type BranchNode,
  type ChainNode,
  type CommandNode,
  type IdentifierNode,
  type ListNode,
  type Node,
  type NumberNode,
  nodeText,
  type Operand,
  type PipeNode,
  type Statement,
  type TemplateNode,
  type Tree,
} from './nodes.ts';
import { maxInt64 } from './numbers.ts';
import { quote } from './quote.ts';
import { type Bytes, textOf } from './text.ts';
import {
  Complex,
  Dict,
  integerOf,
  isTrue,
  List,
  type ParamType,
  paramTypeName,
  Sized,
  Struct,
  typeName,
  type Value,
} from './values.ts';

export interface Program {
  readonly name: Bytes;
  readonly text: Bytes;
  readonly trees: ReadonlyMap<Bytes, Tree>;
  readonly functions: (
    name: Bytes,
  ) => { readonly definition: TemplateFunction; readonly isBuiltin: boolean } | undefined;
  /** missingkey=error; else a missing key is <no value>. */
  readonly failsOnMissingKey: boolean;
}

/** A value that Go holds as an interface: an element of a map or a list of anything. Errors then name that type. */
class Boxed {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

/** What evaluation hands around: a value, one in an interface, or nothing valid. */
type Evaluated = Value | Boxed | undefined;

const missing = Symbol('no final argument');
type Final = Evaluated | typeof missing;

type Jump = 'break' | 'continue' | undefined;

/** The bytes that a program writes for the data. Throws TemplateError or TemplateLimit. */
export function run(program: Program, data: Value, context: CallContext): Bytes {
  const execution = new Execution(program, context);
  try {
    return execution.run(data);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new TemplateLimit('the template nests or grows too far');
    throw thrown;
  }
}

interface Frame {
  readonly tree: Tree;
  readonly variables: { name: Bytes; value: Evaluated }[];
}

class Execution {
  readonly #program: Program;
  readonly #context: CallContext;
  #frame: Frame;
  #node: Node | undefined;
  #depth = 0;
  #output: Bytes[] = [];
  #written = 0;

  constructor(program: Program, context: CallContext) {
    this.#program = program;
    this.#context = context;
    const root: ListNode = { type: 'list', at: 0, nodes: [] };
    this.#frame = { tree: program.trees.get(program.name) ?? { name: program.name, root }, variables: [] };
  }

  run(data: Value): Bytes {
    this.#frame.variables.push({ name: '$', value: data });
    this.#walkList(data, this.#frame.tree.root);
    return this.#output.join('');
  }

  #at(node: Node): void {
    this.#node = node;
    this.#context.budget.step();
  }

  #write(text: Bytes): void {
    this.#written += text.length;
    const { maxOutputBytes } = this.#context.budget.limits;
    if (this.#written > maxOutputBytes) {
      throw new TemplateLimit(`the template writes more than ${maxOutputBytes} bytes`);
    }
    this.#output.push(text);
  }

  #fault(message: string, missingKey?: MissingKey): TemplateError {
    const node = this.#node;
    if (node === undefined) return new TemplateError('execute', `template: ${this.#frame.tree.name}: ${message}`);
    const before = this.#program.text.slice(0, node.at);
    const line = before.split('\n').length;
    const column = node.at - (before.lastIndexOf('\n') + 1);
    const place = `${this.#program.name}:${line}:${column}`;
    const context = `executing ${quote(this.#frame.tree.name)} at <${nodeText(node)}>`;
    return new TemplateError('execute', `template: ${place}: ${context}: ${message}`, {
      place: { line, column },
      missingKey,
    });
  }

  #walkList(dot: Evaluated, list: ListNode): Jump {
    this.#at(list);
    for (const node of list.nodes) {
      const jump = this.#walk(dot, node);
      if (jump !== undefined) return jump;
    }
    return undefined;
  }

  #walk(dot: Evaluated, node: Statement): Jump {
    this.#at(node);
    switch (node.type) {
      case 'text':
        this.#write(node.text);
        return undefined;
      case 'action': {
        const value = this.#pipeline(dot, node.pipe);
        if (node.pipe.declared.length === 0) this.#print(value);
        return undefined;
      }
      case 'break':
      case 'continue':
        return node.type;
      case 'if':
      case 'with':
        return this.#scoped(() => this.#ifOrWith(dot, node));
      case 'range':
        return this.#scoped(() => this.#range(dot, node));
      case 'template':
        this.#template(dot, node);
        return undefined;
    }
  }

  #print(value: Value | undefined): void {
    if (value !== undefined && typeof value === 'object') chargeReading(value, this.#context.budget);
    this.#write(value === undefined ? '<no value>' : show(value));
  }

  #scoped<T>(body: () => T): T {
    const { variables } = this.#frame;
    const mark = variables.length;
    const result = body();
    variables.length = mark;
    return result;
  }

  #ifOrWith(dot: Evaluated, node: BranchNode): Jump {
    const value = this.#pipeline(dot, node.pipe);
    if (isTrue(plainOrNone(value))) return this.#walkList(node.type === 'with' ? value : dot, node.list);
    return node.otherwise === undefined ? undefined : this.#walkList(dot, node.otherwise);
  }

  #range(dot: Evaluated, node: BranchNode): Jump {
    const value = plainOrNone(this.#pipeline(dot, node.pipe));
    const { declared } = node.pipe;
    const mark = this.#frame.variables.length;
    let ran = false;
    const iterate = (index: Evaluated, element: Evaluated): Jump => {
      ran = true;
      this.#declareRange(node.pipe, index, element);
      const jump = this.#walkList(element, node.list);
      this.#frame.variables.length = mark;
      return jump;
    };
    for (const [index, element] of this.#elements(value, declared.length)) {
      if (iterate(index, element) === 'break') break;
    }
    if (ran || node.otherwise === undefined) return undefined;
    // As in Go, a break in the else branch ends this range, not the one around it.
    const jump = this.#walkList(dot, node.otherwise);
    return jump === 'break' ? undefined : jump;
  }

  #declareRange({ assigns, declared }: PipeNode, index: Evaluated, element: Evaluated): void {
    const [first, second] = declared.map(({ path }) => path[0] ?? '');
    const { variables } = this.#frame;
    if (first === undefined) return;
    if (assigns) {
      this.#assign(first, second === undefined ? element : index);
      if (second !== undefined) this.#assign(second, element);
      return;
    }
    // The pipeline has declared both; they stand on top, and the element is always the last.
    const top = variables.at(-1);
    if (top !== undefined) top.value = element;
    const below = variables.at(-2);
    if (second !== undefined && below !== undefined) below.value = index;
  }

  *#elements(value: Value | undefined, declared: number): Generator<readonly [Evaluated, Evaluated]> {
    if (value === undefined || value === null) return;
    const count = integerOf(value);
    if (count !== undefined) {
      if (declared > 1)
        throw this.#fault(
          `can't use ${hidden(show(value), `a value of type ${typeName(value)}`)} to iterate over more than one variable`,
        );
      for (let index = 0n; index < count; index++) {
        yield [undefined, value instanceof Sized ? new Sized(value.type, index) : index];
      }
    } else if (value instanceof List) {
      const boxes = value.element === 'interface {}';
      for (const [index, item] of value.items.entries()) yield [BigInt(index), boxes ? new Boxed(item) : item];
    } else if (value instanceof Dict) {
      const boxes = value.element === 'interface {}';
      for (const key of value.sortedKeys()) {
        const item = value.entries.get(key) ?? null;
        yield [key, boxes ? new Boxed(item) : item];
      }
    } else throw this.#fault(`range can't iterate over ${hidden(show(value), `a value of type ${typeName(value)}`)}`);
  }

  #template(dot: Evaluated, node: TemplateNode): void {
    const tree = this.#program.trees.get(node.name);
    if (tree === undefined) throw this.#fault(`template ${quote(node.name)} not defined`);
    const { maxDepth } = this.#context.budget.limits;
    if (this.#depth >= maxDepth)
      throw new TemplateLimit(`templates call one another more than ${maxDepth} levels deep`);
    const inner = node.pipe === undefined ? undefined : this.#pipeline(dot, node.pipe);
    const outer = this.#frame;
    this.#frame = { tree, variables: [{ name: '$', value: inner }] };
    this.#depth += 1;
    this.#walkList(inner, tree.root);
    this.#depth -= 1;
    this.#frame = outer;
  }

  #pipeline(dot: Evaluated, pipe: PipeNode): Value | undefined {
    this.#at(pipe);
    let value: Final = missing;
    for (const command of pipe.commands) value = unboxed(this.#command(dot, command, value));
    const result = value === missing ? undefined : plainOrNone(value);
    for (const variable of pipe.declared) {
      const name = variable.path[0] ?? '';
      if (pipe.assigns) this.#assign(name, result);
      else this.#frame.variables.push({ name, value: result });
    }
    return result;
  }

  #assign(name: Bytes, value: Evaluated): void {
    const known = this.#frame.variables.findLast((variable) => variable.name === name);
    if (known === undefined) throw this.#fault(`undefined variable: ${name}`);
    known.value = value;
  }

  #variable(name: Bytes): Evaluated {
    const known = this.#frame.variables.findLast((variable) => variable.name === name);
    if (known === undefined) throw this.#fault(`undefined variable: ${name}`);
    return known.value;
  }

  #command(dot: Evaluated, command: CommandNode, final: Final): Evaluated {
    const { args } = command;
    const [first] = args;
    if (first === undefined) return undefined;
    switch (first.type) {
      case 'field':
      case 'variable':
      case 'chain':
        return this.#path(dot, first, args, final);
      case 'identifier':
        return this.#function(dot, first, command, args, final);
      case 'pipe':
        this.#notAFunction(args, final);
        return this.#pipeline(dot, first);
      default:
        break;
    }
    this.#at(first);
    this.#notAFunction(args, final);
    if (first.type === 'dot') return dot;
    if (first.type === 'nil') throw this.#fault('nil is not a command');
    if (first.type === 'number') return this.#constant(first);
    return first.type === 'bool' ? first.value : first.type === 'string' ? first.text : undefined;
  }

  #notAFunction(args: readonly Operand[], final: Final): void {
    const [first] = args;
    if (first !== undefined && (args.length > 1 || final !== missing)) {
      throw this.#fault(`can't give argument to non-function ${nodeText(first)}`);
    }
  }

  /** A constant where any type may stand. */
  #constant(node: NumberNode): Value {
    this.#at(node);
    const { text, complex, float, int } = node.constant;
    if (complex !== undefined) return new Complex(complex.re, complex.im);
    const isHex = /^0[xX]/.test(text) && text.length > 2 && !/[pP]/.test(text);
    if (float !== undefined && !isHex && !text.startsWith("'") && /[.eEpP]/.test(text)) return float;
    if (int === undefined) throw this.#fault(`${text} overflows int`);
    return int;
  }

  /** `.a.b`, `$x.a` or `(…).a`. */
  #path(
    dot: Evaluated,
    node: Extract<Operand, { type: 'field' | 'variable' | 'chain' }>,
    args: readonly Operand[],
    final: Final,
  ): Evaluated {
    this.#at(node);
    let receiver = this.#receiver(dot, node, args, final);
    const path = node.type === 'variable' ? node.path.slice(1) : node.path;
    path.forEach((name, index) => {
      const isLast = index === path.length - 1;
      receiver = this.#field(dot, name, node, isLast ? args : [], isLast ? final : missing, receiver);
    });
    return receiver;
  }

  #receiver(
    dot: Evaluated,
    node: Extract<Operand, { type: 'field' | 'variable' | 'chain' }>,
    args: readonly Operand[],
    final: Final,
  ): Evaluated {
    if (node.type === 'field') return dot;
    if (node.type === 'chain') return this.#chainStart(dot, node);
    const value = this.#variable(node.path[0] ?? '');
    if (node.path.length === 1) this.#notAFunction(args, final);
    return value;
  }

  #chainStart(dot: Evaluated, chain: ChainNode): Evaluated {
    if (chain.node.type === 'nil') throw this.#fault(`indirection through explicit nil in ${nodeText(chain)}`);
    this.#at(chain.node);
    if (chain.node.type === 'pipe') return this.#pipeline(dot, chain.node);
    if (chain.node.type === 'identifier') return this.#function(dot, chain.node, chain.node, [], missing);
    throw this.#fault(`can't evaluate ${nodeText(chain.node)}`);
  }

  #field(dot: Evaluated, name: Bytes, node: Node, args: readonly Operand[], final: Final, from: Evaluated): Evaluated {
    if (from === undefined) {
      if (this.#program.failsOnMissingKey) throw this.#fault(`nil data; no entry for key ${quote(name)}`);
      return undefined;
    }
    const receiver = plain(from);
    const type = from instanceof Boxed ? 'interface {}' : typeName(receiver);
    if (receiver === null) throw this.#fault(`nil pointer evaluating ${type}.${name}`);
    const hasArgs = args.length > 1 || final !== missing;
    if (receiver instanceof Struct) {
      const method = receiver.methods.get(name);
      if (method !== undefined) return this.#method(dot, name, node, args, final, method);
      if (receiver.fields.has(name)) {
        if (hasArgs) throw this.#fault(`${name} has arguments but cannot be invoked as function`);
        return receiver.fields.get(name);
      }
    }
    if (!(receiver instanceof Dict)) throw this.#fault(`can't evaluate field ${name} in type ${type}`);
    if (hasArgs) throw this.#fault(`${name} is not a method but has arguments`);
    const value = receiver.entries.get(name);
    if (value !== undefined) return receiver.element === 'string' ? value : new Boxed(value);
    if (!this.#program.failsOnMissingKey) return undefined;
    throw this.#fault(`map has no entry for key ${quote(name)}`, {
      key: textOf(name),
      known: receiver.sortedKeys().slice(0, 100).map(textOf),
    });
  }

  #method(
    dot: Evaluated,
    name: Bytes,
    node: Node,
    args: readonly Operand[],
    final: Final,
    method: { readonly params: readonly ParamType[]; readonly body: (args: readonly Value[]) => Value },
  ): Evaluated {
    const definition: TemplateFunction = {
      name,
      params: method.params,
      variadic: undefined,
      doc: '',
      isVolatile: false,
      makesCertificate: false,
      call: (given) => method.body(given.map((value) => value ?? null)),
    };
    return this.#call(dot, { definition, isBuiltin: false }, node, args, final);
  }

  #function(dot: Evaluated, node: IdentifierNode, command: Node, args: readonly Operand[], final: Final): Evaluated {
    this.#at(node);
    const found = this.#program.functions(node.name);
    if (found === undefined) throw this.#fault(`${quote(node.name)} is not a defined function`);
    return this.#call(dot, found, command, args, final);
  }

  #call(
    dot: Evaluated,
    { definition, isBuiltin }: { readonly definition: TemplateFunction; readonly isBuiltin: boolean },
    node: Node,
    operands: readonly Operand[],
    final: Final,
  ): Evaluated {
    const { name, params, variadic } = definition;
    const args = operands.slice(1);
    const count = args.length + (final === missing ? 0 : 1);
    if (variadic !== undefined && count < params.length) {
      throw this.#fault(`wrong number of args for ${name}: want at least ${params.length} got ${args.length}`);
    }
    if (variadic === undefined && count !== params.length) {
      throw this.#fault(`wrong number of args for ${name}: want ${params.length} got ${count}`);
    }
    if (isBuiltin && (name === 'and' || name === 'or')) return this.#andOr(dot, name, args, final);
    const values: (Value | undefined)[] = args.map((arg, index) => this.#argument(dot, params[index] ?? variadic, arg));
    if (final !== missing) values.push(this.#checked(final, params[count - 1] ?? variadic));
    if (isBuiltin && name === 'call') values.unshift(args[0] === undefined ? '' : nodeText(args[0]));
    return this.#invoke(definition, node, values);
  }

  #invoke(definition: TemplateFunction, node: Node, values: readonly (Value | undefined)[]): Evaluated {
    const { budget } = this.#context;
    for (const value of values) if (value !== undefined) chargeReading(value, budget);
    try {
      const result = definition.call(values, this.#context);
      budget.room(sizeOf(result));
      return result;
    } catch (thrown) {
      if (!(thrown instanceof FunctionFault)) throw thrown;
      this.#at(node);
      throw this.#fault(`error calling ${definition.name}: ${thrown.message}`);
    }
  }

  #andOr(dot: Evaluated, name: Bytes, args: readonly Operand[], final: Final): Evaluated {
    let value: Evaluated;
    for (const arg of args) {
      value = this.#argument(dot, 'value', arg);
      if (isTrue(plainOrNone(value)) === (name === 'or')) return value;
    }
    return final === missing ? value : plainOrNone(final);
  }

  #argument(dot: Evaluated, type: ParamType | undefined, node: Operand): Value | undefined {
    this.#at(node);
    const wanted = type ?? 'any';
    switch (node.type) {
      case 'dot':
        return this.#checked(dot, wanted);
      case 'nil':
        return this.#nil(wanted);
      case 'field':
      case 'variable':
      case 'chain':
        return this.#checked(this.#path(dot, node, [], missing), wanted);
      case 'pipe':
        return this.#checked(this.#pipeline(dot, node), wanted);
      case 'identifier':
        return this.#checked(this.#function(dot, node, node, [], missing), wanted);
      default:
        return this.#literal(node, wanted);
    }
  }

  #nil(type: ParamType): Value | undefined {
    if (type === 'any') return null;
    if (type === 'value') return undefined;
    if (type === 'list') return new List([], 'interface {}', true);
    if (type === 'dict') return Dict.nil();
    throw this.#fault(`cannot assign nil to ${paramTypeName(type)}`);
  }

  #literal(node: Extract<Operand, { type: 'bool' | 'number' | 'string' }>, type: ParamType): Value {
    const refuse = (wanted: string) => this.#fault(`expected ${wanted}; found ${nodeText(node)}`);
    const constant = node.type === 'number' ? node.constant : undefined;
    switch (type) {
      case 'any':
      case 'value':
        return node.type === 'number' ? this.#constant(node) : node.type === 'bool' ? node.value : node.text;
      case 'string':
        if (node.type !== 'string') throw refuse('string');
        return node.text;
      case 'bool':
        if (node.type !== 'bool') throw refuse('bool');
        return node.value;
      case 'int':
      case 'int64':
        if (constant?.int === undefined || constant.int > maxInt64) throw refuse('integer');
        return type === 'int' ? constant.int : new Sized('int64', constant.int);
      case 'uint32':
        if (constant?.uint === undefined) throw refuse('unsigned integer');
        return new Sized('uint32', BigInt.asUintN(32, constant.uint));
      case 'float64':
        if (constant?.float === undefined) throw refuse('float');
        return constant.float;
      default:
        throw this.#fault(`can't handle ${nodeText(node)} for arg of type ${paramTypeName(type)}`);
    }
  }

  /** A value where a type is expected. */
  #checked(evaluated: Evaluated, type: ParamType | undefined): Value | undefined {
    const wanted = type ?? 'any';
    if (evaluated === undefined) {
      if (wanted === 'value') return undefined;
      if (wanted === 'any') return null;
      if (wanted === 'list') return new List([], 'interface {}', true);
      if (wanted === 'dict') return Dict.nil();
      throw this.#fault(`invalid value; expected ${paramTypeName(wanted)}`);
    }
    const value = plain(evaluated);
    if (wanted === 'any' || wanted === 'value') return value;
    if (fits(value, wanted)) return value;
    throw this.#fault(`wrong type for value; expected ${paramTypeName(wanted)}; got ${typeName(value)}`);
  }
}

function fits(value: Value, type: ParamType): boolean {
  return value !== null && typeName(value) === paramTypeName(type);
}

function plain(value: Exclude<Evaluated, undefined>): Value {
  return value instanceof Boxed ? value.value : value;
}

function plainOrNone(value: Evaluated): Value | undefined {
  const inner = value instanceof Boxed ? value.value : value;
  return inner === null ? undefined : inner;
}

/** An interface becomes what it holds between the stages of a pipeline; a nil one becomes nothing valid. */
function unboxed(value: Evaluated): Value | undefined {
  return plainOrNone(value);
}

/** Bytes of a text, and elements of a list or map, that are read in the time of a step. */
const bytesPerStep = 256;
const elementsPerStep = 16;
/** What lies deeper is not looked at here: a map that holds itself has no end. */
const deepest = 1_000;

/**
 * Charges what it takes to read a value whole, as to print or to compare it: a list that holds a list twice, which holds
 * another twice, is short to write down.
 */
function chargeReading(value: Value, budget: CallContext['budget'], depth = 0): void {
  if (typeof value === 'string') {
    if (value.length >= bytesPerStep) budget.step(Math.ceil(value.length / bytesPerStep));
    return;
  }
  const size = sizeOf(value);
  if (size === 0 || depth > deepest) return;
  budget.step(Math.ceil(size / elementsPerStep));
  if (value instanceof List) for (const item of value.items) chargeReading(item, budget, depth + 1);
  if (value instanceof Dict) for (const item of value.entries.values()) chargeReading(item, budget, depth + 1);
}

/** What a result weighs against the bound of one value. */
function sizeOf(value: Evaluated): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof List) return value.items.length;
  return value instanceof Dict ? value.entries.size : 0;
}
