// Secrets of a whole document, encrypted and decrypted in its text: only the secrets themselves are replaced, so comments,
// order and layout stay.
import { isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments, type YAMLMap } from 'yaml';
import { type Cipher, openCiphertext, sealCiphertext } from './ciphertext.ts';
import { maxDepth } from './limits.ts';
import { resolvePlain } from './number-text.ts';
import { scalarText } from './tree.ts';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** `count` secrets were replaced. */
export type Rewritten = { readonly text: string; readonly count: number } | { readonly problem: string };

/** Every `fn::secret` with a string becomes a ciphertext. */
export function encryptDocument(text: string, cipher: Pick<Cipher, 'encrypt'>): Rewritten {
  return rewrite(text, ({ key, value }) => {
    const plaintext = stringOf(value);
    if (plaintext === undefined || !isScalar(value)) return undefined;
    const sealed = sealCiphertext(cipher.encrypt(Buffer.from(plaintext, 'utf8')));
    // A document that is JSON stays JSON.
    const isQuoted = isScalar(key) && key.type === 'QUOTE_DOUBLE';
    return { ...spanOf(value), text: isQuoted ? `{"ciphertext": "${sealed}"}` : `{ciphertext: ${sealed}}` };
  });
}

/** Every ciphertext below `values` becomes the string that it holds. */
export function decryptDocument(text: string, cipher: Pick<Cipher, 'decrypt'>): Rewritten {
  return rewrite(text, ({ value }, top) => {
    const ciphertext = top === 'values' ? ciphertextOf(value) : undefined;
    if (ciphertext === undefined || !isMap(value)) return undefined;
    const encrypted = openCiphertext(ciphertext);
    if ('problem' in encrypted) throw new Unreadable(`invalid ciphertext: ${encrypted.problem}`);
    const span = spanOf(value);
    return { ...span, text: JSON.stringify(decrypted(encrypted, cipher)) };
  });
}

class Unreadable extends Error {}

function decrypted(encrypted: Buffer, cipher: Pick<Cipher, 'decrypt'>): string {
  try {
    return cipher.decrypt(encrypted).toString('utf8');
  } catch (thrown) {
    throw new Unreadable(`decrypting: ${thrown instanceof Error ? thrown.message : 'the key does not fit'}`);
  }
}

type Replace = (pair: Pair<unknown, unknown>, topKey: string | undefined) => Edit | undefined;

function rewrite(text: string, replace: Replace): Rewritten {
  try {
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      merge: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    if (!Array.isArray(documents)) return { text, count: 0 };
    const edits: Edit[] = [];
    for (const { contents, errors } of documents) {
      if (errors.length > 0) return { problem: 'the document is not valid YAML' };
      for (const each of environmentsIn(contents)) collect(each, undefined, 0, replace, edits);
    }
    return { text: applied(text, edits), count: edits.length };
  } catch (thrown) {
    if (thrown instanceof Unreadable) return { problem: thrown.message };
    if (thrown instanceof RangeError) return { problem: `the document nests deeper than ${maxDepth} levels` };
    throw thrown;
  }
}

/**
 * The documents of ESC in one of a stream: what an Environment's manifest has under `spec`, alone or in a list, and nothing of
 * other manifests. What is no manifest is a document itself.
 */
function environmentsIn(contents: unknown, listedAs?: string): readonly unknown[] {
  const member = (key: string) =>
    isMap(contents) ? contents.items.find((pair) => stringOf(pair.key) === key)?.value : undefined;
  const isTyped = stringOf(member('apiVersion')) !== undefined || listedAs !== undefined;
  const kind = stringOf(member('kind')) ?? listedAs;
  if (!isTyped || kind === undefined) return [contents];
  if (kind === 'Environment') return [member('spec')];
  const items = member('items');
  if (listedAs !== undefined || !kind.endsWith('List') || !isSeq(items)) return [];
  return items.items.flatMap((each: unknown) => environmentsIn(each, kind.slice(0, -'List'.length)));
}

function collect(node: unknown, top: string | undefined, depth: number, replace: Replace, edits: Edit[]): void {
  if (depth > maxDepth) throw new Unreadable(`the document nests deeper than ${maxDepth} levels`);
  if (isSeq(node)) for (const item of node.items) collect(item, top, depth + 1, replace, edits);
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const key = stringOf(pair.key);
    const edit = key === 'fn::secret' ? replace(pair, top) : undefined;
    if (edit !== undefined) edits.push(edit);
    else collect(pair.value, depth === 0 ? key?.toLowerCase() : top, depth + 1, replace, edits);
  }
}

/** The text of a scalar that is a string. */
function stringOf(node: unknown): string | undefined {
  if (!isScalar(node) || (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str')) return undefined;
  const text = scalarText(node);
  const isString = node.type !== 'PLAIN' || node.tag !== undefined || resolvePlain(text).kind === 'string';
  return isString ? text : undefined;
}

function ciphertextOf(node: unknown): string | undefined {
  if (!isMap(node) || (node as YAMLMap).items.length !== 1) return undefined;
  const [only] = node.items;
  return only !== undefined && stringOf(only.key) === 'ciphertext' ? stringOf(only.value) : undefined;
}

/** Where a node stands, its tag and anchor left out; a block's end goes back to its last character. */
function spanOf(node: Node): { readonly start: number; readonly end: number } {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}

function applied(text: string, edits: readonly Edit[]): string {
  let rewritten = text;
  for (const { start, end, text: replacement } of [...edits].sort((left, right) => right.start - left.start)) {
    // A block takes its line's end with it.
    const taken = rewritten.slice(start, end);
    const lineEnd = taken.slice(taken.trimEnd().length);
    rewritten = rewritten.slice(0, start) + replacement + lineEnd + rewritten.slice(end);
  }
  return rewritten;
}
