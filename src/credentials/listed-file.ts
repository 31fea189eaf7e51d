// Files that a manifest names: they must lie in the directories that the administrator listed, links followed. The path
// itself comes out of a Secret, where a token may stand by mistake, so no message repeats it.
import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { OperatorError } from '../base/operator-error.ts';
import { SecretValue } from '../core/secret-value.ts';
import { fileErrorCode, readBoundedFile } from './bounded-file.ts';

/**
 * The file's content. Throws InvalidCredential (no absolute path, absent, empty, no ordinary file, too large, not
 * readable) and IdentityDenied (outside the directories, whether it exists or not).
 */
export async function readListedFile(
  { path, directories, field }: ListedFile,
  signal: AbortSignal,
): Promise<SecretValue> {
  if (!isAbsolute(path) || path.includes('\0')) throw invalid(field, 'is no absolute path');
  const real = await realPathOf(path);
  // What does not exist is judged by its name, so that nobody can learn which files there are elsewhere.
  const place = real ?? resolve(path);
  const listed = await Promise.all(directories.map(async (each) => [resolve(each), await realPathOf(each)]));
  if (!listed.flat().some((directory) => directory !== undefined && liesIn(place, directory))) {
    throw outside(field, directories);
  }
  if (real === undefined) throw invalid(field, 'names a file that does not exist');
  return new SecretValue(await readFileOf(field, real, signal));
}

interface ListedFile {
  readonly path: string;
  readonly directories: readonly string[];
  /** What holds the path, for messages. */
  readonly field: string;
}

/** Undefined when there is nothing, or it may not be looked at. */
async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

function liesIn(path: string, directory: string): boolean {
  const below = relative(directory, path);
  return below !== '' && below !== '..' && !below.startsWith('../') && !isAbsolute(below);
}

async function readFileOf(field: string, path: string, signal: AbortSignal): Promise<Buffer> {
  const bytes = await readBoundedFile(path, signal).catch((thrown: unknown) => {
    if (thrown instanceof OperatorError) throw thrown;
    throw invalid(field, `names a file that cannot be read (${fileErrorCode(thrown)})`);
  });
  if (bytes.length === 0) throw invalid(field, 'names a file that is empty');
  return bytes;
}

function invalid(field: string, problem: string): OperatorError {
  return new OperatorError('InvalidCredential', `${field}: the path in that key ${problem}`);
}

function outside(field: string, directories: readonly string[]): OperatorError {
  const allowed = directories.length === 0 ? 'none is listed' : `listed: ${directories.join(', ')}`;
  return new OperatorError(
    'IdentityDenied',
    `${field}: the file lies in no directory that stores may read (${allowed}): add its directory to --credential-directories (Helm value credentialDirectories)`,
  );
}
