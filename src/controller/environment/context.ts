// What a reconcile of an Environment is given: the rooms that it may call, and how an Environment is evaluated.
import type { Clock } from '../../base/clock.ts';
import type { CheckedEnvironment } from '../../core/environment-check.ts';
import type { HeldValue } from '../../core/esc/packed-value.ts';
import type { Desk } from '../../core/jobs.ts';
import type { Kube } from '../../kube/contract.ts';
import type { ClusterSources } from '../../providers/contract.ts';
import type { Memory } from '../kit/object-controller.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { Silence } from '../kit/silence.ts';
import type { Writer } from '../kit/writer.ts';
import type { EnvironmentRecord } from '../records.ts';
import type { Reporter } from '../report.ts';
import type { PublishedOnce } from './duty.ts';
import type { Revisions } from './revisions.ts';
import type { EnvironmentSources } from './sources.ts';
import type { PublishTarget } from './targets.ts';

/** What an evaluation reads, and where it works. */
interface EvaluationMeans {
  readonly cluster: ClusterSources;
  readonly desk: Desk;
}

/** The evaluation of Environments, which is the providers' room. `name` is `namespace/name`. */
export interface EnvironmentEvaluation {
  /** Without a call of any provider. Throws InvalidSpec, ReferenceNotFound, and what reading throws. */
  check(name: string, means: EvaluationMeans, signal: AbortSignal): Promise<CheckedEnvironment>;
  /** Throws InvalidSpec for errors of documents, and what openings throw. `lifetimeMs` counts from the opening on. */
  open(
    order: { readonly name: string; readonly holder: string; readonly notBeforeMs: number },
    means: EvaluationMeans,
    signal: AbortSignal,
  ): Promise<{ readonly value: HeldValue; readonly lifetimeMs: number | undefined }>;
  /** Ends what openings of the holder logged in. */
  release(holder: string): void;
}

/** What is known of one Environment besides the objects in the cluster; lost at a restart, and missed by nobody. */
export interface EnvironmentMemory extends Memory {
  /** The last publication that succeeded. */
  published: PublishedOnce | undefined;
  /** Set while what an Environment in step opens does not answer. */
  silence?: Silence | undefined;
}

export interface EnvironmentRooms {
  readonly clock: Clock;
  readonly evaluation: EnvironmentEvaluation;
  /** What is looked at for a check, and for a publication. */
  readonly sources: EnvironmentSources;
  readonly openSources: EnvironmentSources;
  readonly environments: OwnWrites<EnvironmentRecord>;
  /** Keys of Environments that name this one. */
  readonly namersOf: (key: string) => Iterable<string>;
  readonly revisions: Revisions;
  readonly kube: Pick<Kube, 'get'>;
  readonly secrets: PublishTarget;
  /** Absent where Environments may publish no ConfigMaps. */
  readonly configMaps: PublishTarget | undefined;
  readonly heartbeatMs: number;
  readonly writer: Writer;
  readonly reporter: Reporter<EnvironmentRecord>;
}
