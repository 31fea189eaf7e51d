// Property paths as Pulumi writes them: `a.b`, `a["b"]`, `a[0]`, `a[*].b`, `["key with \"quotes\""]`. Pure.
// https://www.pulumi.com/docs/esc/environments/syntax/
import { OperatorError } from '../../base/operator-error.ts';

/** A member by name, an element by number, or all of them. */
export type Step = string | number | typeof everything;

/** All elements of a list, or all values of an object in the order of their names. */
export const everything = Symbol('*');

/** Longest path that is looked at, in characters. */
const longestPath = 2_048;

const plainName = /[^.[\]]+/y;
const quotedName = /\["((?:[^"\\]|\\.)*)"\]/y;
const index = /\[(\d{1,9}|\*)\]/y;

/** The steps of a path; none for an empty path, which means the whole environment. Throws InvalidSpec. */
export function parsePath(path: string): readonly Step[] {
  if (path.length > longestPath)
    throw new OperatorError('InvalidSpec', `a property path is longer than ${longestPath}`);
  const steps: Step[] = [];
  for (let at = 0; at < path.length; ) {
    if (path.charAt(at) === '.') {
      // A dot stands between two steps; a bracket may follow it, as in the paths that Pulumi's own tools accept.
      if (at === 0 || at === path.length - 1 || path.charAt(at + 1) === '.') throw wrong(path, at);
      at++;
    } else if (at > 0 && path.charAt(at) !== '[') throw wrong(path, at);
    const [step, end] = stepAt(path, at);
    steps.push(step);
    at = end;
  }
  return steps;
}

function stepAt(path: string, at: number): readonly [Step, number] {
  const quoted = matchAt(quotedName, path, at);
  if (quoted !== undefined) return [quoted.replaceAll(/\\(.)/gs, '$1'), quotedName.lastIndex];
  const number = matchAt(index, path, at);
  if (number !== undefined) return [number === '*' ? everything : Number(number), index.lastIndex];
  plainName.lastIndex = at;
  const plain = plainName.exec(path)?.[0];
  if (plain === undefined) throw wrong(path, at);
  return [plain, plainName.lastIndex];
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[1];
}

function wrong(path: string, at: number): OperatorError {
  const problem = `is no property path: see character ${at + 1}; write names with dots between, or ["name"] for others`;
  return new OperatorError('InvalidSpec', `"${path}" ${problem}`);
}

/** A step as it is written behind others. */
export function writtenStep(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  return /^[A-Za-z_][\w-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}
