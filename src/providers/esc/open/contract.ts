// What a provider of `fn::open` is: the schemas of its inputs and outputs, and how it is opened. It may read only what the
// namespace of the Environment may read whose document holds the call.

import type { Credentials, ObserveLogin } from '../../../auth/contract.ts';
import type { Clock } from '../../../base/clock.ts';
import type { ProviderShape } from '../../../core/esc/openings.ts';
import type { EscValue } from '../../../core/esc/value.ts';
import type { UpstreamDoor } from '../../../http/contract.ts';
import type { ClusterSources } from '../../contract.ts';
import type { KeepingPorts } from '../../shared/snapshots.ts';

export interface OpenContext {
  /** Namespace of the Environment whose document holds the call. */
  readonly namespace: string;
  readonly credentials: Credentials;
  readonly cluster: ClusterSources;
  /** Who holds the sessions that are opened; they end with the holder. */
  readonly holder: string;
  /** Answers must come from requests that started at or after this instant (monotonic ms). */
  readonly notBeforeMs: number;
  /** Told by a provider whose answer ends: how long it is good for, from now on. */
  readonly noteLifetime?: (lifetimeMs: number) => void;
}

export interface EscProvider extends ProviderShape {
  /** Inputs fit the schema and hold no unknown. Secrets of the answer are flagged. Throws OperatorError. */
  open(inputs: EscValue, context: OpenContext, signal: AbortSignal): Promise<EscValue>;
}

/** Whether an Environment of the namespace may name the site; throws HostDenied. */
export type CheckSite = (namespace: string, site: URL, signal: AbortSignal) => Promise<void>;
export const anySite: CheckSite = async () => {};

/** The way of a provider to hosts of its own. */
export interface HostPorts extends KeepingPorts {
  /** Under the rules for upstreams. */
  readonly door: UpstreamDoor;
  readonly clock: Clock;
  /** Absent allows any. */
  readonly checkSite?: CheckSite | undefined;
  readonly observeLogin?: ObserveLogin | undefined;
}
