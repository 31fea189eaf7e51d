// What is on the server: projects, their environments, and in each a tree of folders. Secrets hang in the folders
// (secrets.ts). Lookups follow the real server's, which is particular about how a path is written.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import { badRequest, broken, type Generation } from './api-error.ts';
import { withoutTrailingSlash } from './validation.ts';

export interface Project {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly orgId: string;
  readonly createdAtMs: number;
  readonly environments: Environment[];
  readonly tags: Tag[];
}

export interface Environment {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly root: Folder;
}

export interface Tag {
  readonly id: string;
  readonly slug: string;
  readonly color: string;
  readonly createdAtMs: number;
}

export interface Folder {
  readonly id: string;
  readonly environment: Environment;
  readonly parent?: Folder;
  readonly children: Folder[];
  readonly secrets: StoredSecret[];
  readonly createdAtMs: number;
  name: string;
  version: number;
  updatedAtMs: number;
  /** When a secret in it was last written; undefined before the first. */
  secretsChangedAtMs?: number;
  imports: FolderImport[];
}

export interface FolderImport {
  readonly id: string;
  /** Slug of the source environment. */
  readonly environment: string;
  readonly path: string;
  /** From 1, in the order shown to people. */
  readonly position: number;
  readonly createdAtMs: number;
}

export interface SecretMetadata {
  readonly key: string;
  readonly value: string;
  readonly isEncrypted?: boolean;
}

export interface StoredSecret {
  readonly id: string;
  /** Counts up with each secret made. */
  readonly serial: number;
  readonly createdAtMs: number;
  key: string;
  value: string;
  /** Of all versions, the first one first. */
  values: readonly string[];
  comment: string;
  version: number;
  reminderNote: string | null;
  reminderRepeatDays: number | null;
  skipMultilineEncoding: boolean;
  tagIds: readonly string[];
  metadata: readonly SecretMetadata[];
  updatedAtMs: number;
  /** True when the reader may see that it exists but not its value: newer servers send a mask. */
  hidden: boolean;
}

export interface NewEnvironment {
  readonly slug: string;
  readonly name?: string;
  readonly id?: string;
}

export interface NewProject {
  readonly slug: string;
  readonly name?: string;
  readonly id?: string;
  /** `dev`, `staging` and `prod` when absent. */
  readonly environments?: readonly NewEnvironment[];
  readonly tags?: readonly { readonly slug: string; readonly color?: string; readonly id?: string }[];
}

/** Where something is. `project` is a slug and may be left out while there is one project. */
export interface FolderAddress {
  readonly project?: string;
  readonly environment: string;
  /** `/` when absent. */
  readonly path?: string;
}

export interface ImportSource {
  readonly environment: string;
  readonly path: string;
}

const defaultEnvironments: readonly NewEnvironment[] = [
  { slug: 'dev', name: 'Development' },
  { slug: 'staging', name: 'Staging' },
  { slug: 'prod', name: 'Production' },
];

export class Projects {
  readonly #clock: Clock;
  readonly #byId = new Map<string, Project>();
  readonly #orgId = randomUUID();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(wanted: NewProject): Project {
    if (this.bySlug(wanted.slug)) throw new Error(`infisical double: project '${wanted.slug}' exists already`);
    const createdAtMs = this.#clock.nowMs();
    const project: Project = {
      id: wanted.id ?? randomUUID(),
      slug: wanted.slug,
      name: wanted.name ?? wanted.slug,
      orgId: this.#orgId,
      createdAtMs,
      environments: (wanted.environments ?? defaultEnvironments).map((one) => this.#environment(one)),
      tags: (wanted.tags ?? []).map(({ slug, color = '#cccccc', id = randomUUID() }) => ({
        id,
        slug,
        color,
        createdAtMs,
      })),
    };
    this.#byId.set(project.id, project);
    return project;
  }

  byId(id: string): Project | undefined {
    return this.#byId.get(id);
  }

  bySlug(slug: string): Project | undefined {
    return [...this.#byId.values()].find((project) => project.slug === slug);
  }

  /** The project of that slug, or the only one. Throws when a test asks for what it did not set up. */
  named(slug?: string): Project {
    const project = slug === undefined ? this.#byId.values().next().value : this.bySlug(slug);
    if (!project) throw new Error(`infisical double: there is no project '${slug ?? ''}'`);
    return project;
  }

  remove(slug: string): void {
    this.#byId.delete(this.named(slug).id);
  }

  /** The folder at an address, made with its parents when it is not there. */
  addFolder(address: FolderAddress): Folder {
    const environment = this.#environmentAt(address);
    return segmentsOf(address.path ?? '/').reduce((folder, name) => this.addChild(folder, name), environment.root);
  }

  addChild(parent: Folder, name: string): Folder {
    const existing = parent.children.find((child) => child.name === name);
    if (existing) return existing;
    const child = this.#folder(parent.environment, name, parent);
    parent.children.push(child);
    return child;
  }

  removeFolder(address: FolderAddress): void {
    const folder = findFolder(this.#environmentAt(address), address.path ?? '/');
    if (folder?.parent) detach(folder);
  }

  /** Replaces what a folder imports; the order is the one shown to people, in which the last wins. */
  setImports(address: FolderAddress, sources: readonly ImportSource[]): void {
    const createdAtMs = this.#clock.nowMs();
    const folder = this.addFolder(address);
    folder.secretsChangedAtMs = createdAtMs;
    folder.imports = sources.map((source, index) => ({
      ...source,
      id: randomUUID(),
      position: index + 1,
      createdAtMs,
    }));
  }

  #environmentAt(address: FolderAddress): Environment {
    const project = this.named(address.project);
    const environment = environmentOf(project, address.environment);
    if (environment) return environment;
    throw new Error(`infisical double: project '${project.slug}' has no environment '${address.environment}'`);
  }

  #environment({ slug, name = slug, id = randomUUID() }: NewEnvironment): Environment {
    const environment: { id: string; slug: string; name: string; root?: Folder } = { id, slug, name };
    const whole = environment as Environment; // `root` follows in the next line
    environment.root = this.#folder(whole, 'root');
    return whole;
  }

  #folder(environment: Environment, name: string, parent?: Folder): Folder {
    const nowMs = this.#clock.nowMs();
    return {
      id: randomUUID(),
      environment,
      ...(parent && { parent }),
      children: [],
      secrets: [],
      imports: [],
      name,
      version: 1,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
  }
}

export function environmentOf(project: Project, slug: string): Environment | undefined {
  return project.environments.find((environment) => environment.slug === slug);
}

/**
 * The folder at `path`, as the server finds it: one trailing slash is forgiven; a path that does not begin with a slash,
 * is empty or holds a double slash finds nothing; a segment with other characters than letters, digits, `-` and `_` is a
 * server error. `environment` absent finds nothing.
 */
export function findFolder(
  environment: Environment | undefined,
  path: string,
  generation: Generation = '2024-10',
): Folder | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => !/^[A-Za-z0-9_-]+$/.test(segment))) {
    if (generation !== '2025-06') throw broken('Find by secret path');
    throw badRequest('Invalid secret path. Only alphanumeric characters, dashes, and underscores are allowed.');
  }
  if (!environment || withoutTrailingSlash(path) !== `/${segments.join('/')}`) return undefined;
  let folder: Folder | undefined = environment.root;
  for (const name of segments) folder = folder?.children.find((child) => child.name === name);
  return folder;
}

/** Absolute path of a folder; `/` for the root. */
export function pathOf(folder: Folder): string {
  if (!folder.parent) return '/';
  const above = pathOf(folder.parent);
  return above === '/' ? `/${folder.name}` : `${above}/${folder.name}`;
}

/** A folder and all below it, parents first. */
export function* foldersBelow(folder: Folder): Generator<Folder> {
  yield folder;
  for (const child of folder.children) yield* foldersBelow(child);
}

export function detach(folder: Folder): void {
  const siblings = folder.parent?.children ?? [];
  const index = siblings.indexOf(folder);
  if (index >= 0) siblings.splice(index, 1);
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}
