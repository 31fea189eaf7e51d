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
  readonly answer: SecretAnswer;
  /** Of the folder; shown in lists. */
  readonly path?: string;
  /** Tags to show; all when absent. */
  readonly tagSlugs?: readonly string[] | undefined;
}

/** A secret as single routes and batches answer it. */
export function secretJson(secret: StoredSecret, place: SecretPlace): Json {
  const is2025 = place.generation === '2025-06';
  return {
    ...secretHead(secret, place, place.project.id),
    secretComment: secret.comment,
    secretReminderNote: secret.reminderNote,
    secretReminderRepeatDays: secret.reminderRepeatDays,
    skipMultilineEncoding: secret.skipMultilineEncoding,
    ...(!is2025 && newerMembers(secret, place)),
    createdAt: iso(secret.createdAtMs),
    updatedAt: iso(secret.updatedAtMs),
    ...(is2025 && membersOf2025(secret, place)),
  };
}

/** Which answer shows a secret: a server of June 2025 has other members in each. */
export type SecretAnswer = 'list' | 'one' | 'imported' | 'version' | 'created' | 'updated' | 'deleted';

function membersOf2025(secret: StoredSecret, place: SecretPlace): Json {
  const rotation = { isRotatedSecret: false, rotationId: null };
  const hidden = { secretValueHidden: isHiddenIn(secret, place) };
  const tags = { tags: tagsJson(secret, place.project, place.tagSlugs) };
  const metadata = { secretMetadata: secret.metadata };
  const members: Readonly<Record<SecretAnswer, () => Json>> = {
    list: () => ({ ...rotation, secretPath: place.path, ...hidden, ...metadata, ...tags }),
    one: () => ({ ...hidden, ...tags, ...metadata }),
    imported: () => ({ ...rotation, ...hidden, ...tags, ...metadata }),
    version: () => hidden,
    created: () => rotation,
    updated: () => ({ ...rotation, ...hidden }),
    deleted: () => hidden,
  };
  return members[place.answer]();
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
  return place.generation !== '2024-10' && (secret.hidden || place.hideValue === true);
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
export function importJson(entry: ImportEntry, place: Omit<SecretPlace, 'environment' | 'value' | 'answer'>): Json {
  const secrets = entry.secrets.map(({ secret, environment, value }) => ({
    ...secretHead(secret, { ...place, environment, value, answer: 'list' }, ''),
    secretComment: secret.comment,
    skipMultilineEncoding: secret.skipMultilineEncoding,
    ...importedMembers(secret, { ...place, environment, answer: 'list' }),
  }));
  const folder = entry.folderId === undefined ? {} : { folderId: entry.folderId };
  return { secretPath: entry.path, environment: entry.environment, ...folder, secrets };
}

function importedMembers(secret: StoredSecret, place: SecretPlace): Json {
  if (place.generation === '2024-10') return { metadata: null };
  if (place.generation === 'newest') return { secretMetadata: [] };
  const hidden = { secretValueHidden: isHiddenIn(secret, place) };
  return { isRotatedSecret: false, rotationId: null, ...hidden, secretMetadata: [] };
}

export function folderJson(folder: Folder, generation: Generation): Json {
  return {
    id: folder.id,
    name: folder.name,
    version: folder.version,
    createdAt: iso(folder.createdAtMs),
    updatedAt: iso(folder.updatedAtMs),
    envId: folder.environment.id,
    parentId: folder.parent?.id ?? null,
    isReserved: false,
    ...(generation !== '2024-10' && {
      description: null,
      lastSecretModified: folder.secretsChangedAtMs === undefined ? null : iso(folder.secretsChangedAtMs),
    }),
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

/** `withKey` adds the id of the key that encrypts its secrets, which only the answer by slug of newer servers holds. */
export function projectJson(project: Project, generation: Generation, withKey = false): Json {
  const at = iso(project.createdAtMs);
  const is2024 = generation === '2024-10';
  return {
    id: project.id,
    name: project.name,
    ...(!is2024 && { description: null, type: 'secret-manager' }),
    slug: project.slug,
    autoCapitalization: is2024,
    orgId: project.orgId,
    createdAt: at,
    updatedAt: at,
    version: 3,
    upgradeStatus: null,
    pitVersionLimit: 10,
    kmsCertificateKeyId: null,
    auditLogsRetentionDays: null,
    ...(!is2024 && { hasDeleteProtection: false, secretSharing: true, showSnapshotsLegacy: false }),
    ...(withKey && generation === '2025-06' && { kmsSecretManagerKeyId: project.id }),
    _id: project.id,
    environments: project.environments.map(({ name, slug, id }) => ({ name, slug, id })),
  };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
