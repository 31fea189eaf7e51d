// What a folder imports, with the server's oddities: an import inside an import is folded into the outer entry (only the
// first of several), a source already seen is left out, and behind a source that was deleted every entry holds the
// secrets of the next one.
import {
  environmentOf,
  type Folder,
  type FolderImport,
  findFolder,
  type Project,
  type StoredSecret,
} from './projects.ts';
import { type ExpansionScope, expandAll } from './references.ts';

/** A secret as an import brings it: `environment` is what the entry calls its source. */
export interface ImportedSecret {
  readonly secret: StoredSecret;
  readonly environment: string;
  readonly value: string;
}

export interface ImportEntry {
  readonly path: string;
  readonly environment: string;
  /** Absent for the entries that were shifted out. */
  readonly folderId?: string;
  /** The folder that imports. */
  readonly importedBy: string;
  readonly secrets: readonly ImportedSecret[];
}

interface OwnedImport extends FolderImport {
  readonly owner: Folder;
}

/** An import inside an import inside … is followed to this depth. */
const maxDepth = 10;

/** The imports of `folders` that the reader may read, in their order, values expanded. */
export function importsOf(folders: readonly Folder[], scope: ExpansionScope): readonly ImportEntry[] {
  return resolve(ownedImports(folders), scope, new Set(), 0);
}

/** The secret that a folder's imports bring under `key`: of several, the last import's. */
export function importedSecret(folder: Folder, key: string, scope: ExpansionScope): ImportedSecret | undefined {
  const entries = importsOf([folder], scope).toReversed();
  for (const entry of entries) {
    const found = entry.secrets.find(({ secret }) => secret.key === key);
    if (found) return { ...found, environment: entry.environment };
  }
  return undefined;
}

function ownedImports(folders: readonly Folder[]): readonly OwnedImport[] {
  const all = folders.flatMap((owner) => owner.imports.map((one) => ({ ...one, owner })));
  return all.toSorted((a, b) => a.position - b.position);
}

function resolve(
  imports: readonly OwnedImport[],
  scope: ExpansionScope,
  seen: Set<string>,
  depth: number,
): readonly ImportEntry[] {
  if (scope.generation === '2025-06') return resolve2025(imports, scope, seen, depth);
  const fresh = imports.filter((one) => scope.canRead(one.environment, one.path) && !seen.has(placeOf(one)));
  const sources = fresh.map((one) => sourceOf(one, scope.project)).filter((folder) => folder !== undefined);
  if (sources.length === 0 || depth >= maxDepth) return [];
  for (const one of fresh) seen.add(placeOf(one));
  const deeper = resolve(ownedImports(sources), scope, seen, depth + 1);
  return fresh.map((one, index) => {
    // The entry takes the source at its own place in a list from which deleted sources were dropped: hence the shift.
    const source = sources[index];
    const inner = deeper.find((entry) => entry.importedBy === source?.id)?.secrets ?? [];
    return entryOf(one, source, inner, scope);
  });
}

/** A server of June 2025: every entry keeps its own source, empty where that is gone or may not be read, and all inner imports come. */
function resolve2025(
  imports: readonly OwnedImport[],
  scope: ExpansionScope,
  seen: Set<string>,
  depth: number,
): readonly ImportEntry[] {
  const fresh = imports.filter((one) => !seen.has(placeOf(one)));
  if (depth >= maxDepth) return [];
  for (const one of fresh) seen.add(placeOf(one));
  return fresh.map((one) => {
    const source = sourceOf(one, scope.project);
    const inner = resolve2025(source === undefined ? [] : ownedImports([source]), scope, seen, depth + 1);
    const entry = entryOf(
      one,
      source,
      inner.toReversed().flatMap(({ secrets }) => secrets),
      scope,
    );
    return scope.canRead(one.environment, one.path) ? entry : { ...entry, secrets: [] };
  });
}

function entryOf(
  one: OwnedImport,
  source: Folder | undefined,
  inner: readonly ImportedSecret[],
  scope: ExpansionScope,
): ImportEntry {
  const { environment, path } = one;
  const own = (source?.secrets ?? []).map((secret) => ({ secret, environment, value: secret.value }));
  const secrets = firstOfEachKey([...own, ...inner]);
  const values = expandAll(
    secrets.map(({ secret, value }) => ({
      value,
      environment,
      path,
      skipMultilineEncoding: secret.skipMultilineEncoding,
    })),
    scope,
  );
  return {
    path,
    environment,
    ...(source && { folderId: source.id }),
    importedBy: one.owner.id,
    secrets: secrets.map((secret, index) => ({ ...secret, value: values[index] ?? secret.value })),
  };
}

function firstOfEachKey(secrets: readonly ImportedSecret[]): readonly ImportedSecret[] {
  const byKey = new Map<string, ImportedSecret>();
  for (const one of secrets) if (!byKey.has(one.secret.key)) byKey.set(one.secret.key, one);
  return [...byKey.values()];
}

function sourceOf(one: OwnedImport, project: Project): Folder | undefined {
  return findFolder(environmentOf(project, one.environment), one.path);
}

function placeOf({ environment, path }: FolderImport): string {
  return `${environment}:${path}`;
}
