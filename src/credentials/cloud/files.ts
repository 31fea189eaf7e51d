// Files that the environment names: tokens, keys, profiles. They are the administrator's, so no directory is asked for;
// what stands in them is not repeated in messages.
import { aborted, OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';

/** Reads a whole file, bounded in size. Throws Node's error. */
export type ReadFile = (path: string, signal: AbortSignal) => Promise<Buffer>;

/** A file, and the variable that names it. */
export interface NamedFile {
  readonly variable: string;
  readonly path: string;
}

/**
 * The text without the newline that editors leave at its end. Throws InvalidCredential for a file that is missing, not
 * readable or empty.
 */
export async function readNamedFile(read: ReadFile, file: NamedFile, signal: AbortSignal): Promise<SecretValue> {
  const text = await readIfThere(read, file, signal);
  if (text === undefined) throw invalid(file, 'does not exist');
  const value = new SecretValue(text.replace(/\r?\n$/, ''));
  if (value.length === 0) throw invalid(file, 'is empty');
  return value;
}

/** Undefined when there is no such file. Throws InvalidCredential when it cannot be read. */
export async function readIfThere(read: ReadFile, file: NamedFile, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await read(file.path, signal)).toString('utf8');
  } catch (thrown) {
    if (signal.aborted) throw aborted();
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw invalid(file, `cannot be read (${code || 'unknown error'})`);
  }
}

function invalid({ variable, path }: NamedFile, problem: string): OperatorError {
  return new OperatorError('InvalidCredential', `${variable}: file "${path}" ${problem}`);
}
