// The documents of one evaluation: Environments by full name, `namespace/name`, each given out only if every namespace that
// has named it may use it, by whatever path it was named: an import, a reference `${environments.A.B}`, or a store.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { ownTurn } from '../../base/turns.ts';
import { inlineShare } from '../../core/budget.ts';
import { mayUseEnvironment, sharesByLabel } from '../../core/environment-access.ts';
import { type EnvironmentName, environmentKey, environmentName } from '../../core/environment-names.ts';
import { type RevisionData, revisionData, revisionName, revisionNumber } from '../../core/environment-revisions.ts';
import { decryptWith } from '../../core/esc/cipher.ts';
import type { Cipher } from '../../core/esc/ciphertext.ts';
import { DocumentSource } from '../../core/esc/document-source.ts';
import type { LoadFailure } from '../../core/esc/session.ts';
import { type Desk, inlineDesk } from '../../core/jobs.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { type Environment, type EnvironmentSpec, parseEnvironment } from '../../crds/environment.ts';
import { parseRevision } from '../../crds/environment-revision.ts';
import type { ClusterSources } from '../contract.ts';
import { readKeyBytes } from './encryption-key.ts';

/** What was read under a name. */
type Found =
  | { readonly kind: 'missing' }
  | { readonly kind: 'invalid'; readonly issues: string }
  /** The Environment is there, and this revision of it is not. */
  | { readonly kind: 'no revision'; readonly spec: EnvironmentSpec; readonly why: string }
  | { readonly kind: 'read'; readonly spec: EnvironmentSpec; readonly source: DocumentSource; readonly cost: number };

/** Documents that took more than this to read are evaluated in a thread: their texts are made before, one a turn. */
const smallCost = inlineShare.work / 2;

export class Documents {
  readonly #cluster: ClusterSources;
  readonly #given = new Map<string, DocumentSource | LoadFailure>();
  readonly #found = new Map<string, Found>();
  readonly #keys = new Map<string, SecretValue>();
  /** Namespaces in whose documents, or for whose stores, an Environment was named; by its full name. */
  readonly #namedBy = new Map<string, Set<string>>();

  readonly #readsKeys: boolean;
  readonly #desk: Desk;

  /** `readsKeys: false` for who decrypts nothing. */
  constructor(
    cluster: ClusterSources,
    { readsKeys = true, desk = inlineDesk() }: { readonly readsKeys?: boolean; readonly desk?: Desk } = {},
  ) {
    this.#cluster = cluster;
    this.#readsKeys = readsKeys;
    this.#desk = desk;
  }

  /** What the evaluator may see besides the root. */
  get given(): ReadonlyMap<string, DocumentSource | LoadFailure> {
    return this.#given;
  }

  /** What decrypts the secrets of a document that was given; undefined when its Environment names no key. */
  cipherOf(name: string): Pick<Cipher, 'decrypt'> | undefined {
    const key = this.#keys.get(name);
    return key && decryptWith(key.reveal());
  }

  /** Keys that decrypt the secrets of documents that were given; none for one whose Environment names none. */
  get keys(): ReadonlyMap<string, SecretValue> {
    return this.#keys;
  }

  /** What it takes at least to read those that were read in a thread, in units of work; their texts are at hand then. */
  async unreadCost(): Promise<number> {
    const read = [...this.#found.values()].filter((found) => found.kind === 'read');
    const isSmall = read.reduce((sum, { cost }) => sum + cost, 0) <= smallCost;
    if (!isSmall) for (const { source } of read) if (source.makeText()) await ownTurn();
    return read.reduce((sum, { source, cost }) => sum + (source.isRead ? 0 : cost), 0);
  }

  /**
   * The document that is opened; `consumer` is the namespace that opens it, undefined for the administrator's own look.
   * Throws ReferenceNotFound when there is none for that namespace, InvalidSpec, and what reading throws.
   */
  async root(name: string, consumer: string | undefined, signal: AbortSignal): Promise<DocumentSource> {
    const { namespace } = environmentName(name, '');
    this.#note(name, consumer ?? namespace);
    await this.#read(name, signal);
    const given = await this.#judged(name, signal);
    if (!('error' in given)) {
      await this.#readKey(name, signal);
      return given;
    }
    // The reason tells a foreigner no more than the words do.
    const isOwn = (consumer ?? namespace) === namespace;
    const isInvalid = isOwn && this.#found.get(name)?.kind === 'invalid';
    throw new OperatorError(isInvalid ? 'InvalidSpec' : 'ReferenceNotFound', given.error);
  }

  /** Loads what an evaluation asked for. What may not be used stands as an error in its place. */
  async load(names: readonly string[], signal: AbortSignal): Promise<void> {
    await Promise.all(names.map((name) => this.#read(name, signal)));
    // All are judged again: a document that came just now may name one that was there already, and have no right to it.
    for (const name of new Set([...this.#given.keys(), ...names])) {
      const given = await this.#judged(name, signal);
      // Not sooner: whoever is refused must not learn from its key that the Environment is there.
      if (!('error' in given)) await this.#readKey(name, signal);
      this.#given.set(name, given);
    }
  }

  async #read(text: string, signal: AbortSignal): Promise<void> {
    const name = nameOf(text);
    if (name === undefined || this.#found.has(text)) return;
    const raw = await this.#cluster.readEnvironment(name, signal);
    this.#found.set(text, raw === undefined ? { kind: 'missing' } : await this.#parsed(text, name, raw, signal));
  }

  async #readKey(text: string, signal: AbortSignal): Promise<void> {
    const name = nameOf(text);
    const found = this.#found.get(text);
    const selector = found?.kind === 'read' ? found.spec.encryptionKey?.secretRef : undefined;
    if (!this.#readsKeys || selector === undefined || name === undefined || this.#keys.has(text)) return;
    const reference = { namespace: name.namespace, selector, field: `environment "${text}": spec.encryptionKey` };
    this.#keys.set(text, new SecretValue(await readKeyBytes(reference, this.#cluster, signal)));
  }

  async #parsed(text: string, name: EnvironmentName, raw: unknown, signal: AbortSignal): Promise<Found> {
    const { ok, issues } = parseEnvironment(raw);
    if (ok === undefined) return { kind: 'invalid', issues: (issues ?? []).join('; ') };
    const { spec } = ok;
    const data = name.version === '' ? revisionData(spec) : await this.#revision(name, ok, signal);
    if (typeof data === 'string') return { kind: 'no revision', spec, why: data };
    return await this.#readSource(new DocumentSource(text, name.namespace, { data }), spec);
  }

  /** What the revision holds, or why there is none. Only one that the Environment itself owns counts. */
  async #revision(
    { namespace, name, version }: EnvironmentName,
    { metadata, spec }: Environment,
    signal: AbortSignal,
  ): Promise<RevisionData | string> {
    const number = revisionNumber(version, spec.tags);
    if (number === undefined) return `has no tag "${version}"`;
    const { uid = '' } = metadata;
    const raw = await this.#cluster.readRevision({ namespace, name: revisionName({ name, uid }, number) }, signal);
    const revision = parseRevision(raw);
    const isIts = revision?.ownerUid === uid && uid !== '' && revision.number === number;
    return isIts ? revision.data : `has no revision ${number}`;
  }

  async #readSource(source: DocumentSource, spec: EnvironmentSpec): Promise<Found> {
    const { targets, cost } = await this.#desk.run('readDocument', { source });
    for (const target of targets) this.#note(target, source.namespace);
    return { kind: 'read', spec, source, cost };
  }

  /** The document, or why it may not be used. Who may not use it reads the same words whether it is there or not. */
  async #judged(text: string, signal: AbortSignal): Promise<DocumentSource | LoadFailure> {
    const name = nameOf(text);
    if (name === undefined)
      return { error: `environment ${JSON.stringify(text.slice(0, 320))} is no name: write name, or namespace/name` };
    const found = this.#found.get(text) ?? { kind: 'missing' };
    const consumers = this.#namedBy.get(text);
    if (consumers === undefined) return { error: `environment "${text}" was named by nobody who may use it` };
    for (const consumer of [...consumers].sort()) {
      if (consumer === name.namespace) continue;
      if ('spec' in found && (await this.#mayUse(found.spec, name.namespace, consumer, signal))) continue;
      return {
        error: `environment "${text}" does not exist, or is not shared with namespace "${consumer}" (spec.sharedWith)`,
      };
    }
    if (found.kind === 'missing') return { error: `environment "${text}" does not exist` };
    if (found.kind === 'invalid') return { error: `environment "${text}": ${found.issues}` };
    if (found.kind === 'no revision') {
      return { error: `environment "${environmentKey({ ...name, version: '' })}" ${found.why}` };
    }
    return found.source;
  }

  async #mayUse(
    { sharedWith }: EnvironmentSpec,
    owner: string,
    consumer: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const byLabel = sharesByLabel(sharedWith) && sharedWith?.namespaces?.includes(consumer) !== true;
    const labels = byLabel ? await this.#cluster.namespaceLabels(consumer, signal) : undefined;
    // A namespace that is not there has no labels, and a selector of what is absent would take it for one of them.
    if (byLabel && labels === undefined) return false;
    try {
      return mayUseEnvironment(sharedWith, owner, { name: consumer, labels });
    } catch (thrown) {
      // A selector that cannot be understood shares with nobody; whoever is refused does not read why.
      if (asOperatorError(thrown).reason === 'InvalidSpec') return false;
      throw thrown;
    }
  }

  #note(name: string, namespace: string): void {
    this.#namedBy.set(name, (this.#namedBy.get(name) ?? new Set()).add(namespace));
  }
}

function nameOf(text: string) {
  try {
    return text.includes('/') ? environmentName(text, '') : undefined;
  } catch {
    return undefined;
  }
}
