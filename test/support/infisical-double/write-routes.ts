// Writing secrets: one by name, or several in a batch that is all or nothing.

import type { Action } from './access.ts';
import { type Json, type SecretAnswer, secretJson } from './answers.ts';
import { badRequest, folderNotFound, type Generation, notFound } from './api-error.ts';
import { environmentOf, type Folder, findFolder, type Project, type StoredSecret } from './projects.ts';
import { projectById } from './read-routes.ts';
import { type Call, demand, type Route, read } from './router.ts';
import { removeSecret, type SecretTraits, secretNamed } from './secrets.ts';
import {
  type Fields,
  filled,
  folderPath,
  oneOfOr,
  optionalBoolean,
  optionalNumber,
  someOf,
  text,
  textOr,
  texts,
  trimmed,
} from './validation.ts';

const place = { workspaceId: text, environment: text, secretPath: folderPath } satisfies Fields;
const traits = {
  secretComment: textOr(undefined),
  skipMultilineEncoding: optionalBoolean,
  tagIds: texts,
  secretReminderNote: textOr(undefined),
  secretReminderRepeatDays: optionalNumber,
} satisfies Fields;
const type = oneOfOr(['shared', 'personal'], 'shared');
const createBody = { ...place, secretValue: text, ...traits, type } satisfies Fields;
const updateBody = { ...createBody, newSecretName: textOr(undefined) } satisfies Fields;
const deleteBody = { ...place, type } satisfies Fields;

const batchPlace = {
  workspaceId: textOr(undefined),
  projectSlug: textOr(undefined),
  environment: text,
  secretPath: folderPath,
} satisfies Fields;
const valued = { secretKey: trimmed, secretValue: text, ...traits } satisfies Fields;
const batchWrite = { ...batchPlace, secrets: someOf(valued) } satisfies Fields;
/** A server of June 2025 refuses an empty name. */
const namedBatch = { ...batchPlace, secrets: someOf({ ...valued, secretKey: filled }) } satisfies Fields;
const batchDelete = { ...batchPlace, secrets: someOf({ secretKey: trimmed }) } satisfies Fields;

export const writeRoutes: readonly Route[] = [
  ...bothVersions('POST', '/:secretName', create),
  ...bothVersions('PATCH', '/:secretName', update),
  ...bothVersions('DELETE', '/:secretName', remove),
  batchRoute('POST', createMany),
  batchRoute('PATCH', updateMany),
  batchRoute('DELETE', removeMany),
];

function bothVersions(method: string, end: string, handle: Route['handle']): readonly Route[] {
  const shared = { method, kind: 'write', limit: 'secrets' } as const;
  const asV3 = (call: Call) => handle({ ...call, body: withWorkspace(call.body) });
  return [
    { ...shared, pattern: `/api/v3/secrets/raw${end}`, handle },
    { ...shared, pattern: `/api/v4/secrets${end}`, since: 'newest', handle: asV3 },
  ];
}

function withWorkspace(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  return { ...body, workspaceId: Reflect.get(body, 'projectId') };
}

function batchRoute(method: string, handle: Route['handle']): Route {
  return { method, pattern: '/api/v3/secrets/batch/raw', kind: 'write', limit: 'secrets', handle };
}

function create(call: Call): Json {
  const body = read(call, call.body, createBody);
  if (body.type === 'personal') throw badRequest('Must be user to create personal secret');
  const { project, folder } = target(call, body, 'create');
  const key = nameOf(call);
  if (secretNamed(folder, key)) throw badRequest('Secret already exist');
  const secret = call.backend.secrets.create(
    folder,
    key,
    body.secretValue,
    traitsOf(body, project, call.backend.generation),
  );
  return { secret: answer(call, project, body.environment, secret, 'created') };
}

function update(call: Call): Json {
  const is2025 = call.backend.generation === '2025-06';
  const body = read(call, call.body, is2025 ? { ...updateBody, secretValue: textOr(undefined) } : updateBody);
  const { project, folder } = target(call, body, 'edit');
  const secret = existing(folder, nameOf(call), is2025 ? `Secret with name ${nameOf(call)} not found` : undefined);
  const newKey = body.newSecretName;
  if (newKey !== undefined && secretNamed(folder, newKey)) throw badRequest('Secret with the new name already exist');
  const rename = newKey === undefined ? {} : { newKey };
  call.backend.secrets.update(folder, secret, body.secretValue, {
    ...traitsOf(body, project, call.backend.generation),
    ...rename,
  });
  // A change without a value shows none, and keeps the one that is there.
  const shown = body.secretValue === undefined ? { secretValue: '' } : {};
  return { secret: { ...updated(call, project, body, secret), ...shown } };
}

function remove(call: Call): Json {
  const body = read(call, call.body, deleteBody);
  const { project, folder } = target(call, body, 'delete');
  const secret = existing(folder, nameOf(call));
  removeSecret(folder, secret);
  return { secret: answer(call, project, body.environment, secret, 'deleted') };
}

function createMany(call: Call): Json {
  const body = read(call, call.body, call.backend.generation === '2025-06' ? namedBatch : batchWrite);
  const { project, folder } = batchTarget(call, body, 'create');
  const taken = body.secrets.filter(({ secretKey }) => secretNamed(folder, secretKey));
  if (taken.length > 0) throw badRequest(`Secret already exist: ${namesOf(taken)}`);
  // Doubles within one request are not looked for: both are stored.
  const secrets = body.secrets.map((one) =>
    call.backend.secrets.create(
      folder,
      one.secretKey,
      one.secretValue,
      traitsOf(one, project, call.backend.generation),
    ),
  );
  return { secrets: secrets.map((secret) => answer(call, project, body.environment, secret, 'created')) };
}

function updateMany(call: Call): Json {
  const body = read(call, call.body, batchWrite);
  const { project, folder } = batchTarget(call, body, 'edit');
  const pairs = allOrNothing(
    folder,
    body.secrets,
    'Secret does not exist',
    call.backend.generation === '2025-06' ? body.secretPath : undefined,
  );
  for (const { item, secret } of pairs) {
    call.backend.secrets.update(folder, secret, item.secretValue, traitsOf(item, project, call.backend.generation));
  }
  return { secrets: pairs.map(({ item, secret }) => updated(call, project, { ...item, ...body }, secret)) };
}

function removeMany(call: Call): Json {
  const body = read(call, call.body, batchDelete);
  const { project, folder } = batchTarget(call, body, 'delete');
  const pairs = allOrNothing(folder, body.secrets, 'One or more secrets does not exist');
  for (const { secret } of pairs) removeSecret(folder, secret);
  return { secrets: pairs.map(({ secret }) => answer(call, project, body.environment, secret, 'deleted')) };
}

/** Every named secret, or 404: the message names those that are there, which is the server's mistake. */
function allOrNothing<T extends { readonly secretKey: string }>(
  folder: Folder,
  items: readonly T[],
  words: string,
  path?: string,
) {
  const pairs = items.flatMap((item) => {
    const secret = secretNamed(folder, item.secretKey);
    return secret ? [{ item, secret }] : [];
  });
  if (pairs.length === items.length) return pairs;
  const there = new Set<object>(pairs.map(({ item }) => item));
  // A server of June 2025 names those that are missing, and where, when it changes secrets.
  if (path !== undefined)
    throw notFound(`${words}: ${namesOf(items.filter((item) => !there.has(item)))} in path ${path}`);
  throw notFound(`${words}: ${namesOf(pairs.map(({ item }) => item))}`);
}

function namesOf(items: readonly { readonly secretKey: string }[]): string {
  return items.map(({ secretKey }) => secretKey).join(',');
}

interface Place {
  readonly environment: string;
  readonly secretPath: string;
}

function target(call: Call, body: Place & { readonly workspaceId: string }, action: Action) {
  return placeIn(call, projectById(call, body.workspaceId), body, action);
}

function batchTarget(
  call: Call,
  body: Place & { readonly workspaceId: string | undefined; readonly projectSlug: string | undefined },
  action: Action,
) {
  const bySlug = body.projectSlug === undefined ? undefined : call.backend.projects.bySlug(body.projectSlug);
  return placeIn(call, bySlug ?? projectById(call, body.workspaceId ?? ''), body, action);
}

function placeIn(call: Call, project: Project, { environment, secretPath }: Place, action: Action) {
  demand(call, project, { action, environment, path: secretPath });
  const folder = findFolder(environmentOf(project, environment), secretPath);
  if (!folder) throw folderNotFound(call.backend.generation, { environment, path: secretPath });
  return { project, folder };
}

function existing(folder: Folder, key: string, words = 'Secret not found'): StoredSecret {
  const secret = secretNamed(folder, key);
  if (!secret) throw notFound(words);
  return secret;
}

function nameOf(call: Call): string {
  return (call.params['secretName'] ?? '').trim();
}

interface TraitsSent {
  readonly secretComment: string | undefined;
  readonly skipMultilineEncoding: boolean | undefined;
  readonly tagIds: readonly string[];
  readonly secretReminderNote: string | undefined;
  readonly secretReminderRepeatDays: number | null;
}

function traitsOf(sent: TraitsSent, project: Project, generation: Generation): SecretTraits {
  const known = project.tags.map((tag) => tag.id);
  if (!sent.tagIds.every((id) => known.includes(id)))
    throw notFound(generation === '2025-06' ? 'Tag not found. Found ' : 'Tag not found');
  return {
    ...(sent.secretComment !== undefined && { comment: sent.secretComment }),
    ...(sent.skipMultilineEncoding !== undefined && { skipMultilineEncoding: sent.skipMultilineEncoding }),
    ...(sent.tagIds.length > 0 && { tagIds: sent.tagIds }),
    ...(sent.secretReminderNote !== undefined && { reminderNote: sent.secretReminderNote }),
    ...(sent.secretReminderRepeatDays !== null && { reminderRepeatDays: sent.secretReminderRepeatDays }),
  };
}

function answer(call: Call, project: Project, environment: string, secret: StoredSecret, kind: SecretAnswer): Json {
  return secretJson(secret, { project, environment, generation: call.backend.generation, answer: kind });
}

/** The answer of a change shows the comment that was sent, not the one that is kept. */
function updated(
  call: Call,
  project: Project,
  sent: { readonly environment: string; readonly secretComment: string | undefined },
  secret: StoredSecret,
): Json {
  return { ...answer(call, project, sent.environment, secret, 'updated'), secretComment: sent.secretComment ?? '' };
}
