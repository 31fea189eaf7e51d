// Go templates as External Secrets uses them: a text is compiled once, and executed over the keys and values of a Secret.
// This is the door of the folder; what a template may cost, and what random bytes and which time it sees, are arguments.
import { run } from './evaluate.ts';
import { findFunction } from './functions/all.ts';
import type { TemplateFunction } from './functions/define.ts';
import { Budget, defaultLimits, type TemplateLimits } from './limits.ts';
import type { Node, Operand, Tree } from './nodes.ts';
import { parseTemplate } from './parser.ts';
import { type Bytes, bufferOf, bytesOf, bytesOfBuffer } from './text.ts';
import { Dict } from './values.ts';

export interface CompileOptions {
  /** The template's name in errors; ESO takes the key that it renders. */
  readonly name: string;
  /** What opens and closes an action; `{{` and `}}` unless given. */
  readonly delimiters?: readonly [left: string, right: string];
  /** What a missing key does: `error` (ESO's templates) or `print` (`<no value>`, ESO's rewrite transform). */
  readonly missingKey?: 'error' | 'print';
}

export interface ExecuteOptions {
  readonly limits?: TemplateLimits;
  /** The account that is charged, in place of a new one of `limits`. */
  readonly account?: Budget;
  /** The present, for `now`, `ago` and the validity of certificates; ms since the epoch. */
  readonly nowMs: number;
  /** Random bytes for passwords, keys, salts and UUIDs. */
  readonly randomBytes: (size: number) => Uint8Array;
}

/** Keys and values; as a Dict of bytes when they are used again and again. */
export type TemplateData = Readonly<Record<string, string | Uint8Array>> | Dict;

export interface Template {
  /** Whether two renders of the same data may differ: the text uses random bytes or the clock. */
  readonly isVolatile: boolean;
  /** The text uses a function that makes certificates. */
  readonly makesCertificates: boolean;
  /**
   * What the template writes, as bytes: a template may decode a key store. Throws TemplateError (Go's text without values)
   * and TemplateLimit.
   */
  readonly execute: (data: TemplateData, options: ExecuteOptions) => Buffer;
}

/** Compiles a template; throws TemplateError with Go's text when it does not parse. */
export function compileTemplate(text: string, { name, delimiters, missingKey = 'error' }: CompileOptions): Template {
  const source = {
    name: bytesOf(name),
    text: bytesOf(text),
    delimiters: { left: bytesOf(delimiters?.[0] || '{{'), right: bytesOf(delimiters?.[1] || '}}') },
    isFunction: (known: Bytes) => findFunction(known) !== undefined,
  };
  const trees = parseTemplate(source);
  const program = { ...source, trees, functions: findFunction, failsOnMissingKey: missingKey === 'error' };
  return {
    isVolatile: uses(trees, ({ isVolatile }) => isVolatile),
    makesCertificates: uses(trees, ({ makesCertificate }) => makesCertificate),
    execute: (data, { limits = defaultLimits, account = new Budget(limits), nowMs, randomBytes }) =>
      bufferOf(run(program, rootOf(data), { budget: account, nowMs, randomBytes })),
  };
}

/** The data's root: map[string]string, as ESO gives it. */
function rootOf(data: TemplateData): Dict {
  if (data instanceof Dict) return data;
  const entries = new Map<Bytes, Bytes>();
  for (const [key, value] of Object.entries(data)) {
    entries.set(bytesOf(key), typeof value === 'string' ? bytesOf(value) : bytesOfBuffer(value));
  }
  return new Dict(entries, 'string');
}

/** Whether a function of which `is` holds stands anywhere in the text. */
function uses(trees: ReadonlyMap<Bytes, Tree>, is: (used: TemplateFunction) => boolean): boolean {
  const isIn = (node: Node | Operand): boolean => {
    switch (node.type) {
      case 'identifier': {
        const found = findFunction(node.name)?.definition;
        return found !== undefined && is(found);
      }
      case 'list':
        return node.nodes.some(isIn);
      case 'action':
        return isIn(node.pipe);
      case 'if':
      case 'with':
      case 'range':
        return isIn(node.pipe) || isIn(node.list) || (node.otherwise !== undefined && isIn(node.otherwise));
      case 'template':
        return node.pipe !== undefined && isIn(node.pipe);
      case 'pipe':
        return node.commands.some(isIn);
      case 'command':
        return node.args.some(isIn);
      case 'chain':
        return isIn(node.node);
      default:
        return false;
    }
  };
  return [...trees.values()].some(({ root }) => isIn(root));
}
