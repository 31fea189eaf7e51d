// The parse tree of a template, and how Go writes a node back in an error ("executing … at <…>").
import type { Constant } from './numbers.ts';
import { quote } from './quote.ts';
import type { Bytes } from './text.ts';

interface At {
  /** Byte offset in the template's text. */
  readonly at: number;
}

export interface TextNode extends At {
  readonly type: 'text';
  readonly text: Bytes;
}
export interface ActionNode extends At {
  readonly type: 'action';
  readonly pipe: PipeNode;
}
export interface BranchNode extends At {
  readonly type: 'if' | 'with' | 'range';
  readonly pipe: PipeNode;
  readonly list: ListNode;
  readonly otherwise: ListNode | undefined;
}
export interface TemplateNode extends At {
  readonly type: 'template';
  readonly name: Bytes;
  readonly pipe: PipeNode | undefined;
}
export interface JumpNode extends At {
  readonly type: 'break' | 'continue';
}
export interface ListNode extends At {
  readonly type: 'list';
  readonly nodes: readonly Statement[];
}
export interface PipeNode extends At {
  readonly type: 'pipe';
  readonly assigns: boolean;
  readonly declared: readonly VariableNode[];
  readonly commands: readonly CommandNode[];
}
export interface CommandNode extends At {
  readonly type: 'command';
  readonly args: readonly Operand[];
}
export interface IdentifierNode extends At {
  readonly type: 'identifier';
  readonly name: Bytes;
}
export interface VariableNode extends At {
  readonly type: 'variable';
  /** `$name` and the fields behind it. */
  readonly path: readonly Bytes[];
}
export interface FieldNode extends At {
  readonly type: 'field';
  readonly path: readonly Bytes[];
}
export interface ChainNode extends At {
  readonly type: 'chain';
  readonly node: Operand;
  readonly path: readonly Bytes[];
}
export interface PlainNode extends At {
  readonly type: 'dot' | 'nil';
}
export interface BoolNode extends At {
  readonly type: 'bool';
  readonly value: boolean;
}
export interface NumberNode extends At {
  readonly type: 'number';
  readonly constant: Constant;
}
export interface StringNode extends At {
  readonly type: 'string';
  readonly quoted: Bytes;
  readonly text: Bytes;
}

export type Statement = TextNode | ActionNode | BranchNode | TemplateNode | JumpNode;
export type Operand =
  | IdentifierNode
  | VariableNode
  | FieldNode
  | ChainNode
  | PlainNode
  | BoolNode
  | NumberNode
  | StringNode
  | PipeNode;
export type Node = Statement | ListNode | CommandNode | Operand;

/** A named template; `source` is the text that its offsets count in. */
export interface Tree {
  readonly name: Bytes;
  readonly root: ListNode;
}

/** Whether nothing but space stands in a template: such a definition may be defined again. */
export function isEmpty(list: ListNode): boolean {
  return list.nodes.every((node) => node.type === 'text' && /^[\t\n\v\f\r \x85\xa0]*$/.test(node.text));
}

/** The node in template syntax. */
export function nodeText(node: Node): Bytes {
  switch (node.type) {
    case 'text':
      return node.text;
    case 'action':
      return `{{${nodeText(node.pipe)}}}`;
    case 'if':
    case 'with':
    case 'range': {
      const otherwise = node.otherwise === undefined ? '' : `{{else}}${nodeText(node.otherwise)}`;
      return `{{${node.type} ${nodeText(node.pipe)}}}${nodeText(node.list)}${otherwise}{{end}}`;
    }
    case 'template':
      return `{{template ${quote(node.name)}${node.pipe === undefined ? '' : ` ${nodeText(node.pipe)}`}}}`;
    case 'break':
    case 'continue':
      return `{{${node.type}}}`;
    case 'list':
      return node.nodes.map(nodeText).join('');
    case 'pipe':
      return `${declarations(node)}${node.commands.map(nodeText).join(' | ')}`;
    case 'command':
      return node.args.map(inParens).join(' ');
    case 'identifier':
      return node.name;
    case 'variable':
      return node.path.join('.');
    case 'field':
      return node.path.map((name) => `.${name}`).join('');
    case 'chain':
      return `${inParens(node.node)}${node.path.map((name) => `.${name}`).join('')}`;
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'number':
      return node.constant.text;
    case 'string':
      return node.quoted;
  }
}

function declarations(pipe: PipeNode): Bytes {
  if (pipe.declared.length === 0) return '';
  return `${pipe.declared.map(nodeText).join(', ')}${pipe.assigns ? ' = ' : ' := '}`;
}

function inParens(node: Operand): Bytes {
  return node.type === 'pipe' ? `(${nodeText(node)})` : nodeText(node);
}
