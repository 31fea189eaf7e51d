// What a reconcile of an ExternalSecret is given: the rooms that it may call, and what this process remembers of the object.
import type { ObservedTarget } from '../../core/target-plan.ts';
import type { Kube } from '../../kube/contract.ts';
import type { Resource } from '../../kube/types.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Slots } from '../../runtime/slots.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import type { StoreConnections } from '../connect.ts';
import type { DeskRooms } from '../desk.ts';
import type { ReadYourWrites } from '../read-your-writes.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { Reporter } from '../report.ts';

export interface Rooms {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly slots: Slots;
  readonly connections: StoreConnections;
  /** Where work of a size that tenants decide is done. */
  readonly desk: DeskRooms;
  readonly externalSecrets: ReadYourWrites<ExternalSecretRecord>;
  readonly targets: ReadYourWrites<ObservedTarget>;
  readonly reporter: Reporter;
  readonly heartbeatMs: number;
  readonly resource: Resource;
  /** For writes of the ExternalSecret itself. */
  readonly fieldManager: string;
  /** Throws Aborted when this replica may no longer write. */
  readonly guard: () => void;
}

/** What is known of one ExternalSecret besides the objects in the cluster; lost at a restart, and missed by nobody. */
export interface Memory {
  /** Monotonic ms at which this process first saw the object. */
  readonly firstSeenMs: number;
  /** Monotonic ms of the next periodic refresh; undefined until the first run has set it. */
  nextDueMs: number | undefined;
  /** The last run failed: the next one tries again, whatever asked for it. */
  hasFailed: boolean;
  /** What decides the wave; known once the store was connected. */
  phaseKey: string | undefined;
  /** Upstream that the object reads from; '' when none is known. */
  origin: string;
  /** Targets written under an earlier target name, as `namespace/name`: they go once the present one is written. */
  orphans: ReadonlySet<string>;
  /** While a run is under way: ends its wait for sources when the object, its store or a reference changes. */
  superseded: AbortController | undefined;
}
