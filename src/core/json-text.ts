// Strict JSON (RFC 8259) read as text, the way Go's encoding/json accepts it, so that members of an object keep what they
// are written as: `1.50` stays `1.50`, and integers of any length keep their digits. One pass, no recursion.
import { OperatorError } from '../base/operator-error.ts';

/** Nesting at which Go's decoder gives up. */
const maxDepth = 10_000;

// Sticky patterns: each use sets lastIndex first.
const escapeToken = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const scalarToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const blanks = /[ \t\r\n]*/y;

/** Whether the whole text is one JSON value, however deep. */
export function isJson(text: string): boolean {
  return scan(text, Number.POSITIVE_INFINITY, () => undefined) === undefined;
}

/**
 * The members of a JSON object as raw text, the last of equal keys counting; `null` is an object without members. Throws
 * InvalidValue for anything else. Messages say where the text is wrong and never quote it.
 */
export function jsonObjectMembers(text: string): Map<string, string> {
  const start = skipBlanks(text, 0);
  const members = new Map<string, string>();
  const problem = scan(text, maxDepth, (key, from, to) => members.set(jsonString(key), text.slice(from, to)));
  if (problem !== undefined) throw new OperatorError('InvalidValue', `the value is not valid JSON: ${problem}`);
  if (text.charAt(start) !== '{' && !text.startsWith('null', start)) {
    throw new OperatorError('InvalidValue', `the value is JSON, but ${kindOf(text.charAt(start))} and not an object`);
  }
  return members;
}

/** A member as a Secret holds it: strings unescaped, null empty, all else as written. */
export function jsonMemberText(raw: string): string {
  if (raw.startsWith('"')) return jsonString(raw);
  return raw === 'null' ? '' : raw;
}

/** A JSON string token unescaped as Go does: surrogates without a partner become U+FFFD. */
function jsonString(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1);
  const parsed: unknown = JSON.parse(token);
  return String(parsed).toWellFormed();
}

function kindOf(first: string): string {
  if (first === '[') return 'an array';
  if (first === '"') return 'a string';
  return first === 't' || first === 'f' ? 'a boolean' : 'a number';
}

function skipBlanks(text: string, at: number): number {
  blanks.lastIndex = at;
  blanks.test(text);
  return blanks.lastIndex;
}

type OnMember = (key: string, valueStart: number, valueEnd: number) => void;
type State = 'value' | 'first element' | 'first key' | 'key' | 'after value';

/** Checks the text end to end and reports the members of an outermost object. The answer is what is wrong, and where. */
function scan(text: string, depthLimit: number, onMember: OnMember): string | undefined {
  const open: string[] = [];
  let state: State = 'value';
  let key = '';
  let valueStart = 0;
  let at = 0;
  for (;;) {
    if (state === 'after value') {
      if (open.length === 1 && open[0] === '{') onMember(key, valueStart, at);
      at = skipBlanks(text, at);
      if (open.length === 0) return at === text.length ? undefined : unexpected('the end of the text', at);
      const isObject = open.at(-1) === '{';
      if (text.charAt(at) === (isObject ? '}' : ']')) {
        open.pop();
        at++;
      } else if (text.charAt(at) === ',') {
        at++;
        state = isObject ? 'key' : 'value';
      } else {
        return unexpected(isObject ? 'a comma or }' : 'a comma or ]', at);
      }
      continue;
    }
    at = skipBlanks(text, at);
    const first = text.charAt(at);
    if ((state === 'first key' && first === '}') || (state === 'first element' && first === ']')) {
      open.pop();
      at++;
      state = 'after value';
    } else if (state === 'key' || state === 'first key') {
      const end = stringEnd(text, at);
      if (end === undefined) return unexpected('a quoted key', at);
      if (open.length === 1) key = text.slice(at, end);
      at = skipBlanks(text, end);
      if (text.charAt(at) !== ':') return unexpected('a colon', at);
      at++;
      state = 'value';
    } else {
      if (open.length === 1) valueStart = at;
      if (first === '{' || first === '[') {
        if (open.length >= depthLimit) return `it nests deeper than ${depthLimit} levels`;
        open.push(first);
        at++;
        state = first === '{' ? 'first key' : 'first element';
        continue;
      }
      const end = first === '"' ? stringEnd(text, at) : scalarEnd(text, at);
      if (end === undefined) return unexpected('a value', at);
      at = end;
      state = 'after value';
    }
  }
}

function unexpected(wanted: string, at: number): string {
  return `${wanted} is expected at character ${at + 1}`;
}

function scalarEnd(text: string, at: number): number | undefined {
  scalarToken.lastIndex = at;
  return scalarToken.test(text) ? scalarToken.lastIndex : undefined;
}

/** Index behind the string at `start`, or undefined when none opens there, or one with an error or without an end. */
function stringEnd(text: string, start: number): number | undefined {
  if (text.charAt(start) !== '"') return undefined;
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) return at + 1;
    if (unit < 0x20) return undefined;
    if (unit !== 0x5c) continue;
    escapeToken.lastIndex = at;
    if (!escapeToken.test(text)) return undefined;
    at = escapeToken.lastIndex - 1;
  }
  return undefined;
}
