// Reading secrets: the list of a folder or of all below it, and one secret by name.

import { importJson, type Json, type SecretPlace, secretJson, tagsJson } from './answers.ts';
import { ApiError, badRequest, broken, folderNotFound, notFound } from './api-error.ts';
import { importedSecret, importsOf } from './imports.ts';
import {
  environmentOf,
  type Folder,
  findFolder,
  foldersBelow,
  type Project,
  pathOf,
  type StoredSecret,
} from './projects.ts';
import { type ExpansionScope, expand, expandAll } from './references.ts';
import { type Call, demand, type Route, read, readerOf } from './router.ts';
import { secretNamed } from './secrets.ts';
import { type Fields, flagOr, folderPath, numberText, oneOfOr, type Parsed, textOr } from './validation.ts';

const sharedQuery = {
  workspaceId: textOr(undefined),
  workspaceSlug: textOr(undefined),
  environment: textOr(undefined),
  secretPath: folderPath,
  expandSecretReferences: flagOr(false),
  include_imports: flagOr(false),
  viewSecretValue: flagOr(true),
} satisfies Fields;
const listQuery = { ...sharedQuery, recursive: flagOr(false), tagSlugs: textOr(undefined) } satisfies Fields;
const oneQuery = {
  ...sharedQuery,
  version: numberText,
  type: oneOfOr(['shared', 'personal'], 'shared'),
} satisfies Fields;

type SharedQuery = Parsed<typeof sharedQuery>;
type ListQuery = Parsed<typeof listQuery>;

const route = { method: 'GET', limit: 'secrets' } as const;
export const readRoutes: readonly Route[] = [
  { ...route, pattern: '/api/v3/secrets/raw', kind: 'list', handle: list },
  { ...route, pattern: '/api/v3/secrets/raw/:secretName', kind: 'get', handle: getOne },
  { ...route, pattern: '/api/v4/secrets', kind: 'list', since: 'newest', handle: (call) => list(asV3(call)) },
  {
    ...route,
    pattern: '/api/v4/secrets/:secretName',
    kind: 'get',
    since: 'newest',
    handle: (call) => getOne(asV3(call)),
  },
];

/** v4 names the project `projectId` and knows no slug; later releases spell the imports flag in camel case. */
function asV3(call: Call): Call {
  const { projectId, includeImports, ...query } = call.query;
  const imports = includeImports === undefined ? {} : { include_imports: includeImports };
  return { ...call, query: { ...query, ...imports, workspaceId: projectId, workspaceSlug: undefined } };
}

function list(call: Call): Json {
  const query = read(call, call.query, listQuery);
  const project = projectOfList(call, query);
  const environment = query.environment ?? '';
  const found = query.recursive
    ? foldersRecursive(call, project, query)
    : [{ folder: folderOfList(call, project, query), path: query.secretPath }];
  const folders = found.flatMap(({ folder, path }) => (folder ? [{ folder, path }] : []));
  if (!query.recursive && folders.length === 0) return { secrets: [], imports: [] };
  const scope = scopeOf(call, project);
  const secrets = listedSecrets(folders, { call, project, query, environment, scope });
  if (!query.include_imports) return call.backend.generation === 'newest' ? { secrets, imports: [] } : { secrets };
  if (folders.length === 0) return { secrets };
  const place = { project, generation: call.backend.generation, hideValue: !query.viewSecretValue };
  const imports = importsOf(
    folders.map(({ folder }) => folder),
    scope,
  );
  return { secrets, imports: imports.map((entry) => importJson(entry, place)) };
}

interface Found {
  readonly folder: Folder;
  readonly path: string;
}

interface Listing {
  readonly call: Call;
  readonly project: Project;
  readonly query: ListQuery;
  readonly environment: string;
  readonly scope: ExpansionScope;
}

function listedSecrets(folders: readonly Found[], listing: Listing): readonly Json[] {
  const { project, query, environment, scope, call } = listing;
  const slugs = query.tagSlugs?.split(',').map((slug) => slug.trim());
  const rows = folders
    .flatMap(({ folder, path }) => folder.secrets.map((secret) => ({ secret, path })))
    .filter(({ secret }) => slugs === undefined || tagsJson(secret, project, slugs).length > 0);
  sortRows(rows, call.backend.generation === 'newest', folders.length > 1);
  const values = query.expandSecretReferences
    ? expandAll(
        rows.map(({ secret, path }) => ({ ...secret, environment, path })),
        scope,
      )
    : rows.map(({ secret }) => secret.value);
  return rows.map(({ secret, path }, index) => ({
    ...secretJson(secret, placeOf(listing, values[index] ?? '')),
    secretPath: path,
    tags: tagsJson(secret, project, slugs),
  }));
}

/** By random id in October 2024 (each folder keeps that order already), by key in newer servers. */
function sortRows(rows: { readonly secret: StoredSecret }[], byKey: boolean, isMixed: boolean): void {
  if (byKey) rows.sort((a, b) => compare(a.secret.key, b.secret.key));
  else if (isMixed) rows.sort((a, b) => compare(a.secret.id, b.secret.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function getOne(call: Call): Json {
  const query = read(call, call.query, oneQuery);
  const environment = query.environment;
  if (!environment) throw badRequest('Missing environment');
  const project = projectOfOne(call, query);
  demand(call, project, { action: 'read', environment, path: query.secretPath });
  const folder = findFolder(environmentOf(project, environment), query.secretPath);
  if (!folder) throw folderMissing(call, { environment, path: query.secretPath });
  const name = call.params['secretName'] ?? '';
  const secret = query.type === 'shared' ? secretNamed(folder, name) : undefined;
  if (secret) return { secret: ownSecret(call, project, query, secret) };
  const imported = query.include_imports ? importedSecret(folder, name, scopeOf(call, project)) : undefined;
  if (!imported)
    throw notFound(call.backend.generation === 'newest' ? `Secret with name '${name}' not found` : 'Secret not found');
  const place = placeOf({ call, project, query, environment: imported.environment }, imported.value);
  return { secret: secretJson(imported.secret, place) };
}

function ownSecret(call: Call, project: Project, query: SharedQuery, secret: StoredSecret): Json {
  const environment = query.environment ?? '';
  const { secretPath } = query;
  const occurrence = { ...secret, environment, path: secretPath };
  const value = query.expandSecretReferences ? expand(occurrence, scopeOf(call, project)) : secret.value;
  const path = call.backend.generation === 'newest' ? { secretPath } : {};
  const place = placeOf({ call, project, query, environment }, value);
  return { ...secretJson(secret, place), ...path, tags: tagsJson(secret, project) };
}

function placeOf(
  parts: { call: Call; project: Project; query: SharedQuery; environment: string },
  value: string,
): SecretPlace {
  const { call, project, query, environment } = parts;
  return { project, environment, generation: call.backend.generation, value, hideValue: !query.viewSecretValue };
}

function scopeOf(call: Call, project: Project): ExpansionScope {
  return { project, generation: call.backend.generation, canRead: readerOf(call, project) };
}

function projectOfList(call: Call, query: SharedQuery): Project {
  const bySlug = query.workspaceId ? undefined : slugProject(call, query, 'Failed to find project by slug');
  if (!query.environment || !(query.workspaceId || bySlug)) throw badRequest('Missing workspace id or environment');
  return bySlug ?? projectById(call, query.workspaceId ?? '');
}

function projectOfOne(call: Call, query: SharedQuery): Project {
  if (query.workspaceId) return projectById(call, query.workspaceId);
  const project = slugProject(call, query, 'Find project by slug');
  if (!project) throw badRequest('You must provide workspaceSlug or workspaceId');
  return project;
}

function slugProject(call: Call, query: SharedQuery, failingQuery: string): Project | undefined {
  if (!query.workspaceSlug) return undefined;
  const project = call.backend.projects.bySlug(query.workspaceSlug);
  if (project) return project;
  if (call.backend.generation === '2024-10') throw broken(failingQuery);
  throw notFound(`Project with slug '${query.workspaceSlug}' not found`);
}

export function projectById(call: Call, id: string): Project {
  const project = call.backend.projects.byId(id);
  if (project) return project;
  throw notFound('Project not found during bot lookup. Are you sure you are using the correct project ID?');
}

function folderOfList(call: Call, project: Project, query: ListQuery): Folder | undefined {
  const environment = query.environment ?? '';
  demand(call, project, { action: 'read', environment, path: query.secretPath });
  const folder = findFolder(environmentOf(project, environment), query.secretPath);
  if (!folder && call.backend.generation === 'newest') throw pathMissing({ environment, path: query.secretPath });
  return folder;
}

/** Folders below a path that the caller may read; in October 2024 the path is a plain prefix of the text. */
function foldersRecursive(call: Call, project: Project, query: ListQuery): readonly Found[] {
  const slug = query.environment ?? '';
  const canRead = readerOf(call, project);
  const environment = environmentOf(project, slug);
  const prefix = query.secretPath;
  const isNewest = call.backend.generation === 'newest';
  if (!environment) throw isNewest ? pathMissing({ environment: slug, path: prefix }) : broken();
  const all = [...foldersBelow(environment.root)].map((folder) => ({ folder, path: pathOf(folder) }));
  const below = all.filter(({ path }) => (isNewest ? isWithin(path, prefix) : path.startsWith(prefix)));
  if (isNewest && below.length === 0) throw pathMissing({ environment: slug, path: prefix });
  return below.filter(({ path }) => canRead(slug, path));
}

function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

interface Place {
  readonly environment: string;
  readonly path: string;
}

function pathMissing({ environment, path }: Place): ApiError {
  const words = `Folder with path '${path}' in environment with slug '${environment}' not found`;
  return new ApiError(404, 'SecretPathNotFound', words);
}

function folderMissing(call: Call, { environment, path }: Place): ApiError {
  if (call.backend.generation === '2024-10') return folderNotFound();
  const words = `Folder with path '${path}' in environment with slug '${environment}' not found`;
  return new ApiError(404, 'GetSecretByName', words);
}
