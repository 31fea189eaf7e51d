// What one list answer says, arranged for looking up: own secrets by folder, imports behind them, and which of equal keys
// wins. Pure; the rules are the server's own where it has some:
// own secrets before imports, of imports the last; of equal keys in several folders the shallowest, then path order.
import { compareBytewise } from '../../core/byte-order.ts';
import { overheadBytes } from '../shared/snapshots.ts';
import type { WireList, WireSecret } from './wire.ts';

/** What a search sees of one key. */
export interface FoundKey {
  readonly secret: WireSecret;
  /** Paths of the secrets with the same key that lost, such as `/a/KEY`, in order. */
  readonly shadowed: readonly string[];
}

/** Own secrets by folder and key, imported ones by key. */
export interface FolderView {
  readonly own: ReadonlyMap<string, ReadonlyMap<string, WireSecret>>;
  readonly imported: ReadonlyMap<string, WireSecret>;
  /** Every key once, in byte order, with what it shadows; worked out when first asked for. */
  readonly merged: () => ReadonlyMap<string, FoundKey>;
}

export const emptyView: FolderView = { own: new Map(), imported: new Map(), merged: () => new Map() };

type Halves = Pick<FolderView, 'own' | 'imported'>;

/** A list of `folder` (and what lies below it when `recursive`) as a view; keys without a name are left out. */
export function viewOf(list: WireList, folder: string, recursive: boolean): FolderView {
  const own = new Map<string, Map<string, WireSecret>>();
  for (const secret of list.secrets) {
    const home = recursive ? (secret.folder ?? folder) : folder;
    // Servers of 2024 match the folder as a prefix of text, so that `/my-app` also brings `/my-app-2`.
    if (secret.key === '' || !isWithin(home, folder)) continue;
    const keys = own.get(home) ?? new Map<string, WireSecret>();
    own.set(home, keys);
    const rival = keys.get(secret.key);
    if (rival === undefined || isNewer(secret, rival)) keys.set(secret.key, secret);
  }
  const imported = new Map<string, WireSecret>();
  for (const secret of list.imports.flat()) if (secret.key !== '') imported.set(secret.key, secret);
  let merged: ReadonlyMap<string, FoundKey> | undefined;
  return { own, imported, merged: () => (merged ??= mergedKeys({ own, imported })) };
}

/** What a search sees when only these secrets are there: equal keys are told apart among them alone. */
export function mergedWhere(
  { own, imported }: FolderView,
  isWanted: (secret: WireSecret) => boolean,
): ReadonlyMap<string, FoundKey> {
  const among = (secrets: ReadonlyMap<string, WireSecret>) =>
    new Map([...secrets].filter(([, each]) => isWanted(each)));
  const wanted = new Map([...own].map(([folder, secrets]) => [folder, among(secrets)]));
  return mergedKeys({ own: wanted, imported: among(imported) });
}

/** Whether a folder is `base` or lies below it, segment by segment. */
export function isWithin(folder: string, base: string): boolean {
  return base === '/' || folder === base || folder.startsWith(`${base}/`);
}

/** True when the answer brought nothing, so that it does not even prove that the folder exists. */
export function isEmpty({ own, imported }: FolderView): boolean {
  return own.size === 0 && imported.size === 0;
}

/** About how many bytes it takes to keep the view. */
export function sizeOfView({ own, imported }: FolderView): number {
  let bytes = overheadBytes;
  for (const secrets of [imported, ...own.values()]) {
    for (const secret of secrets.values()) bytes += sizeOfSecret(secret);
  }
  return bytes;
}

export function sizeOfSecret({ key, value, tags = [], metadata = new Map() }: WireSecret): number {
  const marks = [...tags, ...metadata.keys(), ...metadata.values()];
  const markBytes = marks.reduce((sum, { length }) => sum + overheadBytes + length, 0);
  return overheadBytes + key.length + (value?.length ?? 0) + markBytes;
}

/** What a read by name would give: the folder's own secret, else an imported one. For views that are not recursive. */
export function lookUp({ own, imported }: FolderView, folder: string, name: string): WireSecret | undefined {
  return own.get(folder)?.get(name) ?? imported.get(name);
}

/** The names that `lookUp` knows. */
export function namesIn({ own, imported }: FolderView, folder: string): readonly string[] {
  return [...(own.get(folder)?.keys() ?? []), ...imported.keys()];
}

function mergedKeys({ own, imported }: Halves): Map<string, FoundKey> {
  const winners = new Map<string, { secret: WireSecret; shadowed: string[] }>();
  for (const folder of [...own.keys()].sort(byDepthThenPath)) {
    for (const [key, secret] of own.get(folder) ?? []) {
      const winner = winners.get(key);
      if (winner === undefined) winners.set(key, { secret, shadowed: [] });
      else winner.shadowed.push(folder === '/' ? `/${key}` : `${folder}/${key}`);
    }
  }
  for (const [key, secret] of imported) if (!winners.has(key)) winners.set(key, { secret, shadowed: [] });
  return new Map([...winners].sort(([left], [right]) => compareBytewise(left, right)));
}

function byDepthThenPath(left: string, right: string): number {
  return depthOf(left) - depthOf(right) || compareBytewise(left, right);
}

function depthOf(folder: string): number {
  return folder.split('/').filter((segment) => segment !== '').length;
}

/**
 * Which of two secrets with one key in one folder counts (batch writes can make such): the one changed last, then the one
 * with the higher version, then the one that the server names first.
 */
function isNewer(secret: WireSecret, rival: WireSecret): boolean {
  return (
    secret.updatedAtMs - rival.updatedAtMs > 0 ||
    (secret.updatedAtMs === rival.updatedAtMs && secret.version > rival.version)
  );
}
