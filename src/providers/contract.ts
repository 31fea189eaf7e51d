// What a provider is to the rest of the operator: it connects a store, and a connected store reads.
import type { Credentials } from '../auth/contract.ts';
import type { OperatorError } from '../base/operator-error.ts';
import type { Desk } from '../core/jobs.ts';
import type { SecretValue } from '../core/secret-value.ts';
import type { Origin } from '../core/selection.ts';

export type Capabilities = 'ReadOnly' | 'WriteOnly' | 'ReadWrite';

/** One thing an ExternalSecret wants from a store. */
export type ReadRequest =
  | { readonly kind: 'value'; readonly key: string; readonly property?: string; readonly version?: string }
  | { readonly kind: 'map'; readonly key: string; readonly property?: string; readonly version?: string }
  | {
      readonly kind: 'find';
      readonly path?: string;
      readonly nameRegexp?: string;
      readonly tags?: Readonly<Record<string, string>>;
      /** For providers that convert keys in the search itself; the caller converts what others answer. */
      readonly conversionStrategy?: string;
    };

/**
 * The answer to one request: a `value` request gives one entry under its key; `map` and `find` give many. A failure of
 * one request stands beside the others, so that the caller can tolerate `SecretNotFound`.
 */
export type ReadResult =
  | {
      readonly values: ReadonlyMap<string, SecretValue>;
      readonly shadowed?: readonly string[];
      /** Where values are from, by key; under '' for all of them. The first `mostKeySources` are enough. */
      readonly origins?: ReadonlyMap<string, Origin>;
    }
  | { readonly error: OperatorError };

/** How fresh an answer must be: fetched by a request that started at or after this instant (monotonic ms). */
export interface Freshness {
  readonly notBeforeMs: number;
  /** Where work on values is done that can be large; absent means at once, within a budget of this call's own. */
  readonly desk?: Desk;
  /** Told each scope that the answer depends on, by the key under which news of it is published. */
  readonly noteScope?: (scope: string) => void;
  /** Told what the source itself warns of beside a good answer: short, clean, the same as long as the source says the same. */
  readonly noteWarning?: (warning: string) => void;
  /** Told when an answer that ends is to be read anew, well before its end, and when it ends; both in monotonic ms. */
  readonly noteRenewal?: (atMs: number, endsAtMs: number) => void;
}

/** A store that has been connected: its identity is known, its requests are shared with others of the same scope. */
export interface StoreReader {
  /** Objects with equal phase keys refresh in one wave and share its fetches. */
  readonly phaseKey: string;
  /** What fails and recovers together, such as an API root and an identity; '' when there is no upstream. */
  readonly origin: string;
  /** A read costs a request or two and issues nothing, so that one that fails may be tried every few seconds. */
  readonly isCheap?: true;
  /** One result per request, in order; one snapshot per scope within one call. Throws what concerns all requests. */
  read(requests: readonly ReadRequest[], freshness: Freshness, signal: AbortSignal): Promise<readonly ReadResult[]>;
  /**
   * Logs in and looks at the store's own scope. Throws what a user must know; says `valid` only with proof, and `unknown`
   * when there is none to be had.
   */
  validate(freshness: Freshness, signal: AbortSignal): Promise<'valid' | 'unknown'>;
}

/**
 * What a store whose values come from the cluster itself reads. Each object that is looked at is watched from then on: its
 * change ends the connection. Who may read what is the provider's business.
 */
export interface ClusterSources {
  /** The object as the API server holds it; undefined when there is none. */
  readEnvironment(name: NamespacedName, signal: AbortSignal): Promise<unknown>;
  /** A ControllerRevision as the API server holds it; undefined when there is none. */
  readRevision(name: NamespacedName, signal: AbortSignal): Promise<unknown>;
  /** All keys of a Secret or ConfigMap; undefined when there is none. */
  readData(
    kind: 'Secret' | 'ConfigMap',
    name: NamespacedName,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SecretValue> | undefined>;
  namespaceLabels(name: string, signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined>;
  /** What may be read in the name of one namespace, and no other. */
  credentialsIn(namespace: string): Credentials;
}

export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** Who connects: the store, and what may be read in its name. */
export interface ConnectContext {
  readonly storeKind: 'SecretStore' | 'ClusterSecretStore';
  readonly storeName: string;
  /** Namespace of a SecretStore; undefined for a ClusterSecretStore. */
  readonly storeNamespace: string | undefined;
  /** Namespace of the ExternalSecret that uses a ClusterSecretStore; undefined for SecretStores, and in nobody's name. */
  readonly consumerNamespace: string | undefined;
  readonly cluster: ClusterSources;
  readonly credentials: Credentials;
  /** The PEM text that a caProvider names, resolved under the store's namespace rules. */
  readonly caText: (caProvider: CaProvider, signal: AbortSignal) => Promise<string>;
  /** Set while the store lives; a session stays as long as one holder does. */
  readonly holder: string;
  /** Told when a large answer of the store's upstream is read, so that it is known what the process dies of; ends that. */
  readonly readsLarge?: () => () => void;
}

export interface CaProvider {
  readonly type: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key?: string;
  readonly namespace?: string;
}

export interface Provider<Spec> {
  readonly capabilities: Capabilities;
  /** What is read comes from objects that are watched: a change of one is a change of the source, due at once. */
  readonly followsObjects?: true;
  /** Throws InvalidSpec, ReferenceNotFound, InvalidCredential, LoginRejected … */
  connect(spec: Spec, context: ConnectContext, signal: AbortSignal): Promise<StoreReader>;
  /** The store is gone (or changed): what only it held may be let go, tokens revoked. */
  release(holder: string): void;
}
