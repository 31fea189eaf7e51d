// How much a target may hold.
import { OperatorError } from '../base/operator-error.ts';
import type { SecretValue } from './secret-value.ts';

/** What Kubernetes lets a Secret hold: https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size */
const mostBytes = 1_048_576;

/** Keys at most: to read and hash more takes longer than the event loop may be held up, at each event of the target. */
export const mostKeys = 10_000;

/** Of more than this each step of the work (to hash it, to lay it out, to print it) takes some ms. */
const large = { bytes: 262_144, keys: 1_000 };

/** Whether the loop has to turn between two steps of work on such values. */
export function isLarge(values: Iterable<{ readonly length: number }>): boolean {
  let bytes = 0;
  let keys = 0;
  for (const { length } of values) {
    bytes += length;
    if (bytes > large.bytes || ++keys > large.keys) return true;
  }
  return false;
}

/** Throws TargetTooLarge; `target` names it for people: `target Secret "app"`. */
export function refuseTooLarge(target: string, values: Iterable<SecretValue>): void {
  let bytes = 0;
  let keys = 0;
  for (const value of values) {
    bytes += value.length;
    keys++;
  }
  if (bytes > mostBytes)
    throw tooLarge(`the data of ${target} would be ${bytes} bytes, more than the ${mostBytes} that it can hold`);
  if (keys > mostKeys) throw tooLarge(`${target} would have ${keys} keys, more than the ${mostKeys} that are written`);
}

/** Throws TargetTooLarge for a target of which nobody knows what it holds: `isCut` is said of the object itself. */
export function refuseUnread(target: string, isCut: boolean | undefined): void {
  if (isCut !== true) return;
  throw new OperatorError('TargetTooLarge', `${target} is there with more than the ${mostKeys} keys that are read`, {
    hint: 'remove keys from it, delete it or choose another target name',
  });
}

function tooLarge(problem: string): OperatorError {
  return new OperatorError('TargetTooLarge', problem);
}
