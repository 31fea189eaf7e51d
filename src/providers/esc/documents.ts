// The documents of one evaluation: Environments by full name, `namespace/name`, each given out only if every namespace that
// has named it may use it, by whatever path it was named: an import, a reference `${environments.A.B}`, or a store.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { environmentName, mayUseEnvironment, sharesByLabel } from '../../core/environment-access.ts';
import type { Cipher } from '../../core/esc/ciphertext.ts';
import { documentOfData } from '../../core/esc/declare.ts';
import type { EscDocument } from '../../core/esc/expression.ts';
import { scanString } from '../../core/esc/reference.ts';
import type { LoadFailure } from '../../core/esc/session.ts';
import { type EnvironmentSpec, parseEnvironment } from '../../crds/environment.ts';
import type { ClusterSources } from '../contract.ts';
import { readDecrypter } from './encryption-key.ts';

/** What was read under a name. */
type Found =
  | { readonly kind: 'missing' }
  | { readonly kind: 'invalid'; readonly issues: string }
  | { readonly kind: 'read'; readonly spec: EnvironmentSpec; readonly document: EscDocument };

export class Documents {
  readonly #cluster: ClusterSources;
  readonly #given = new Map<string, EscDocument | LoadFailure>();
  readonly #found = new Map<string, Found>();
  readonly #ciphers = new Map<string, Pick<Cipher, 'decrypt'>>();
  /** Namespaces in whose documents, or for whose stores, an Environment was named; by its full name. */
  readonly #namedBy = new Map<string, Set<string>>();

  readonly #readsKeys: boolean;

  /** `readsKeys: false` for who decrypts nothing. */
  constructor(cluster: ClusterSources, { readsKeys = true }: { readonly readsKeys?: boolean } = {}) {
    this.#cluster = cluster;
    this.#readsKeys = readsKeys;
  }

  /** What the evaluator may see. */
  get given(): ReadonlyMap<string, EscDocument | LoadFailure> {
    return this.#given;
  }

  /** What decrypts the secrets of a document that was given; undefined when its Environment names no key. */
  cipherOf(name: string): Pick<Cipher, 'decrypt'> | undefined {
    return this.#ciphers.get(name);
  }

  /**
   * The document that is opened; `consumer` is the namespace that opens it, undefined for the administrator's own look.
   * Throws ReferenceNotFound when there is none for that namespace, InvalidSpec, and what reading throws.
   */
  async root(name: string, consumer: string | undefined, signal: AbortSignal): Promise<EscDocument> {
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
    this.#found.set(text, raw === undefined ? { kind: 'missing' } : this.#parsed(text, name.namespace, raw));
  }

  async #readKey(text: string, signal: AbortSignal): Promise<void> {
    const name = nameOf(text);
    const found = this.#found.get(text);
    const selector = found?.kind === 'read' ? found.spec.encryptionKey?.secretRef : undefined;
    if (!this.#readsKeys || selector === undefined || name === undefined || this.#ciphers.has(text)) return;
    const reference = { namespace: name.namespace, selector, field: `environment "${text}": spec.encryptionKey` };
    this.#ciphers.set(text, await readDecrypter(reference, this.#cluster, signal));
  }

  #parsed(text: string, namespace: string, raw: unknown): Found {
    const { ok, issues } = parseEnvironment(raw);
    if (ok === undefined) return { kind: 'invalid', issues: (issues ?? []).join('; ') };
    const { imports, values } = ok.spec;
    const data = { ...(imports === undefined ? {} : { imports }), ...(values === undefined ? {} : { values }) };
    const document = documentOfData(text, data, (written) =>
      written.includes('/') ? written : `${namespace}/${written}`,
    );
    for (const { target } of document.imports) this.#note(target, namespace);
    if (!document.isBroken) for (const target of referencesIn(values)) this.#note(target, namespace);
    return { kind: 'read', spec: ok.spec, document };
  }

  /** The document, or why it may not be used. Who may not use it reads the same words whether it is there or not. */
  async #judged(text: string, signal: AbortSignal): Promise<EscDocument | LoadFailure> {
    const name = nameOf(text);
    if (name === undefined)
      return { error: `environment ${JSON.stringify(text.slice(0, 320))} is no name: write name, or namespace/name` };
    const found = this.#found.get(text) ?? { kind: 'missing' };
    const consumers = this.#namedBy.get(text);
    if (consumers === undefined) return { error: `environment "${text}" was named by nobody who may use it` };
    for (const consumer of [...consumers].sort()) {
      if (consumer === name.namespace) continue;
      if (found.kind === 'read' && (await this.#mayUse(found.spec, name.namespace, consumer, signal))) continue;
      return {
        error: `environment "${text}" does not exist, or is not shared with namespace "${consumer}" (spec.sharedWith)`,
      };
    }
    if (found.kind === 'missing') return { error: `environment "${text}" does not exist` };
    if (found.kind === 'invalid') return { error: `environment "${text}": ${found.issues}` };
    return found.document;
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

/** Names that `${environments.NAMESPACE.NAME}` asks for, anywhere in the values. */
function* referencesIn(values: unknown): Iterable<string> {
  const rest: unknown[] = [values];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') {
      for (const part of scanString(value).parts) {
        if (typeof part === 'string') continue;
        const [root, namespace, name] = part;
        if (root?.key === 'environments') yield `${namespace?.key}/${name?.key}`;
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const each of Object.values(value)) rest.push(each);
    }
  }
}
