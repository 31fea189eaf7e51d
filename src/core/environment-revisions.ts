// Revisions of an Environment: what each one holds, how it is named, and which one a version means. They are kept as
// ControllerRevisions, whose data the API server lets nobody change:
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/
import { createHash } from 'node:crypto';

/** What a revision holds: the document, and nothing of who may use it. */
export interface RevisionData {
  readonly imports?: readonly unknown[];
  readonly values?: unknown;
}

interface Identity {
  readonly name: string;
  readonly uid: string;
}

/** Longest part of the Environment's name in that of a revision: the whole must be a name itself. */
const longestPrefix = 200;

/**
 * Name of the revision of that number. The Environment's uid is part of it, so that one which was deleted and made anew never
 * meets what its predecessor left; nothing of the document is.
 */
export function revisionName({ name, uid }: Identity, number: number): string {
  const prefix = name.slice(0, longestPrefix).replace(/[^a-z0-9]+$/, '');
  const life = createHash('sha256').update(`${uid}/${name}`).digest('hex').slice(0, 12);
  return `${prefix}.${life}.${number}`;
}

/** The part of a spec that a revision holds. */
export function revisionData({
  imports,
  values,
}: {
  readonly imports?: unknown;
  readonly values?: unknown;
}): RevisionData {
  return {
    ...(Array.isArray(imports) ? { imports: imports as readonly unknown[] } : {}),
    ...(values === undefined ? {} : { values }),
  };
}

/** Says whether two documents are the same, and nothing else of them; the order of keys does not count. */
export function revisionDigest(data: RevisionData): string {
  return createHash('sha256')
    .update(textInOrder(revisionData(data)))
    .digest('hex');
}

/** JSON with the keys of each object in order. */
function textInOrder(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'; // there is no undefined in JSON
  if (Array.isArray(value)) return `[${value.map(textInOrder).join(',')}]`;
  const members = value as Readonly<Record<string, unknown>>; // neither null nor a list
  const texts = Object.keys(members)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${textInOrder(members[key])}`);
  return `{${texts.join(',')}}`;
}

/** The number that a version means; undefined for a tag that is not set. */
export function revisionNumber(
  version: string,
  tags: Readonly<Record<string, number>> | undefined,
): number | undefined {
  if (/^[1-9][0-9]{0,8}$/.test(version)) return Number(version);
  return tags !== undefined && Object.hasOwn(tags, version) ? tags[version] : undefined;
}

/** A revision as it is known to exist. */
export interface KnownRevision {
  readonly number: number;
  readonly digest: string;
}

export interface RevisionPlan {
  /** Number of the revision that holds the present document. */
  readonly current: number;
  /** Whether it is yet to be made. */
  readonly isNew: boolean;
  /** Numbers that are over the limit, the oldest first. */
  readonly surplus: readonly number[];
}

/** Revisions that are kept unless the spec says otherwise. */
export const defaultRevisionLimit = 10;

/**
 * What is to become of the revisions. Numbers are never used twice, as far as anybody remembers: `lastNumber` is the one
 * that the status tells. Those with a tag are kept, whatever their age.
 */
export function planRevisions(
  known: readonly KnownRevision[],
  wanted: {
    readonly digest: string;
    readonly lastNumber: number;
    readonly limit: number;
    readonly tags: Readonly<Record<string, number>> | undefined;
  },
): RevisionPlan {
  const inOrder = known.toSorted((a, b) => a.number - b.number);
  const newest = inOrder.at(-1);
  const isNew = newest === undefined || newest.digest !== wanted.digest;
  const current = isNew ? Math.max(newest?.number ?? 0, wanted.lastNumber) + 1 : newest.number;
  const tagged = new Set(Object.values(wanted.tags ?? {}));
  const kept = Math.max(1, wanted.limit) - (isNew ? 1 : 0);
  const old = inOrder.slice(0, Math.max(0, inOrder.length - kept));
  return { current, isNew, surplus: old.map(({ number }) => number).filter((number) => !tagged.has(number)) };
}
