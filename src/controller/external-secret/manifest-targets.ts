// Targets of other kinds than Secret: which kinds are followed, as long as an ExternalSecret names them, what is known of
// each target, and whom its change wakes. Switched off by default: then every ExternalSecret that names a kind is refused.
//
//   an ExternalSecret names a kind ─► looked up ─► followed by our label ─► in step ─► its target is known
//                                      └─ not served, no right: its condition says so, and it is tried again
import { unlessAborted } from '../../base/abort.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { dataHashAnnotation } from '../../core/contract-names.ts';
import { refuseClosedKind } from '../../core/manifest/closed-kinds.ts';
import type { ManifestKind } from '../../core/manifest/manifest-blueprint.ts';
import type { Informer } from '../../kube/contract.ts';
import { keyOf, type Resource } from '../../kube/types.ts';
import { KeyIndex } from '../key-index.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import { OwnedTargets } from '../kit/owned-targets.ts';
import type { Written } from '../kit/writer.ts';
import { keptManifestRecord, type ObservedManifest } from '../manifest-record.ts';
import type { ExternalSecretRecord } from '../records.ts';

/** How kinds are found and followed; absent while manifest targets are switched off. */
export interface ManifestPorts {
  /** The resource of a kind; undefined when the API server serves none. Throws as calls do. */
  resourceOf(kind: ManifestKind, signal: AbortSignal): Promise<Resource | undefined>;
  /** Follows all objects of the kind that carry our label; resolves once all are known. Throws ApiDenied and ApiUnavailable. */
  follow(resource: Resource, signal: AbortSignal): Promise<FollowedKind>;
}

export interface FollowedKind {
  readonly informer: Informer<ObservedManifest>;
  readonly view: OwnWrites<ObservedManifest>;
  stop(): void;
}

/** A kind that is followed. */
export interface OpenKind {
  readonly kind: ManifestKind;
  readonly written: Written<ObservedManifest>;
  readonly owned: OwnedTargets;
}

interface Named extends OpenKind {
  readonly followed: FollowedKind;
}

/** What was written last, and what the API server made of it. */
interface Settled {
  readonly uid: string;
  readonly contentHash: string;
  readonly dataHash: string;
}

type Dependent = Pick<ExternalSecretRecord, 'namespace' | 'name' | 'targetName'>;

export class ManifestTargets {
  readonly #ports: ManifestPorts | undefined;
  /** Ends with the term of leadership: a kind is followed for more than the run that asked for it. */
  readonly #signal: AbortSignal;
  readonly #opening = new Map<string, Promise<Named>>();
  readonly #open = new Map<string, Named>();
  /** Kind and target of an ExternalSecret. */
  readonly #places = new Map<string, { readonly kind: string; readonly target: string }>();
  readonly #byPlace = new KeyIndex();
  readonly #settled = new Map<string, Settled>();
  readonly #listeners: ((externalSecret: string) => void)[] = [];

  constructor(ports: ManifestPorts | undefined, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
  }

  /** `listener` hears of ExternalSecrets (`namespace/name`) whose target came, changed or went. */
  whenChanged(listener: (externalSecret: string) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Follows the kind for the ExternalSecret, until it names another or is forgotten. Throws SwitchedOff, InvalidSpec for a
   * kind that is never a target, TargetRejected for one that is not served, and what looking it up and following it throw.
   */
  async open(es: Dependent, kind: ManifestKind, signal: AbortSignal): Promise<OpenKind> {
    if (this.#ports === undefined) {
      throw new OperatorError(
        'SwitchedOff',
        `invalid generic target: spec.target.manifest (${kind.kind}) is switched off; start the operator with --unsafe-allow-generic-targets (chart: genericTargets.enabled, and the kind among genericTargets.resources)`,
      );
    }
    refuseClosedKind(kind);
    const id = idOf(kind);
    this.#place(keyOf(es), { kind: id, target: `${es.namespace}/${es.targetName}` });
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const opening = this.#opening.get(id) ?? this.#begin(id, kind, this.#ports);
    return await unlessAborted(opening, signal);
  }

  /**
   * The target as the caches have it; undefined when it is not there, or its kind is not followed. Where it holds what the
   * API server made of the last write, defaults filled in, its digest is that of what was written.
   */
  get(es: Dependent): ObservedManifest | undefined {
    const key = keyOf(es);
    const place = this.#places.get(key);
    const target = place && this.#open.get(place.kind)?.followed.view.get(place.target);
    const settled = this.#settled.get(key);
    const isSettled =
      settled !== undefined &&
      target?.uid === settled.uid &&
      target.contentHash === settled.contentHash &&
      target.annotations[dataHashAnnotation] === settled.dataHash;
    return target !== undefined && isSettled ? { ...target, dataHash: settled.dataHash } : target;
  }

  /** Takes in that the target holds what was last asked for. */
  settle(es: Dependent, { uid, contentHash, annotations }: ObservedManifest): void {
    const dataHash = annotations[dataHashAnnotation];
    if (dataHash !== undefined) this.#settled.set(keyOf(es), { uid, contentHash, dataHash });
  }

  /** Objects of the present kind that were written for the ExternalSecret under an earlier name. */
  orphansOf(es: ExternalSecretRecord): readonly ObservedManifest[] {
    const place = this.#places.get(keyOf(es));
    const named = place && this.#open.get(place.kind);
    if (named === undefined) return [];
    const orphans = named.owned.orphansOf(keyOf(es), es);
    return orphans.flatMap((orphan) => named.followed.view.get(keyOf(orphan)) ?? []);
  }

  /** The ExternalSecret is gone, or its target is a Secret. */
  forget(externalSecret: string): void {
    this.#settled.delete(externalSecret);
    const place = this.#places.get(externalSecret);
    if (place === undefined) return;
    this.#places.delete(externalSecret);
    this.#byPlace.remove(`${place.kind} ${place.target}`, externalSecret);
    const isNamed = [...this.#places.values()].some(({ kind }) => kind === place.kind);
    if (!isNamed) this.#close(place.kind);
  }

  close(): void {
    for (const id of this.#open.keys()) this.#close(id);
    this.#places.clear();
  }

  #place(key: string, place: { readonly kind: string; readonly target: string }): void {
    const before = this.#places.get(key);
    if (before?.kind === place.kind && before.target === place.target) return;
    this.forget(key);
    this.#places.set(key, place);
    this.#byPlace.add(`${place.kind} ${place.target}`, key);
  }

  #begin(id: string, kind: ManifestKind, ports: ManifestPorts): Promise<Named> {
    const opening = this.#follow(id, kind, ports).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    opening.catch(() => {}); // whoever waits is told
    return opening;
  }

  async #follow(id: string, kind: ManifestKind, ports: ManifestPorts): Promise<Named> {
    const resource = await ports.resourceOf(kind, this.#signal);
    const named = `spec.target.manifest: ${kind.kind} of ${kind.apiVersion}`;
    if (resource === undefined)
      throw new OperatorError('TargetRejected', `${named} is no kind that the API server serves`);
    if (!resource.namespaced)
      throw new OperatorError(
        'InvalidSpec',
        `${named} has no namespace, and a target lies in that of its ExternalSecret`,
      );
    const followed = await ports.follow(resource, this.#signal);
    const { informer, view } = followed;
    informer.subscribe(({ key }) => this.#tell(`${id} ${key}`));
    view.whenUndone((key) => this.#tell(`${id} ${key}`));
    const written = { resource, view, record: keptManifestRecord, count: () => {} };
    const open = { kind, followed, written, owned: new OwnedTargets(informer, view) };
    this.#open.set(id, open);
    return open;
  }

  #tell(place: string): void {
    for (const key of this.#byPlace.at(place)) for (const listener of this.#listeners) listener(key);
  }

  #close(id: string): void {
    const named = this.#open.get(id);
    if (named === undefined) return;
    this.#open.delete(id);
    named.owned.close();
    named.followed.stop();
  }
}

function idOf({ apiVersion, kind }: ManifestKind): string {
  return `${apiVersion}/${kind}`;
}
