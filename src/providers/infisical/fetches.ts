// How a scope, or one secret of it, is fetched and judged: conditional on what is kept, and never empty without proof.
import { OperatorError } from '../../base/operator-error.ts';
import { isDefinite, type Outcome, refusal } from '../shared/outcome.ts';
import type { Fetched } from '../shared/snapshots.ts';
import { type ApiAccess, list, proveFolder, readOne, type Scope } from './api.ts';
import { emptyView, type FolderView, isEmpty, viewOf } from './folder-view.ts';
import type { KnownPlaces } from './known-places.ts';
import type { WireSecret } from './wire.ts';

/** The scope's view, or why it has none: a place that is not there is told with the near one that `places` knows. */
export async function fetchNamed(
  access: ApiAccess,
  scope: Scope,
  places: KnownPlaces,
  kept: Fetched<Outcome<FolderView>> | undefined,
  signal: AbortSignal,
): Promise<Fetched<Outcome<FolderView>>> {
  const fetched = await fetchView(access, scope, kept, signal);
  const session = access.session.key;
  if ('value' in fetched.value) {
    for (const folder of [scope.folder, ...fetched.value.value.own.keys()]) places.note(session, { ...scope, folder });
    return fetched;
  }
  const { error } = fetched.value;
  const meant = error.reason === 'ScopeNotFound' ? places.meant(session, scope) : '';
  return meant === '' ? fetched : { value: { error: error.followedBy(meant) } };
}

/** The scope's view, or why it has none. Throws what may pass by itself. */
async function fetchView(
  access: ApiAccess,
  scope: Scope,
  kept: Fetched<Outcome<FolderView>> | undefined,
  signal: AbortSignal,
): Promise<Fetched<Outcome<FolderView>>> {
  try {
    const fetched = await listView(access, scope, kept, signal);
    // The empty lists of a folder and of no folder are the same bytes, so a 304 proves no more than a 200.
    if (!('value' in fetched.value)) return fetched;
    const view = fetched.value.value;
    if (isEmpty(view)) await proveFolder(access, scope, signal);
    if (!scope.recursive) return fetched;
    await refuseHidden(
      access,
      scope,
      foldersKnown(kept).filter((folder) => !view.own.has(folder)),
      signal,
    );
    return { ...fetched, known: [...view.own.keys()] };
  } catch (error) {
    const known = foldersKnown(kept);
    return { value: refusal(error), ...(known.length === 0 ? {} : { known }) };
  }
}

/** Folders that are asked by themselves at most, of those that a recursive list no longer brings: a cost that is bounded. */
const mostProofs = 16;

function foldersKnown(kept: Fetched<Outcome<FolderView>> | undefined): readonly string[] {
  return kept?.known ?? [];
}

/**
 * A recursive list leaves out, without a word, what the identity may no longer read. A folder that it brought before is
 * asked by itself: when it is gone or has no secrets any more, so be it. Throws AccessDenied when it may not be read.
 */
async function refuseHidden(
  access: ApiAccess,
  scope: Scope,
  missing: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const proofs = missing.slice(0, mostProofs).map(async (folder) => {
    try {
      await proveFolder(access, { ...scope, folder, recursive: false }, signal);
    } catch (error) {
      if (!(error instanceof OperatorError && error.reason === 'ScopeNotFound')) throw error;
    }
  });
  await Promise.all(proofs);
}

async function listView(
  access: ApiAccess,
  scope: Scope,
  kept: Fetched<Outcome<FolderView>> | undefined,
  signal: AbortSignal,
): Promise<Fetched<Outcome<FolderView>>> {
  try {
    const answer = await list(access, scope, kept?.etag, signal);
    if (answer === 'not modified') return kept ?? { value: { value: emptyView } };
    const view = viewOf(answer.value, scope.folder, scope.recursive);
    return { value: { value: view }, ...(answer.etag === undefined ? {} : { etag: answer.etag }) };
  } catch (error) {
    if (!scope.recursive || !(error instanceof OperatorError)) throw error;
    // A recursive list says 500 for a missing environment (2024), and 404 where nothing lies below (later): the proof of
    // the folder tells what it was.
    if (error.reason === 'ScopeNotFound') return { value: { value: emptyView } };
    if (error.reason === 'UpstreamUnavailable') await throwIfGone(access, scope, signal);
    throw error;
  }
}

/** Throws ScopeNotFound when the folder is provably not there; any other answer says nothing. */
async function throwIfGone(access: ApiAccess, scope: Scope, signal: AbortSignal): Promise<void> {
  try {
    await proveFolder(access, scope, signal);
  } catch (error) {
    if (error instanceof OperatorError && error.reason === 'ScopeNotFound') throw error;
  }
}

/** One secret by name, or why there is none. Throws what may pass by itself. */
export async function fetchSecret(
  access: ApiAccess,
  scope: Scope,
  name: string,
  kept: Fetched<Outcome<WireSecret>> | undefined,
  signal: AbortSignal,
): Promise<Fetched<Outcome<WireSecret>>> {
  try {
    const answer = await readOne(access, scope, name, kept?.etag, signal);
    if (answer === 'not modified' && kept !== undefined) return kept;
    if (answer === 'not modified') throw new OperatorError('UpstreamInvalid', 'an answer without a question');
    return { value: { value: answer.value }, ...(answer.etag === undefined ? {} : { etag: answer.etag }) };
  } catch (error) {
    if (isDefinite(error)) return { value: { error } };
    throw error;
  }
}
