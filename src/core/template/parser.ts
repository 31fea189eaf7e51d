// Builds the parse trees of a template and of those that it defines. Grammar and error texts are Go 1.26's
// (https://pkg.go.dev/text/template/parse); values of a template never reach these errors.
import { TemplateError } from './errors.ts';
import { type Delimiters, describeToken, type Token, type TokenType, tokenize } from './lexer.ts';
import {
  type BranchNode,
  type CommandNode,
  isEmpty,
  type ListNode,
  nodeText,
  type Operand,
  type PipeNode,
  type Statement,
  type TemplateNode,
  type Tree,
  type VariableNode,
} from './nodes.ts';
import { ConstantFault, readConstant } from './numbers.ts';
import { quote, unquote } from './quote.ts';
import type { Bytes } from './text.ts';

export interface Source {
  readonly name: Bytes;
  readonly text: Bytes;
  readonly delimiters: Delimiters;
  readonly isFunction: (name: Bytes) => boolean;
}

/** `else` or `end`, which close a list. */
interface Closing {
  readonly type: 'else' | 'end';
  readonly at: number;
}

/** Parentheses and blocks inside one another: ours is lower than Go's 10,000, and guards the stack. */
const deepestNesting = 500;

/** Every tree by name; the template's own stands under its name. Throws TemplateError. */
export function parseTemplate(source: Source): ReadonlyMap<Bytes, Tree> {
  const trees = new Map<Bytes, Tree>();
  new Parser(source, tokenize(source.text, source.delimiters), trees).parse();
  return trees;
}

const operandStarts: ReadonlySet<TokenType> = new Set<TokenType>([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
]);

class Parser {
  readonly #source: Source;
  readonly #tokens: readonly Token[];
  readonly #trees: Map<Bytes, Tree>;
  #next = 0;
  /** The token that was read last from the lexer: errors name its line. */
  #furthest = 0;
  #variables: Bytes[] = ['$'];
  #rangeDepth = 0;
  #nesting = 0;
  #actionLine = 0;

  constructor(source: Source, tokens: readonly Token[], trees: Map<Bytes, Tree>) {
    this.#source = source;
    this.#tokens = tokens;
    this.#trees = trees;
  }

  parse(): void {
    const nodes: Statement[] = [];
    const at = this.#peek().at;
    while (this.#peek().type !== 'eof') {
      if (this.#startsDefinition()) {
        this.#scoped(() => this.#definition());
        continue;
      }
      const node = this.#textOrAction();
      if (isClosing(node)) throw this.#fault(`unexpected {{${node.type}}}`);
      nodes.push(node);
    }
    this.#add({ name: this.#source.name, root: { type: 'list', at, nodes } });
  }

  #startsDefinition(): boolean {
    if (this.#peek().type !== 'leftDelim') return false;
    const from = this.#next;
    this.#read();
    if (this.#readNonSpace().type === 'define') return true;
    this.#next = from;
    return false;
  }

  #definition(): void {
    const context = 'define clause';
    const token = this.#readNonSpace();
    if (token.type !== 'string' && token.type !== 'rawString') throw this.#unexpected(token, context);
    const name = this.#unquoted(token);
    this.#expect('rightDelim', context);
    const [root, closing] = this.#itemList();
    if (closing.type !== 'end') throw this.#fault(`unexpected {{${closing.type}}} in ${context}`);
    this.#add({ name, root });
  }

  /** A template has variables and loops of its own. */
  #scoped<T>(body: () => T): T {
    const outer = { variables: this.#variables, rangeDepth: this.#rangeDepth, actionLine: this.#actionLine };
    this.#variables = ['$'];
    this.#rangeDepth = 0;
    this.#actionLine = 0;
    const result = body();
    this.#variables = outer.variables;
    this.#rangeDepth = outer.rangeDepth;
    this.#actionLine = outer.actionLine;
    return result;
  }

  #add(tree: Tree): void {
    const known = this.#trees.get(tree.name);
    if (known === undefined || isEmpty(known.root)) this.#trees.set(tree.name, tree);
    else if (!isEmpty(tree.root)) {
      throw this.#fault(`template: multiple definition of template ${quote(tree.name)}`);
    }
  }

  #itemList(): readonly [ListNode, Closing] {
    const at = this.#peekNonSpace().at;
    const nodes: Statement[] = [];
    this.#nest();
    while (this.#peekNonSpace().type !== 'eof') {
      const node = this.#textOrAction();
      if (isClosing(node)) {
        this.#nesting -= 1;
        return [{ type: 'list', at, nodes }, node];
      }
      nodes.push(node);
    }
    throw this.#fault('unexpected EOF');
  }

  #textOrAction(): Statement | Closing {
    const token = this.#readNonSpace();
    if (token.type === 'text') return { type: 'text', at: token.at, text: token.text };
    if (token.type !== 'leftDelim') throw this.#unexpected(token, 'input');
    this.#actionLine = token.line;
    const node = this.#action();
    this.#actionLine = 0;
    return node;
  }

  #action(): Statement | Closing {
    const token = this.#readNonSpace();
    switch (token.type) {
      case 'block':
        return this.#block();
      case 'break':
      case 'continue':
        return this.#jump(token.type, token.at);
      case 'else':
        return this.#else();
      case 'end':
        return { type: 'end', at: this.#expect('rightDelim', 'end').at };
      case 'if':
      case 'range':
      case 'with':
        return this.#branch(token.type);
      case 'template':
        return this.#template();
      default:
        this.#back();
        return { type: 'action', at: token.at, pipe: this.#pipeline('command', 'rightDelim') };
    }
  }

  #jump(type: 'break' | 'continue', at: number): Statement {
    const token = this.#readNonSpace();
    if (token.type !== 'rightDelim') throw this.#unexpected(token, `{{${type}}}`);
    if (this.#rangeDepth === 0) throw this.#fault(`{{${type}}} outside {{range}}`);
    return { type, at };
  }

  #else(): Closing {
    const peek = this.#peekNonSpace();
    if (peek.type === 'if' || peek.type === 'with') return { type: 'else', at: peek.at };
    return { type: 'else', at: this.#expect('rightDelim', 'else').at };
  }

  #branch(type: 'if' | 'range' | 'with'): BranchNode {
    const outerVariables = this.#variables.length;
    const pipe = this.#pipeline(type, 'rightDelim');
    if (type === 'range') this.#rangeDepth += 1;
    const [list, closing] = this.#itemList();
    if (type === 'range') this.#rangeDepth -= 1;
    const otherwise = closing.type === 'else' ? this.#otherwise(type, closing) : undefined;
    this.#variables.length = outerVariables;
    return { type, at: pipe.at, pipe, list, otherwise };
  }

  #otherwise(type: 'if' | 'range' | 'with', closing: Closing): ListNode {
    // `else if` and `else with` share the end of the outer action.
    if (type !== 'range' && this.#peek().type === type) {
      this.#read();
      this.#nest();
      const nested = this.#branch(type);
      this.#nesting -= 1;
      return { type: 'list', at: closing.at, nodes: [nested] };
    }
    const [list, next] = this.#itemList();
    if (next.type !== 'end') throw this.#fault(`expected end; found {{${next.type}}}`);
    return list;
  }

  #block(): TemplateNode {
    const context = 'block clause';
    const token = this.#readNonSpace();
    const name = this.#templateName(token, context);
    const pipe = this.#pipeline(context, 'rightDelim');
    const [root, closing] = this.#scoped(() => this.#itemList());
    if (closing.type !== 'end') throw this.#fault(`unexpected {{${closing.type}}} in ${context}`);
    this.#add({ name, root });
    return { type: 'template', at: token.at, name, pipe };
  }

  #template(): TemplateNode {
    const context = 'template clause';
    const token = this.#readNonSpace();
    const name = this.#templateName(token, context);
    const next = this.#readNonSpace();
    if (next.type === 'rightDelim') return { type: 'template', at: token.at, name, pipe: undefined };
    this.#back();
    return { type: 'template', at: token.at, name, pipe: this.#pipeline(context, 'rightDelim') };
  }

  #templateName(token: Token, context: string): Bytes {
    if (token.type === 'string' || token.type === 'rawString') return this.#unquoted(token);
    throw this.#unexpected(token, context);
  }

  #pipeline(context: string, end: TokenType): PipeNode {
    const at = this.#peekNonSpace().at;
    const declared: VariableNode[] = [];
    const assigns = this.#declarations(context, declared);
    const commands: CommandNode[] = [];
    for (;;) {
      const token = this.#readNonSpace();
      if (token.type === end) break;
      if (!operandStarts.has(token.type)) throw this.#unexpected(token, context);
      this.#back();
      commands.push(this.#command());
    }
    if (commands.length === 0) throw this.#fault(`missing value for ${context}`);
    const constant = commands.findIndex((command, index) => index > 0 && isConstant(command.args[0]));
    if (constant > 0) throw this.#fault(`non executable command in pipeline stage ${constant + 1}`);
    return { type: 'pipe', at, assigns, declared, commands };
  }

  /** `$x :=`, `$x =` and, in a range, `$i, $x :=`; false when the variable turns out to be an operand. */
  #declarations(context: string, declared: VariableNode[]): boolean {
    for (;;) {
      const from = this.#next;
      const token = this.#peekNonSpace();
      if (token.type !== 'variable') return false;
      this.#readNonSpace();
      const next = this.#peekNonSpace();
      const isComma = next.type === 'char' && next.text === ',';
      if (!isComma && next.type !== 'assign' && next.type !== 'declare') {
        this.#next = from;
        return false;
      }
      this.#readNonSpace();
      declared.push({ type: 'variable', at: token.at, path: [token.text] });
      this.#variables.push(token.text);
      if (!isComma) return next.type === 'assign';
      if (context !== 'range' || declared.length >= 2) throw this.#fault(`too many declarations in ${context}`);
      if (!['variable', 'rightDelim', 'rightParen'].includes(this.#peekNonSpace().type)) {
        throw this.#fault('range can only initialize variables');
      }
    }
  }

  #command(): CommandNode {
    const at = this.#peekNonSpace().at;
    const args: Operand[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) args.push(operand);
      const token = this.#read();
      if (token.type === 'space') continue;
      if (token.type === 'rightDelim' || token.type === 'rightParen') this.#back();
      else if (token.type !== 'pipe') throw this.#unexpected(token, 'operand');
      break;
    }
    if (args.length === 0) throw this.#fault('empty command');
    return { type: 'command', at, args };
  }

  #operand(): Operand | undefined {
    const node = this.#term();
    if (node === undefined || this.#peek().type !== 'field') return node;
    const { at } = this.#peek();
    const path: Bytes[] = [];
    while (this.#peek().type === 'field') path.push(this.#read().text.slice(1));
    switch (node.type) {
      case 'field':
        return { type: 'field', at, path: [...node.path, ...path] };
      case 'variable':
        return { type: 'variable', at, path: [...node.path, ...path] };
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        throw this.#fault(`unexpected . after term ${quote(nodeText(node))}`);
      default:
        return { type: 'chain', at, node, path };
    }
  }

  #term(): Operand | undefined {
    const token = this.#readNonSpace();
    const { at } = token;
    switch (token.type) {
      case 'identifier':
        if (!this.#source.isFunction(token.text)) throw this.#fault(`function ${quote(token.text)} not defined`);
        return { type: 'identifier', at, name: token.text };
      case 'dot':
      case 'nil':
        return { type: token.type, at };
      case 'variable':
        if (!this.#variables.includes(token.text)) throw this.#fault(`undefined variable ${quote(token.text)}`);
        return { type: 'variable', at, path: [token.text] };
      case 'field':
        return { type: 'field', at, path: [token.text.slice(1)] };
      case 'bool':
        return { type: 'bool', at, value: token.text === 'true' };
      case 'charConstant':
      case 'complex':
      case 'number':
        return { type: 'number', at, constant: this.#constant(token.text, token.type) };
      case 'leftParen':
        return this.#parenthesized();
      case 'string':
      case 'rawString':
        return { type: 'string', at, quoted: token.text, text: this.#unquoted(token) };
      default:
        this.#back();
        return undefined;
    }
  }

  #parenthesized(): PipeNode {
    this.#nest();
    const pipe = this.#pipeline('parenthesized pipeline', 'rightParen');
    this.#nesting -= 1;
    return pipe;
  }

  #nest(): void {
    this.#nesting += 1;
    if (this.#nesting > deepestNesting) throw this.#fault('max expression depth exceeded');
  }

  #constant(text: Bytes, kind: 'charConstant' | 'complex' | 'number') {
    try {
      return readConstant(text, kind);
    } catch (thrown) {
      throw thrown instanceof ConstantFault ? this.#fault(thrown.message) : thrown;
    }
  }

  #unquoted(token: Token): Bytes {
    const text = unquote(token.text);
    if (text === undefined) throw this.#fault('invalid syntax');
    return text;
  }

  #token(index: number): Token {
    this.#furthest = Math.max(this.#furthest, index);
    const last = this.#tokens.length - 1;
    return this.#tokens[Math.min(index, last)] ?? { type: 'eof', at: 0, text: 'EOF', line: 1 };
  }

  #peek(): Token {
    return this.#token(this.#next);
  }

  #read(): Token {
    const token = this.#token(this.#next);
    this.#next += 1;
    return token;
  }

  #readNonSpace(): Token {
    let token = this.#read();
    while (token.type === 'space') token = this.#read();
    return token;
  }

  #peekNonSpace(): Token {
    while (this.#peek().type === 'space') this.#next += 1;
    return this.#peek();
  }

  /** Gives back the token that was read last. */
  #back(): void {
    this.#next -= 1;
  }

  #expect(type: TokenType, context: string): Token {
    const token = this.#readNonSpace();
    if (token.type !== type) throw this.#unexpected(token, context);
    return token;
  }

  #unexpected(token: Token, context: string): TemplateError {
    if (token.type !== 'error') return this.#fault(`unexpected ${describeToken(token)} in ${context}`);
    const started = this.#actionLine !== 0 && this.#actionLine !== token.line;
    const where = `started at ${this.#source.name}:${this.#actionLine}`;
    const lead = token.text.endsWith(' action') ? ' ' : ' in action ';
    return this.#fault(`${token.text}${started ? `${lead}${where}` : ''}`);
  }

  #fault(message: string): TemplateError {
    const { line } = this.#token(this.#furthest);
    return new TemplateError('parse', `template: ${this.#source.name}:${line}: ${message}`, {
      place: { line, column: undefined },
    });
  }
}

function isClosing(node: Statement | Closing): node is Closing {
  return node.type === 'else' || node.type === 'end';
}

function isConstant(node: Operand | undefined): boolean {
  return node !== undefined && ['bool', 'dot', 'nil', 'number', 'string'].includes(node.type);
}
