// What a reconcile of an Environment is given: the rooms that it may call, and how an Environment is evaluated.
import type { Clock } from '../../base/clock.ts';
import type { CheckedEnvironment } from '../../core/environment-check.ts';
import type { ClusterSources } from '../../providers/contract.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { Writer } from '../kit/writer.ts';
import type { EnvironmentRecord } from '../records.ts';
import type { Reporter } from '../report.ts';
import type { Revisions } from './revisions.ts';
import type { EnvironmentSources } from './sources.ts';

/** The evaluation of Environments, which is the providers' room. `name` is `namespace/name`. */
export interface EnvironmentEvaluation {
  /** Without a call of any provider. Throws InvalidSpec, ReferenceNotFound, and what reading throws. */
  check(name: string, cluster: ClusterSources, signal: AbortSignal): Promise<CheckedEnvironment>;
}

export interface EnvironmentRooms {
  readonly clock: Clock;
  readonly evaluation: EnvironmentEvaluation;
  readonly sources: EnvironmentSources;
  readonly environments: OwnWrites<EnvironmentRecord>;
  /** Keys of Environments that name this one. */
  readonly namersOf: (key: string) => Iterable<string>;
  readonly revisions: Revisions;
  readonly writer: Writer;
  readonly reporter: Reporter<EnvironmentRecord>;
}
