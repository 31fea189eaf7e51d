// What a reconcile of an ExternalSecret is given: the rooms that it may call, and what this process remembers of the object.

import type { Clock } from '../../base/clock.ts';
import type { Workplaces } from '../../core/jobs.ts';
import type { ObservedTarget } from '../../core/target-plan.ts';
import type { Kube } from '../../kube/contract.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import type { StoreConnections } from '../connect.ts';
import type { Generators } from '../generators/generators.ts';
import type { KeyIndex } from '../key-index.ts';
import type { Memory } from '../kit/object-controller.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { OwnedTargets } from '../kit/owned-targets.ts';
import type { Silence } from '../kit/silence.ts';
import type { Writer, Written } from '../kit/writer.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { Reporter } from '../report.ts';
import type { StoreDirectory } from '../stores/directory.ts';
import type { ForeignTargets } from './foreign-targets.ts';
import type { ManifestTargets } from './manifest-targets.ts';
import type { TemplateSources } from './template-sources.ts';

export interface Rooms {
  /** For the one read that no cache can answer: a Secret without our label. */
  readonly kube: Pick<Kube, 'get'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly writer: Writer;
  readonly connections: StoreConnections;
  /** Where work of a size that tenants decide is done. */
  readonly workplaces: Workplaces;
  readonly stores: StoreDirectory;
  readonly generators: Generators;
  readonly templates: TemplateSources;
  readonly externalSecrets: OwnWrites<ExternalSecretRecord>;
  readonly targets: OwnWrites<ObservedTarget>;
  readonly owned: OwnedTargets;
  /** Targets that somebody else made. */
  readonly foreign: ForeignTargets;
  /** Targets of other kinds. */
  readonly manifests: ManifestTargets;
  /** Which ExternalSecrets (`namespace/name`) name a target (`namespace/name`). */
  readonly writers: KeyIndex;
  /** How targets are written. */
  readonly secrets: Written<ObservedTarget>;
  readonly reporter: Reporter<ExternalSecretRecord>;
  readonly heartbeatMs: number;
  readonly templateDelimiters: readonly [left: string, right: string];
}

/** What is known of one ExternalSecret besides the objects in the cluster; lost at a restart, and missed by nobody. */
export interface EsMemory extends Memory {
  /** Monotonic ms of the next periodic refresh; undefined until the first run has set it. */
  nextDueMs: number | undefined;
  /** When an answer that ends is to be read anew (monotonic ms); undefined when none ends. */
  renewAtMs?: number | undefined;
  /** When the first of what was read last runs out (monotonic ms); undefined when nothing does. */
  endsAtMs?: number | undefined;
  /** What decides the wave; known once the store was connected. */
  phaseKey: string | undefined;
  /** Versions of its stores as of the last run that ended synced. */
  readStores: string | undefined;
  /** Changes of the objects that its template is taken from, as of that run. */
  readTexts: number | undefined;
  /** Stores and template's objects as of the last time that the sources were read, however it ended. */
  asked?: string | undefined;
  /** The target whose values the last run was to tell of, as both were then; undefined once it was heard that it is told. */
  telling?: string | undefined;
  /** Upstream of the store that failed last; '' when none is known. */
  failedOrigin: string;
  /** API root and identity to which a failure for what was found may be brought again soon; undefined where that costs much. */
  probedOrigin?: string | undefined;
  /** When it first failed, in a row, for what was found at the source (monotonic ms). */
  contentFailsSinceMs?: number | undefined;
  /** Scopes that the last run looked at; kept while the object fails for what it found there. */
  scopes?: ReadonlySet<string> | undefined;
  /** Set while the source does not answer an object that was in step. */
  silence?: Silence | undefined;
  /** Version and own data of a target that others write too, as last merged: the same again needs no look at it. */
  merged?: string | undefined;
  /** What its sources warned of in the last run that ended synced; undefined before the first. */
  warned?: string | undefined;
}
