// Projects, folders, tags, the list of imports, and the server's own status.

import { folderJson, importsJson, type Json, projectJson, tagJson } from './answers.ts';
import { ApiError, broken, type Generation, invalid, notFound, notMember } from './api-error.ts';
import {
  detach,
  type Environment,
  environmentOf,
  type Folder,
  findFolder,
  foldersBelow,
  type Project,
} from './projects.ts';
import { projectById } from './read-routes.ts';
import { accessTo, type Call, demand, type Route, read } from './router.ts';
import { type Fields, folderPath, text } from './validation.ts';

const folderQuery = { workspaceId: text, environment: text, path: folderPath } satisfies Fields;
const folderBody = { ...folderQuery, name: text } satisfies Fields;

const reads = { method: 'GET', kind: 'projects', limit: 'read' } as const;
const folderWrites = { kind: 'write', limit: 'secrets' } as const;

export const projectRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/api/status', kind: 'status', isOpen: true, handle: status },
  {
    ...reads,
    pattern: '/api/v2/workspace/:slug',
    handle: (call) => projectJson(bySlug(call), call.backend.generation, true),
  },
  {
    ...reads,
    pattern: '/api/v1/workspace/:id',
    handle: (call) => ({ workspace: projectJson(byId(call), call.backend.generation) }),
  },
  {
    ...reads,
    pattern: '/api/v1/projects/slug/:slug',
    since: 'newest',
    handle: (call) => projectJson(bySlug(call), call.backend.generation, true),
  },
  {
    ...reads,
    pattern: '/api/v1/projects/:id',
    since: 'newest',
    handle: (call) => ({ project: projectJson(byId(call), call.backend.generation) }),
  },
  { method: 'GET', pattern: '/api/v1/workspace', kind: 'projects', handle: listProjects },
  { ...reads, pattern: '/api/v1/workspace/:id/tags', kind: 'other', handle: listTags },
  { ...reads, pattern: '/api/v1/workspace/:id/tags/slug/:slug', kind: 'other', handle: tagBySlug },
  { ...reads, pattern: '/api/v1/secret-imports', kind: 'other', handle: listImports },
  { ...reads, pattern: '/api/v1/folders', kind: 'folders', handle: listFolders },
  { ...folderWrites, method: 'POST', pattern: '/api/v1/folders', handle: createFolder },
  { ...folderWrites, method: 'PATCH', pattern: '/api/v1/folders/:folder', handle: renameFolder },
  { ...folderWrites, method: 'DELETE', pattern: '/api/v1/folders/:folder', handle: removeFolder },
];

function status({ backend }: Call): Json {
  return {
    date: new Date(backend.clock.nowMs()).toISOString(),
    message: 'Ok',
    emailConfigured: false,
    inviteOnlySignup: true,
    redisConfigured: true,
    secretScanningConfigured: false,
  };
}

function bySlug(call: Call): Project {
  const slug = call.params['slug'] ?? '';
  const project = call.backend.projects.bySlug(slug);
  if (!project) throw missing(call, 'slug', slug);
  accessTo(call, project);
  return project;
}

function byId(call: Call): Project {
  const id = call.params['id'] ?? '';
  const project = call.backend.projects.byId(id);
  if (!project) throw missing(call, 'id', id);
  accessTo(call, project);
  return project;
}

function missing(call: Call, by: 'slug' | 'id', value: string): ApiError {
  if (call.backend.generation === '2024-10') return broken(`Failed to find project by ${by}`);
  return notFound(projectWords(call.backend.generation, by, value));
}

function projectWords(generation: Generation, by: 'slug' | 'id', value: string): string {
  if (by === 'id') return `Project with ID '${value}' not found`;
  return generation === '2025-06' ? `Project with slug '${value}' not found` : `No project found with slug ${value}`;
}

function listProjects(): never {
  throw new ApiError(403, 'Forbidden access to /api/v1/workspace', 'You are not allowed to access this resource');
}

/** Tags are found by project id only; any other text is a project the caller is no member of. */
function projectOfTags(call: Call): Project {
  const project = call.backend.projects.byId(call.params['id'] ?? '');
  if (!project) throw notMember(call.params['id'] ?? '', call.backend.generation);
  accessTo(call, project);
  return project;
}

function listTags(call: Call): Json {
  const project = projectOfTags(call);
  return { workspaceTags: project.tags.map((tag) => tagJson(tag, project)) };
}

function tagBySlug(call: Call): Json {
  const project = projectOfTags(call);
  const tag = project.tags.find((one) => one.slug === call.params['slug']);
  if (!tag) {
    const which = call.backend.generation === '2025-06' ? ` with slug '${call.params['slug']}'` : '';
    throw notFound(`Tag${which} not found`);
  }
  return { workspaceTag: { ...tagJson(tag, project), name: tag.slug } };
}

function listImports(call: Call): Json {
  const query = read(call, call.query, folderQuery);
  const project = projectById(call, query.workspaceId);
  demand(call, project, { action: 'read', environment: query.environment, path: query.path });
  const folder = findFolder(environmentOf(project, query.environment), query.path);
  const secretImports = folder ? importsJson(folder, project) : [];
  return { message: 'Successfully fetched secret imports', secretImports };
}

/** Any member may see the folders. A path that is not there has none; an environment that is not there is an error. */
function listFolders(call: Call): Json {
  const query = read(call, call.query, folderQuery);
  const project = projectById(call, query.workspaceId);
  accessTo(call, project);
  const environment = environmentFor(call, project, query.environment, 'get folders');
  return {
    folders: (findFolder(environment, query.path)?.children ?? []).map((one) =>
      folderJson(one, call.backend.generation),
    ),
  };
}

function createFolder(call: Call): Json {
  const body = read(call, call.body, folderBody);
  if (call.backend.generation === '2025-06' && !/^[A-Za-z0-9_-]+$/.test(body.name)) throw badFolderName();
  const project = projectById(call, body.workspaceId);
  demand(call, project, {
    action: 'create',
    environment: body.environment,
    path: body.path,
    subject: 'secret-folders',
  });
  const environment = environmentFor(call, project, body.environment, 'Create folder');
  findFolder(environment, `${body.path}/${body.name}`); // refuses what is no name of a folder
  const parent = call.backend.projects.addFolder({
    project: project.slug,
    environment: body.environment,
    path: body.path,
  });
  return { folder: folderJson(call.backend.projects.addChild(parent, body.name), call.backend.generation) };
}

function badFolderName(): ApiError {
  const message = 'Invalid folder name. Only alphanumeric characters, dashes, and underscores are allowed.';
  return invalid([{ code: 'custom', message, path: ['name'] }], '2025-06');
}

function renameFolder(call: Call): Json {
  const body = read(call, call.body, folderBody);
  const folder = folderOfCall(call, body, 'edit', 'Update folder');
  folder.name = body.name;
  folder.version += 1;
  folder.updatedAtMs = call.backend.clock.nowMs();
  return { folder: folderJson(folder, call.backend.generation) };
}

function removeFolder(call: Call): Json {
  const folder = folderOfCall(call, read(call, call.body, folderQuery), 'delete', 'Delete folder');
  detach(folder);
  return { folder: folderJson(folder, call.backend.generation) };
}

interface FolderPlace {
  readonly workspaceId: string;
  readonly environment: string;
  readonly path: string;
}

/** The folder that the URL names by id, or by name below `path`. */
function folderOfCall(call: Call, place: FolderPlace, action: 'edit' | 'delete', operation: string): Folder {
  const project = projectById(call, place.workspaceId);
  demand(call, project, { action, environment: place.environment, path: place.path });
  const environment = environmentFor(call, project, place.environment, operation);
  const wanted = call.params['folder'] ?? '';
  const named = findFolder(environment, place.path)?.children.find((child) => child.name === wanted);
  const folder = named ?? [...foldersBelow(environment.root)].find(({ id }) => id === wanted);
  if (!folder) {
    if (call.backend.generation === '2025-06')
      throw notFound(`Failed to ${action} folder with ID '${wanted}', not found`);
    throw new ApiError(404, operation, 'Folder not found');
  }
  return folder;
}

function environmentFor(call: Call, project: Project, slug: string, operation: string): Environment {
  const environment = environmentOf(project, slug);
  if (!environment) {
    if (call.backend.generation === '2025-06') throw notFound(`Environment with slug '${slug}' not found`);
    throw new ApiError(404, operation, 'Environment not found');
  }
  return environment;
}
