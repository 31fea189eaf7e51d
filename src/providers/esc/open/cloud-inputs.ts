// Reads inputs that clouds share: whole numbers, durations, and maps whose entries are read at the same time.

import { TokenRejected } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { readAll } from '../../../base/read-all.ts';
import { type EscValue, objectValue } from '../../../core/esc/value.ts';
import { parseGoDuration } from '../../../core/go-duration.ts';
import { textOf } from './inputs.ts';

/** The digits of a member that is a whole number; undefined when it is absent. Throws InvalidSpec for any other number. */
export function wholeNumberOf(value: EscValue, name: string, provider: string): string | undefined {
  const data = value.members.get(name)?.data;
  if (data?.kind !== 'number') return undefined;
  if (/^\d{1,20}$/.test(data.text)) return data.text;
  throw new OperatorError('InvalidSpec', `${provider}: ${name} is no whole number`);
}

/** A member such as `1h30m` in whole seconds; `otherwise` when it is absent or empty. Throws InvalidSpec for less than a second. */
export function secondsOf(
  value: EscValue,
  name: string,
  { provider, otherwise }: { readonly provider: string; readonly otherwise: number },
): number {
  const text = textOf(value, name) ?? '';
  if (text === '') return otherwise;
  const seconds = Math.floor(parseGoDuration(text) / 1_000);
  if (seconds > 0) return seconds;
  throw new OperatorError('InvalidSpec', `${provider}: ${name} is less than a second`);
}

/** Opens the entries of a map at the same time. Throws what the first that failed says, with its name in front. */
export async function openEntries(map: EscValue, open: (entry: EscValue) => Promise<EscValue>): Promise<EscValue> {
  const openNamed = async ([name, entry]: readonly [string, EscValue]) => {
    try {
      return [name, await open(entry)] as const;
    } catch (thrown) {
      throw thrown instanceof OperatorError && !(thrown instanceof TokenRejected) ? thrown.within(name) : thrown;
    }
  };
  return objectValue(await readAll([...map.members].map(openNamed)));
}
