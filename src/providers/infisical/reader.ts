// A connected store: turns requests into the scopes that they need, gets each scope once through the shared snapshots, and
// selects. A folder is listed; only where that is not allowed (or too large) are its secrets read by name.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { checkFolderPath, resolveKey } from '../../core/clean-path.ts';
import { type Desk, inlineDesk } from '../../core/jobs.ts';
import { didYouMean } from '../../core/near-miss.ts';
import type { Origin } from '../../core/selection.ts';
import type { Freshness, ReadRequest, ReadResult, StoreReader } from '../contract.ts';
import { type Outcome, valueIn } from '../shared/outcome.ts';
import type { Snapshots } from '../shared/snapshots.ts';
import { type ApiAccess, isReadableByName, type Scope } from './api.ts';
import { failure } from './errors.ts';
import { fetchNamed, fetchSecret } from './fetches.ts';
import { type FolderView, isWithin, lookUp, namesIn } from './folder-view.ts';
import type { KnownPlaces } from './known-places.ts';
import { type FindRequest, type KeyedRequest, originOf, search, select, wholeOf } from './select.ts';
import type { WireSecret } from './wire.ts';

/** What all stores of the process share. */
export interface SharedReads {
  readonly views: Snapshots<Outcome<FolderView>>;
  readonly secrets: Snapshots<Outcome<WireSecret>>;
  readonly places: KnownPlaces;
}

/** A request that is ready to be answered, or what is wrong with it. */
type Planned =
  | { readonly kind: 'keyed'; readonly request: KeyedRequest; readonly folder: string; readonly name: string }
  | { readonly kind: 'find'; readonly scope: Scope; readonly request: FindRequest }
  | { readonly kind: 'invalid'; readonly error: OperatorError };

/** Finds one secret of a folder by its name. */
type FolderLookUp = (name: string) => Outcome<WireSecret>;

/** `base` is the store's own scope. */
export function createReader(access: ApiAccess, base: Scope, shared: SharedReads): StoreReader {
  return {
    phaseKey: [access.host.origin, access.session.key, base.project, base.environment, base.folder].join('|'),
    origin: access.group,
    isCheap: true,
    async read(requests, freshness, signal) {
      return new Reading(access, base, shared, freshness, signal).answer(
        requests.map((request) => plan(request, base)),
      );
    },
    async validate(freshness, signal) {
      valueIn(await new Reading(access, base, shared, freshness, signal).view(base));
      return 'valid';
    },
  };
}

function plan(request: ReadRequest, base: Scope): Planned {
  try {
    if (request.kind === 'find') return planFind(request, base);
    return { kind: 'keyed', request, ...resolveKey(base.folder, request.key) };
  } catch (error) {
    return { kind: 'invalid', error: asOperatorError(error) };
  }
}

function planFind(request: FindRequest, base: Scope): Planned {
  const folder = request.path?.startsWith('/') ? readFolder(request.path) : base.folder;
  return { kind: 'find', scope: { ...base, folder }, request };
}

/** A folder path as manifests write it: white space around it and a slash behind it do no harm. Throws InvalidSpec. */
export function readFolder(path: string): string {
  const folder = path.trim().replace(/(?<=.)\/$/, '') || '/';
  checkFolderPath(folder);
  return folder;
}

/** One call of `read`: within it a scope has one snapshot, so that the keys of one Secret belong together. */
class Reading {
  readonly #access: ApiAccess;
  readonly #base: Scope;
  readonly #shared: SharedReads;
  readonly #freshness: Freshness;
  readonly #desk: Desk;
  readonly #signal: AbortSignal;
  readonly #views = new Map<string, Promise<Outcome<FolderView>>>();

  constructor(access: ApiAccess, base: Scope, shared: SharedReads, freshness: Freshness, signal: AbortSignal) {
    this.#access = access;
    this.#base = base;
    this.#shared = shared;
    this.#freshness = freshness;
    this.#desk = freshness.desk ?? inlineDesk();
    this.#signal = signal;
  }

  async answer(plans: readonly Planned[]): Promise<readonly ReadResult[]> {
    const folders = await this.#openFolders(plans);
    // Nearly all ask for values as they are.
    const atOnce = plans.map((planned) => this.#answerAtOnce(planned, folders));
    if (atOnce.every((result) => result !== undefined)) return atOnce;
    return Promise.all(plans.map(async (planned, at) => atOnce[at] ?? (await this.#answerByWork(planned, folders))));
  }

  /** Undefined for what takes work. */
  #answerAtOnce(planned: Planned, folders: ReadonlyMap<string, FolderLookUp>): ReadResult | undefined {
    if (planned.kind === 'invalid') return { error: planned.error };
    if (planned.kind === 'find') return undefined;
    const found = secretOf(planned, folders);
    if ('error' in found) return found;
    const whole = wholeOf(found.value, planned.request);
    return whole && { values: new Map([[planned.request.key, whole]]), origins: originsOf(found.value) };
  }

  async #answerByWork(planned: Planned, folders: ReadonlyMap<string, FolderLookUp>): Promise<ReadResult> {
    if (planned.kind === 'invalid') return { error: planned.error };
    if (planned.kind === 'find')
      return await answerFrom(await this.view(planned.scope), (view) => search(view, planned.request, this.#desk));
    return await answerFrom(secretOf(planned, folders), async (secret) => ({
      values: await select(secret, planned.request, this.#desk),
      origins: originsOf(secret),
    }));
  }

  /** The snapshot of a scope; one per call of `read`. */
  view(scope: Scope): Promise<Outcome<FolderView>> {
    const key = JSON.stringify([this.#access.session.key, scope]);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    this.#freshness.noteScope?.(key);
    const view = this.#shared.views.get(
      {
        key,
        origin: `${this.#access.host.origin} ${this.#access.turn}`,
        holder: this.#access.keeper,
        notBeforeMs: this.#freshness.notBeforeMs,
        fetch: (kept, signal) => fetchNamed(this.#access, scope, this.#shared.places, kept, signal),
      },
      this.#signal,
    );
    this.#views.set(key, view);
    return view;
  }

  async #openFolders(plans: readonly Planned[]): Promise<Map<string, FolderLookUp>> {
    const names = new Map<string, Set<string>>();
    for (const planned of plans) {
      if (planned.kind !== 'keyed') continue;
      names.set(planned.folder, (names.get(planned.folder) ?? new Set()).add(planned.name));
    }
    const opened = [...names].map(
      async ([folder, wanted]) => [folder, await this.#openFolder(folder, wanted)] as const,
    );
    return new Map(await Promise.all(opened));
  }

  async #openFolder(folder: string, names: ReadonlySet<string>): Promise<FolderLookUp> {
    const scope = { ...this.#base, folder, recursive: false };
    const own = this.#base.recursive ? await this.#ownFromRecursive(folder, names) : undefined;
    if (own !== undefined) return (name) => orMissing(own.get(name), () => this.#missing(scope, name, [...own.keys()]));
    const outcome = await this.view(scope);
    if ('value' in outcome)
      return (name) =>
        orMissing(lookUp(outcome.value, folder, name), () =>
          this.#missing(scope, name, namesIn(outcome.value, folder)),
        );
    const { error } = outcome;
    if (error.reason !== 'AccessDenied' && error.reason !== 'AnswerTooLarge') return () => ({ error });
    return this.#byName(scope, names, error);
  }

  /**
   * The folder's secrets from the snapshot of a recursive store, if it answers all that is asked of the folder: its own
   * secrets are certain there; what is missing may still be imported, or lie where recursive lists silently look away.
   */
  async #ownFromRecursive(
    folder: string,
    names: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, WireSecret> | undefined> {
    if (!isWithin(folder, this.#base.folder)) return undefined;
    const outcome = await this.view(this.#base);
    const own = 'value' in outcome ? outcome.value.own.get(folder) : undefined;
    return own !== undefined && [...names].every((name) => own.has(name)) ? own : undefined;
  }

  async #byName(scope: Scope, names: ReadonlySet<string>, unlistable: OperatorError): Promise<FolderLookUp> {
    const readable = [...names].filter(isReadableByName);
    const read = readable.map(async (name) => [name, await this.#secret(scope, name)] as const);
    const outcomes = new Map(await Promise.all(read));
    return (name) => outcomes.get(name) ?? { error: unlistable };
  }

  #secret(scope: Scope, name: string): Promise<Outcome<WireSecret>> {
    const key = JSON.stringify([this.#access.session.key, scope, name]);
    this.#freshness.noteScope?.(key);
    return this.#shared.secrets.get(
      {
        key,
        origin: `${this.#access.host.origin} ${this.#access.turn}`,
        holder: this.#access.keeper,
        notBeforeMs: this.#freshness.notBeforeMs,
        fetch: (kept, signal) => fetchSecret(this.#access, scope, name, kept, signal),
      },
      this.#signal,
    );
  }

  #missing({ project, environment, folder }: Scope, name: string, names: readonly string[]): OperatorError {
    const place = {
      operation: `read secret "${name}"`,
      host: this.#access.host.host,
      scope: { project, environment, folder },
    };
    return failure('SecretNotFound', place, `there is no such secret${didYouMean(name, names)}`);
  }
}

function orMissing(secret: WireSecret | undefined, missing: () => OperatorError): Outcome<WireSecret> {
  return secret === undefined ? { error: missing() } : { value: secret };
}

function secretOf(
  { folder, name }: Extract<Planned, { kind: 'keyed' }>,
  folders: ReadonlyMap<string, FolderLookUp>,
): Outcome<WireSecret> {
  return folders.get(folder)?.(name) ?? { error: new OperatorError('Internal', 'no look-up') };
}

function originsOf(secret: WireSecret): ReadonlyMap<string, Origin> {
  return new Map([['', originOf(secret)]]);
}

/** A selection from an outcome as a result; what it throws concerns this request alone. */
async function answerFrom<T>(outcome: Outcome<T>, choose: (value: T) => Promise<ReadResult>): Promise<ReadResult> {
  if ('error' in outcome) return outcome;
  try {
    return await choose(outcome.value);
  } catch (error) {
    return { error: asOperatorError(error) };
  }
}
