// What an environment's definition says about its values: whether they follow from it alone, and which other definitions it
// takes in. Where that cannot be told for certain, the answer is no. Pure.
// https://www.pulumi.com/docs/esc/environments/syntax/
import { createHash } from 'node:crypto';
import { readDocument } from '../../core/esc/declare.ts';
import type { Call, Expression } from '../../core/esc/expression.ts';
import type { Accessor } from '../../core/esc/reference.ts';

/** One revision of another environment of the same organization. */
export interface PinnedImport {
  readonly project: string;
  readonly environment: string;
  readonly version: string;
}

export interface Definition {
  /** Another one for another revision. */
  readonly mark: string;
  /** What is taken in besides; undefined when an open may give other values under the same definition. */
  readonly imports: readonly PinnedImport[] | undefined;
}

/** Longer definitions are not looked into: reading takes time, and an open tells as well. */
const longestText = 16_384;

/** `revision` is what the service counts, so that a text that came back is another one. */
export function definitionOf(text: string, revision: string): Definition {
  const mark = createHash('sha256')
    .update(JSON.stringify([revision, text]))
    .digest('base64url');
  return { mark, imports: text.length > longestText ? undefined : importsOf(text) };
}

function importsOf(text: string): readonly PinnedImport[] | undefined {
  const { imports, values, isBroken, loadDiagnostics } = readDocument('', text);
  if (isBroken || loadDiagnostics.some(({ severity }) => severity === 'error') || !isSettled(values)) return undefined;
  const pinned = imports.map(({ target }) => pinnedImport(target));
  return pinned.every((one) => one !== undefined) ? pinned : undefined;
}

/** `project/environment@7`; the project is `default` when none is written. Tags move, so they pin nothing. */
function pinnedImport(target: string): PinnedImport | undefined {
  const [, project = 'default', environment, version] =
    /^(?:([\w.-]{1,255})\/)?([\w.-]{1,255})@(\d{1,9})$/.exec(target) ?? [];
  return environment === undefined || version === undefined ? undefined : { project, environment, version };
}

/** Whether nothing in the expression is found out anew at each open. */
function isSettled(expression: Expression): boolean {
  switch (expression.kind) {
    case 'array':
      return expression.elements.every(isSettled);
    case 'object':
      return [...expression.entries.values()].every(isSettled);
    case 'symbol':
      return isInside(expression.accessors);
    case 'interpolation':
      return expression.parts.every((part) => typeof part === 'string' || isInside(part));
    case 'call':
      return isSettledCall(expression.call);
    default:
      return true;
  }
}

function isSettledCall(call: Call): boolean {
  switch (call.name) {
    case 'plaintext':
    case 'ciphertext':
      return true;
    case 'open':
    case 'rotate':
    case 'secret opened':
    case 'unusable':
    case 'broken':
      return false;
    default:
      return call.args.every(isSettled);
  }
}

/** Other environments, and who opens, are not of the definition. */
function isInside([root]: readonly Accessor[]): boolean {
  return root !== undefined && root.key !== 'environments' && root.key !== 'context';
}
