// Expands `${KEY}` and `${env.folder.KEY}` in values as the server of October 2024 does, its faults included.
//
// Its faults come from one global regular expression that remembers where its last `test` ended: of two references whose
// targets hold references, the second is not followed; and a cycle, which ends at the depth limit, makes the next
// secret of the same list miss its chain. `Memory` is that remembered place. Newer servers follow every reference.
import { ApiError, broken, type Generation } from './api-error.ts';
import { environmentOf, findFolder, type Project } from './projects.ts';
import { secretNamed } from './secrets.ts';

/** A value and where it stands. */
export interface Occurrence {
  readonly value: string;
  readonly environment: string;
  readonly path: string;
  readonly skipMultilineEncoding: boolean;
}

export interface ExpansionScope {
  readonly project: Project;
  readonly generation: Generation;
  readonly canRead: (environment: string, path: string) => boolean;
}

interface Memory {
  lastIndex: number;
}

/** Rounds that follow a reference; what is deeper stays as text. */
const maxDepth = 10;
const reference = /\$\{([^}]+)\}/g;

/** Expands one value. Throws 403 for a target that may not be read, 500 for one in a folder that is not there. */
export function expand(occurrence: Occurrence, scope: ExpansionScope): string {
  return expandWith(occurrence, scope, { lastIndex: 0 });
}

/**
 * Expands the values of one list. One that fails stays as it is in October 2024; newer servers fail the whole list when
 * a target may not be read.
 */
export function expandAll(occurrences: readonly Occurrence[], scope: ExpansionScope): string[] {
  const memory = { lastIndex: 0 };
  const denied: string[] = [];
  const values = occurrences.map((occurrence) => {
    try {
      return expandWith(occurrence, scope, memory);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 403) denied.push(error.message);
      return occurrence.value;
    }
  });
  if (denied.length === 0 || scope.generation !== 'newest') return values;
  throw new ApiError(403, 'ForbiddenError', 'Failed to expand one or more secret references', denied);
}

function expandWith(occurrence: Occurrence, scope: ExpansionScope, memory: Memory): string {
  if (!occurrence.value.includes('${') || !occurrence.value.match(reference)) return occurrence.value;
  const expanded = follow(occurrence, scope, memory);
  return occurrence.skipMultilineEncoding ? asOneLine(expanded) : expanded;
}

function follow(occurrence: Occurrence, scope: ExpansionScope, memory: Memory): string {
  let expanded = occurrence.value;
  const open = [{ value: occurrence.value, environment: occurrence.environment, path: occurrence.path, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.depth > maxDepth) continue;
    // Looking for all matches forgets the place; the first look was taken for the whole list before anything else.
    if (next.depth > 0) memory.lastIndex = 0;
    for (const written of next.value.match(reference) ?? []) {
      const target = targetOf(written, next);
      const value = lookUp(target, scope);
      if (isFollowed(value, scope.generation, memory)) {
        open.push({ value, environment: target.environment, path: target.path, depth: next.depth + 1 });
      }
      if (value !== '') expanded = expanded.replaceAll(written, () => value);
    }
  }
  return expanded;
}

function isFollowed(value: string, generation: Generation, memory: Memory): boolean {
  reference.lastIndex = generation !== '2024-10' ? 0 : memory.lastIndex;
  const found = reference.test(value);
  memory.lastIndex = reference.lastIndex;
  reference.lastIndex = 0;
  return found;
}

interface Target {
  readonly environment: string;
  readonly path: string;
  readonly key: string;
}

function targetOf(written: string, from: { readonly environment: string; readonly path: string }): Target {
  const parts = written.slice(2, -1).trim().split('.');
  const key = parts.at(-1) ?? '';
  if (parts.length === 1) return { ...from, key };
  return { environment: parts[0] ?? '', path: `/${parts.slice(1, -1).join('/')}`, key };
}

/** The target's value; empty when the folder has no such secret. */
function lookUp({ environment, path, key }: Target, scope: ExpansionScope): string {
  if (!scope.canRead(environment, path)) {
    const which = `named ${key} from environment ${environment} in path ${path}`;
    throw new ApiError(
      403,
      'ForbiddenError',
      `You are attempting to reference secret ${which} which you do not have access to${scope.generation === '2025-06' ? ' read value on' : ''}.`,
    );
  }
  const folder = findFolder(environmentOf(scope.project, environment), path);
  if (!folder) throw broken();
  return secretNamed(folder, key)?.value ?? '';
}

/** How a multi-line value comes back that holds a reference and has skipMultilineEncoding set. */
function asOneLine(value: string): string {
  return value.includes('\n') ? `"${value.replaceAll('\n', '\\n')}"` : value;
}
