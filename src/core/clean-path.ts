// Folder paths of an upstream: cleaned and joined as Go's `path` does, checked before they are sent, and the address of a
// key (folder and name) resolved against a store's secretsPath.
import { OperatorError } from '../base/operator-error.ts';

/** The shortest equivalent path by lexical rules alone (https://pkg.go.dev/path#Clean); '' becomes '.'. */
export function cleanPath(path: string): string {
  const rooted = path.startsWith('/');
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') kept.push(segment);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!rooted) kept.push('..');
  }
  const cleaned = kept.join('/');
  return rooted ? `/${cleaned}` : cleaned || '.';
}

/** The parts that are not empty, joined by slashes and cleaned (https://pkg.go.dev/path#Join); '' when all are empty. */
export function joinPath(...parts: readonly string[]): string {
  const filled = parts.filter((part) => part !== '');
  return filled.length === 0 ? '' : cleanPath(filled.join('/'));
}

/** Where a key lives: a folder path with a leading slash, and a name within it. */
export interface KeyAddress {
  readonly folder: string;
  readonly name: string;
}

/**
 * The address of `remoteRef.key`. Without a slash it is a name in `secretsPath`; with a leading slash it is absolute; any
 * other slash makes it relative to `secretsPath`, where `..` climbs: secretsPath is a default, not a boundary. Throws
 * InvalidSpec for a key without a name and for a folder that no server could hold.
 */
export function resolveKey(secretsPath: string, key: string): KeyAddress {
  const slash = key.lastIndexOf('/');
  const name = key.slice(slash + 1);
  if (name === '') {
    const problem = key === '' ? 'is empty' : 'ends in a slash, so it names no secret';
    throw new OperatorError('InvalidSpec', `key ${JSON.stringify(key)} ${problem}: write folder/NAME`);
  }
  const folder = folderOf(secretsPath, key.slice(0, Math.max(slash, 0)), key.startsWith('/'));
  checkFolderPath(folder);
  return { folder, name };
}

function folderOf(secretsPath: string, keyFolder: string, absolute: boolean): string {
  if (absolute) return keyFolder === '' ? '/' : keyFolder;
  return joinPath(secretsPath === '' ? '/' : secretsPath, keyFolder);
}

/**
 * Throws InvalidSpec, naming the path and what is wrong with it, unless it is `/` or segments of letters, digits, `_` and
 * `-`, each behind one slash. Servers answer anything else with 500 or, worse, with another folder's secrets.
 */
export function checkFolderPath(path: string): void {
  const problem = folderPathProblem(path);
  if (problem !== undefined) throw new OperatorError('InvalidSpec', `folder path ${JSON.stringify(path)} ${problem}`);
}

function folderPathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'has no leading slash: write it from the root';
  if (path === '/') return undefined;
  if (path.endsWith('/')) return 'has a trailing slash: remove it';
  if (path.includes('//')) return 'has an empty segment: remove the doubled slash';
  const [stranger] = /[^A-Za-z0-9_/-]/u.exec(path) ?? [];
  if (stranger === undefined) return undefined;
  return `contains ${JSON.stringify(stranger)}: folders have letters, digits, "_" and "-" only`;
}
