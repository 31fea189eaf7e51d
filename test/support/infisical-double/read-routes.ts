// Reading secrets: the list of a folder or of all below it, and one secret by name.

import { mayReadSomewhere } from './access.ts';
import { importJson, type Json, type SecretAnswer, type SecretPlace, secretJson, tagsJson } from './answers.ts';
import { ApiError, badRequest, broken, folderNotFound, folderWords, notAllowed, notFound } from './api-error.ts';
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
import { accessTo, type Call, demand, type Route, read, readerOf } from './router.ts';
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
  if (!query.include_imports) return call.backend.generation === '2024-10' ? { secrets } : { secrets, imports: [] };
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
    ...secretJson(secret, { ...placeOf(listing, values[index] ?? '', 'list'), path, tagSlugs: slugs }),
    ...(call.backend.generation !== '2025-06' && { secretPath: path, tags: tagsJson(secret, project, slugs) }),
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
  // Servers of October 2024 ignore the version that is asked for.
  if (secret && query.version !== undefined && call.backend.generation === '2025-06') {
    return { secret: secretVersion(call, project, query, { secret, version: query.version }) };
  }
  if (secret) return { secret: ownSecret(call, project, query, secret) };
  const imported = query.include_imports ? importedSecret(folder, name, scopeOf(call, project)) : undefined;
  if (!imported)
    throw notFound(call.backend.generation !== '2024-10' ? `Secret with name '${name}' not found` : 'Secret not found');
  const place = placeOf({ call, project, query, environment: imported.environment }, imported.value, 'imported');
  return { secret: secretJson(imported.secret, place) };
}

function secretVersion(
  call: Call,
  project: Project,
  query: SharedQuery,
  { secret, version }: { readonly secret: StoredSecret; readonly version: number },
): Json {
  const value = secret.values[version - 1];
  if (value === undefined) throw notFound(`Secret with name '${secret.key}' not found`);
  const place = placeOf({ call, project, query, environment: query.environment ?? '' }, value, 'version');
  return secretJson({ ...secret, version }, place);
}

function ownSecret(call: Call, project: Project, query: SharedQuery, secret: StoredSecret): Json {
  const environment = query.environment ?? '';
  const { secretPath } = query;
  const occurrence = { ...secret, environment, path: secretPath };
  const value = query.expandSecretReferences ? expand(occurrence, scopeOf(call, project)) : secret.value;
  const place = placeOf({ call, project, query, environment }, value, 'one');
  if (call.backend.generation === '2025-06') return secretJson(secret, place);
  const path = call.backend.generation === 'newest' ? { secretPath } : {};
  return { ...secretJson(secret, place), ...path, tags: tagsJson(secret, project) };
}

function placeOf(
  parts: { call: Call; project: Project; query: SharedQuery; environment: string },
  value: string,
  answer: SecretAnswer,
): SecretPlace {
  const { call, project, query, environment } = parts;
  return {
    project,
    environment,
    generation: call.backend.generation,
    value,
    hideValue: !query.viewSecretValue,
    answer,
  };
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
  const which = call.backend.generation === '2025-06' ? `Project with ID '${id}'` : 'Project';
  throw notFound(`${which} not found during bot lookup. Are you sure you are using the correct project ID?`);
}

function folderOfList(call: Call, project: Project, query: ListQuery): Folder | undefined {
  const environment = query.environment ?? '';
  const { generation } = call.backend;
  if (generation === '2025-06') demandSome(call, project);
  else demand(call, project, { action: 'read', environment, path: query.secretPath });
  const folder = findFolder(environmentOf(project, environment), query.secretPath, generation);
  if (generation === '2025-06' && !readerOf(call, project)(environment, query.secretPath)) return undefined;
  if (!folder && call.backend.generation === 'newest') throw pathMissing({ environment, path: query.secretPath });
  return folder;
}

/** Folders below a path that the caller may read; in October 2024 the path is a plain prefix of the text. */
function foldersRecursive(call: Call, project: Project, query: ListQuery): readonly Found[] {
  const slug = query.environment ?? '';
  const canRead = readerOf(call, project);
  const environment = environmentOf(project, slug);
  const prefix = query.secretPath;
  const { generation } = call.backend;
  if (generation === '2025-06') demandSome(call, project);
  if (!environment) throw environmentMissing(call, project, { environment: slug, path: prefix });
  const all = [...foldersBelow(environment.root)].map((folder) => ({ folder, path: pathOf(folder) }));
  const below = all.filter(({ path }) => (generation !== '2024-10' ? isWithin(path, prefix) : path.startsWith(prefix)));
  if (generation === 'newest' && below.length === 0) throw pathMissing({ environment: slug, path: prefix });
  return below.filter(({ path }) => canRead(slug, path));
}

function environmentMissing(call: Call, project: Project, place: Place): ApiError {
  if (call.backend.generation === '2024-10') return broken();
  if (call.backend.generation === 'newest') return pathMissing(place);
  return notFound(`Environment with slug '${place.environment}' in project with ID ${project.id} not found`);
}

/** A server of June 2025 refuses a list only to those who may read nowhere; outside of one's rights a list is empty. */
function demandSome(call: Call, project: Project): void {
  if (mayReadSomewhere(accessTo(call, project), call.backend.clock.nowMs())) return;
  throw notAllowed('read', call.backend.generation);
}

function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

interface Place {
  readonly environment: string;
  readonly path: string;
}

function pathMissing({ environment, path }: Place): ApiError {
  return new ApiError(404, 'SecretPathNotFound', folderWords({ environment, path }));
}

function folderMissing(call: Call, { environment, path }: Place): ApiError {
  const { generation } = call.backend;
  if (generation === '2024-10') return folderNotFound(generation, { environment, path });
  return new ApiError(404, 'GetSecretByName', folderWords({ environment, path }));
}
