// Whether an object was read as a whole, for those who cannot do with less: see bounded-json.ts.
import { fieldsLeftOut, mostPartsOf } from '../base/left-out.ts';
import { OperatorError } from '../base/operator-error.ts';
import { type KubeObject, keyOf, type Resource } from './types.ts';

/** Bookkeeping of the API server, with several parts for each key: most readers do not look at it. */
const bookkeeping = 'metadata.managedFields';

/** Whether all is there that somebody wrote into the object. */
export function isWhole(object: KubeObject): boolean {
  return firstLost(object) === undefined;
}

/** Whether the API server's account of who wrote what is there. */
export function hasManagedFields(object: KubeObject): boolean {
  return !fieldsLeftOut(object).includes(bookkeeping);
}

/** The object itself. Throws AnswerTooLarge when anything that somebody wrote into it was left out. */
export function requireWhole<T extends KubeObject>({ kind }: Resource, object: T): T {
  const field = firstLost(object);
  if (field === undefined) return object;
  const problem = `its ${field} has too many entries to be read (${mostPartsOf(field)} at most)`;
  throw new OperatorError('AnswerTooLarge', `${kind} "${keyOf(object.metadata)}": ${problem}`, {
    hint: 'remove some of them, or name another object',
  });
}

function firstLost(object: KubeObject): string | undefined {
  return fieldsLeftOut(object).find((field) => field !== bookkeeping);
}
