// Infisical's JSON: what its answers look like, and what of them is kept. Foreign names stop here.
// https://infisical.com/docs/api-reference/endpoints/secrets/list
import * as z from 'zod/mini';
import { OperatorError } from '../../base/operator-error.ts';
import { type OwnTurn, ownTurn } from '../../base/turns.ts';
import { SecretValue } from '../../core/secret-value.ts';

/** What stands in place of a value that the identity may see the name of, but not read. */
const maskText = '<hidden-by-infisical>';

/** One secret as the server tells of it. */
export interface WireSecret {
  readonly key: string;
  /** Undefined when the server hides it from this identity. */
  readonly value: SecretValue | undefined;
  /** Folder, where the answer names it. */
  readonly folder: string | undefined;
  readonly version: number;
  /** Epoch ms; 0 when the answer does not say. */
  readonly updatedAtMs: number;
  /** Slugs of its tags; absent when it has none, or is imported: the server does not tell them there. */
  readonly tags?: readonly string[];
  /** Its metadata in the clear; absent when the server tells of none at all, as those of 2024. */
  readonly metadata?: Metadata;
}

type Metadata = ReadonlyMap<string, string>;

export interface WireList {
  readonly secrets: readonly WireSecret[];
  /** Import by import, in the server's order. */
  readonly imports: readonly (readonly WireSecret[])[];
}

/** A list whose entries nobody has looked at; not copied, as `z.array` would. */
const anyList = z.custom<readonly unknown[]>(Array.isArray);

const secretSchema = z.object({
  secretKey: z.string(),
  secretValue: z.nullish(z.string()),
  secretValueHidden: z.nullish(z.boolean()),
  secretPath: z.nullish(z.string()),
  type: z.nullish(z.string()),
  version: z.nullish(z.number()),
  updatedAt: z.nullish(z.string()),
  tags: z.nullish(anyList),
  secretMetadata: z.nullish(anyList),
});

/** The frame only: a schema of all would note a problem for each of a million wrong entries, and fill the heap with them. */
const listSchema = z.object({
  secrets: anyList,
  imports: z.nullish(anyList),
});

const importSchema = z.object({ secrets: anyList });

const oneSchema = z.object({ secret: secretSchema });

/**
 * A list answer; a long one is read in turns of the event loop. Throws UpstreamInvalid at the first thing that is anything else: a wrong shape is never "no secrets".
 */
export async function parseList(json: unknown, turn: OwnTurn = ownTurn): Promise<WireList> {
  const { secrets, imports } = fitted(listSchema, json);
  const read = { secrets: await readAll(secrets, turn), imports: [] as WireSecret[][] };
  for (const block of imports ?? []) read.imports.push(await readAll(fitted(importSchema, block).secrets, turn));
  return read;
}

function fitted<T>(schema: z.ZodMiniType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw notTheApi('a list of secrets');
  return parsed.data;
}

/** The answer to a read by name. Throws UpstreamInvalid for anything else. */
export function parseOne(json: unknown): WireSecret {
  const parsed = oneSchema.safeParse(json);
  if (!parsed.success) throw notTheApi('a secret');
  return readSecret(parsed.data.secret);
}

/** Entries that are looked at in one slice of the loop: some 10 µs each with their tags and metadata. */
const entriesPerTurn = 500;

async function readAll(entries: readonly unknown[], turn: OwnTurn): Promise<WireSecret[]> {
  const secrets: WireSecret[] = [];
  for (const [at, entry] of entries.entries()) {
    if (at % entriesPerTurn === entriesPerTurn - 1) await turn();
    const secret = fitted(secretSchema, entry);
    // Personal overrides belong to users; an identity's view of the folder is the shared one.
    if (secret.type !== 'personal') secrets.push(readSecret(secret));
  }
  return secrets;
}

function readSecret(secret: z.infer<typeof secretSchema>): WireSecret {
  const { secretValue, secretPath, updatedAt } = secret;
  const hidden = secret.secretValueHidden === true || secretValue === maskText;
  if (!hidden && (secretValue === undefined || secretValue === null)) throw notTheApi('a value with each secret');
  const updatedAtMs = Date.parse(updatedAt ?? '');
  return {
    key: secret.secretKey,
    value: hidden ? undefined : new SecretValue(secretValue ?? ''),
    folder: secretPath ?? undefined,
    version: secret.version ?? 0,
    updatedAtMs: Number.isNaN(updatedAtMs) ? 0 : updatedAtMs,
    ...readTags(secret.tags ?? []),
    ...readMetadata(secret.secretMetadata),
  };
}

const tagSchema = z.object({ slug: z.string() });
const metadataSchema = z.object({ key: z.string(), value: z.string(), isEncrypted: z.nullish(z.boolean()) });
/** Nearly all secrets have none: they share one. */
const noMetadata: Metadata = new Map();

function readTags(entries: readonly unknown[]): Pick<WireSecret, 'tags'> {
  if (entries.length === 0) return {};
  return { tags: entries.map((entry) => tagSchema.safeParse(entry).data?.slug).filter((slug) => slug !== undefined) };
}

/** What the server keeps encrypted is a secret of its own, and nothing to search by. */
function readMetadata(entries: readonly unknown[] | null | undefined): Pick<WireSecret, 'metadata'> {
  if (entries === undefined || entries === null) return {};
  if (entries.length === 0) return { metadata: noMetadata };
  const pairs = entries.map((entry) => metadataSchema.safeParse(entry).data).filter((entry) => entry !== undefined);
  return {
    metadata: new Map(pairs.filter(({ isEncrypted }) => isEncrypted !== true).map(({ key, value }) => [key, value])),
  };
}

function notTheApi(expected: string): OperatorError {
  return new OperatorError('UpstreamInvalid', `the answer is not ${expected}`);
}

const errorSchema = z.object({
  error: z.optional(z.unknown()),
  message: z.optional(z.unknown()),
  details: z.optional(z.unknown()),
});

/** What an error answer says. */
export interface WireError {
  readonly error: string;
  /** '' when the message is no text: validation errors bring a list of issues. */
  readonly message: string;
  /** True for a message that is a list of issues. */
  readonly isValidation: boolean;
  /** Names of the references that could not be expanded, such as `dev/folder/KEY`. */
  readonly references: readonly string[];
}

/** The server's error, or undefined when the body is none of the API's. */
export function parseError(json: unknown): WireError | undefined {
  const parsed = errorSchema.safeParse(json);
  if (!parsed.success || (parsed.data.error === undefined && parsed.data.message === undefined)) return undefined;
  const { error, message, details } = parsed.data;
  return {
    error: typeof error === 'string' ? error : '',
    message: typeof message === 'string' ? message : '',
    isValidation: Array.isArray(message) || error === 'ValidationFailure',
    references: [...referencesIn(details, 0)],
  };
}

const deepestDetails = 4;
const mostReferences = 5;
/** Longest name of a place that is repeated. */
const longestName = 200;

/** Places named anywhere in the details, whose shape differs between releases; only names are taken. */
function* referencesIn(details: unknown, depth: number): Generator<string> {
  if (depth > deepestDetails || typeof details !== 'object' || details === null) return;
  const { secretKey, secretPath, environment } = placeSchema.safeParse(details).data ?? {};
  if (secretKey !== undefined) {
    const parts = [environment, secretPath, secretKey].flatMap((part) => (part ?? '').slice(0, longestName).split('/'));
    yield parts.filter((part) => part !== '').join('/');
  }
  for (const inner of Object.values(details).slice(0, mostReferences)) yield* referencesIn(inner, depth + 1);
}

const placeSchema = z.object({
  secretKey: z.optional(z.string()),
  secretPath: z.optional(z.string()),
  environment: z.optional(z.string()),
});
