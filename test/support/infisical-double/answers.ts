// The JSON in which secrets, folders and projects are sent. The order of members is the server's, as ETags depend on it.
import type { Generation } from './api-error.ts';
import type { ImportEntry } from './imports.ts';
import type { Folder, Project, StoredSecret, Tag } from './projects.ts';

export type Json = Readonly<Record<string, unknown>>;

/** What newer servers send in place of a value that may not be read. */
export const hiddenValue = '<hidden-by-infisical>';

export interface SecretPlace {
  readonly project: Project;
  readonly environment: string;
  readonly generation: Generation;
  /** The value to send when it is not the stored one: expanded, or hidden. */
  readonly value?: string;
  readonly hideValue?: boolean;
}

/** A secret as single routes and batches answer it. */
export function secretJson(secret: StoredSecret, place: SecretPlace): Json {
  return {
    ...secretHead(secret, place, place.project.id),
    secretComment: secret.comment,
    secretReminderNote: secret.reminderNote,
    secretReminderRepeatDays: secret.reminderRepeatDays,
    skipMultilineEncoding: secret.skipMultilineEncoding,
    ...newerMembers(secret, place),
    createdAt: iso(secret.createdAtMs),
    updatedAt: iso(secret.updatedAtMs),
  };
}

function secretHead(secret: StoredSecret, place: SecretPlace, workspace: string): Json {
  const isHidden = isHiddenIn(secret, place);
  return {
    id: secret.id,
    _id: secret.id,
    workspace,
    environment: place.environment,
    version: secret.version,
    type: 'shared',
    secretKey: secret.key,
    secretValue: isHidden ? hiddenValue : (place.value ?? secret.value),
    ...(place.generation === 'newest' && { secretValueHidden: isHidden }),
  };
}

function newerMembers(secret: StoredSecret, place: SecretPlace): Json {
  if (place.generation === '2024-10') return { metadata: null };
  return { secretMetadata: secret.metadata, isRotatedSecret: false, rotationId: null, actor: null };
}

function isHiddenIn(secret: StoredSecret, place: SecretPlace): boolean {
  return place.generation === 'newest' && (secret.hidden || place.hideValue === true);
}

export function tagsJson(secret: StoredSecret, project: Project, slugs?: readonly string[]): readonly Json[] {
  return project.tags
    .filter((tag) => secret.tagIds.includes(tag.id) && (slugs?.includes(tag.slug) ?? true))
    .map(({ id, slug, color }) => ({ id, slug, color, name: slug }));
}

export function tagJson({ id, slug, color, createdAtMs }: Tag, project: Project): Json {
  const at = iso(createdAtMs);
  const by = { createdBy: project.orgId, projectId: project.id, createdByActorType: 'user' };
  return { id, slug, color, createdAt: at, updatedAt: at, ...by };
}

/** An entry of `imports`; its secrets have fewer members, and an empty workspace. */
export function importJson(entry: ImportEntry, place: Omit<SecretPlace, 'environment' | 'value'>): Json {
  const secrets = entry.secrets.map(({ secret, environment, value }) => ({
    ...secretHead(secret, { ...place, environment, value }, ''),
    secretComment: secret.comment,
    skipMultilineEncoding: secret.skipMultilineEncoding,
    ...(place.generation === '2024-10' ? { metadata: null } : { secretMetadata: [] }),
  }));
  const folder = entry.folderId === undefined ? {} : { folderId: entry.folderId };
  return { secretPath: entry.path, environment: entry.environment, ...folder, secrets };
}

export function folderJson(folder: Folder): Json {
  return {
    id: folder.id,
    name: folder.name,
    version: folder.version,
    createdAt: iso(folder.createdAtMs),
    updatedAt: iso(folder.updatedAtMs),
    envId: folder.environment.id,
    parentId: folder.parent?.id ?? null,
    isReserved: false,
  };
}

export function importsJson(folder: Folder, project: Project): readonly Json[] {
  return folder.imports.map((one) => {
    const source = project.environments.find((environment) => environment.slug === one.environment);
    const at = iso(one.createdAtMs);
    return {
      id: one.id,
      version: 1,
      importPath: one.path,
      position: one.position,
      createdAt: at,
      updatedAt: at,
      folderId: folder.id,
      isReplication: false,
      isReplicationSuccess: null,
      replicationStatus: null,
      lastReplicated: null,
      isReserved: false,
      importEnv: { name: source?.name, slug: one.environment, id: source?.id },
    };
  });
}

export function projectJson(project: Project): Json {
  const at = iso(project.createdAtMs);
  return {
    id: project.id,
    name: project.name,
    slug: project.slug,
    autoCapitalization: true,
    orgId: project.orgId,
    createdAt: at,
    updatedAt: at,
    version: 3,
    upgradeStatus: null,
    pitVersionLimit: 10,
    kmsCertificateKeyId: null,
    auditLogsRetentionDays: null,
    _id: project.id,
    environments: project.environments.map(({ name, slug, id }) => ({ name, slug, id })),
  };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
