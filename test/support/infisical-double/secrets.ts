// Secrets in their folders: stored trimmed as the server does, in the order of their random ids, and found by key.
// The order is stable between calls, means nothing, and changes when a secret is deleted and made again.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import {
  type Folder,
  type FolderAddress,
  findFolder,
  type Projects,
  type SecretMetadata,
  type StoredSecret,
} from './projects.ts';

export interface SecretAddress extends FolderAddress {
  readonly key: string;
}

/** What may be told about a secret besides its value. Absent means the server's default, or unchanged. */
export interface SecretTraits {
  readonly id?: string;
  readonly comment?: string;
  readonly tagIds?: readonly string[];
  /** Sent by newer servers only. */
  readonly metadata?: readonly SecretMetadata[];
  readonly skipMultilineEncoding?: boolean;
  readonly reminderNote?: string | null;
  readonly reminderRepeatDays?: number | null;
  readonly hidden?: boolean;
}

export interface SecretInput extends SecretAddress, SecretTraits {
  readonly value: string;
}

/** What `Secrets.find` tells. */
export type SecretView = Readonly<Pick<StoredSecret, 'id' | 'key' | 'value' | 'version'>>;

export class Secrets {
  readonly #clock: Clock;
  readonly #projects: Projects;
  #made = 0;

  constructor(projects: Projects, clock: Clock) {
    this.#projects = projects;
    this.#clock = clock;
  }

  /** Creates the secret (and its folders) or gives it a new value and version. */
  set(input: SecretInput): SecretView {
    const folder = this.#projects.addFolder(input);
    const existing = secretNamed(folder, input.key);
    if (!existing) return this.create(folder, input.key, input.value, input);
    this.update(folder, existing, input.value, input);
    return existing;
  }

  delete(address: SecretAddress): void {
    const folder = this.#projects.addFolder(address);
    const secret = secretNamed(folder, address.key);
    if (secret) removeSecret(folder, secret);
  }

  find(address: SecretAddress): SecretView | undefined {
    const { environment } = this.#projects.addFolder({ ...address, path: '/' });
    const folder = findFolder(environment, address.path ?? '/');
    return folder && secretNamed(folder, address.key);
  }

  create(folder: Folder, key: string, value: string, traits: SecretTraits = {}): StoredSecret {
    const nowMs = this.#clock.nowMs();
    const secret: StoredSecret = {
      id: traits.id ?? randomUUID(),
      serial: this.#made++,
      key: key.trim(),
      value: storedValue(value),
      values: [storedValue(value)],
      comment: traits.comment ?? '',
      version: 1,
      reminderNote: traits.reminderNote ?? null,
      reminderRepeatDays: traits.reminderRepeatDays ?? null,
      skipMultilineEncoding: traits.skipMultilineEncoding ?? false,
      tagIds: traits.tagIds ?? [],
      metadata: traits.metadata ?? [],
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      hidden: traits.hidden ?? false,
    };
    folder.secrets.splice(placeOf(folder, secret.id), 0, secret);
    folder.secretsChangedAtMs = nowMs;
    return secret;
  }

  /** A new version, also when nothing changes. */
  update(
    folder: Folder,
    secret: StoredSecret,
    value: string | undefined,
    traits: SecretTraits & { readonly newKey?: string } = {},
  ): void {
    secret.value = value === undefined ? secret.value : storedValue(value);
    secret.values = [...secret.values, secret.value];
    secret.version += 1;
    secret.updatedAtMs = this.#clock.nowMs();
    folder.secretsChangedAtMs = secret.updatedAtMs;
    secret.key = traits.newKey ?? secret.key;
    secret.comment = traits.comment ?? secret.comment;
    secret.tagIds = traits.tagIds ?? secret.tagIds;
    secret.metadata = traits.metadata ?? secret.metadata;
    secret.skipMultilineEncoding = traits.skipMultilineEncoding ?? secret.skipMultilineEncoding;
    secret.reminderNote = traits.reminderNote ?? secret.reminderNote;
    secret.reminderRepeatDays = traits.reminderRepeatDays ?? secret.reminderRepeatDays;
    secret.hidden = traits.hidden ?? secret.hidden;
  }
}

/** The oldest of that key: batch creation can store a key twice. */
export function secretNamed(folder: Folder, key: string): StoredSecret | undefined {
  let oldest: StoredSecret | undefined;
  for (const secret of folder.secrets) {
    if (secret.key === key && !(oldest && oldest.serial < secret.serial)) oldest = secret;
  }
  return oldest;
}

export function removeSecret(folder: Folder, secret: StoredSecret): void {
  folder.secrets.splice(folder.secrets.indexOf(secret), 1);
}

/** White space at both ends goes; a value that ended in a newline gets one back. */
function storedValue(sent: string): string {
  return sent.endsWith('\n') ? `${sent.trim()}\n` : sent.trim();
}

function placeOf(folder: Folder, id: string): number {
  let low = 0;
  let high = folder.secrets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = folder.secrets[middle];
    if (there && there.id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
