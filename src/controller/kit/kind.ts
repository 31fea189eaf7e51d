// What is said of a kind that is reconciled, in one row. Caches, metrics, status dialect, queue series, events, roles and
// reference pages are made of rows; none of them knows a kind by name.
import type { Kind } from '../../crds/custom-resource.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import type { ObjectSeries } from '../../telemetry/operator-metrics.ts';
import type { Reported } from '../report.ts';

export interface KindRow<R extends Reported = Reported> {
  /** Its CustomResourceDefinition: resource, versions, columns. */
  readonly definition: Kind;
  /** What the caches keep of an object; `before` is an earlier record of it, of which equal parts may be taken over. */
  record(object: KubeObject, before?: R): R;
  /** `source.component` of its events, as in ESO. */
  readonly eventComponent: string;
  /** Under which names it is measured. */
  readonly series: Omit<ObjectSeries, 'kind'>;
  /** Whether the kind is served at all; absent when it always is. */
  readonly served?: Switch;
  /** Whether its status is kept; absent when it is whenever the kind is served. */
  readonly reported?: Switch;
  /** An older installation may not have its CRD: nothing waits for it. */
  readonly mayBeMissing?: true;
  /** What its controller may do, with this kind and with others, beyond what all controllers may. */
  readonly rights: readonly Right[];
}

/** What an administrator may switch off. */
export interface Switch {
  /** Without its hyphens. */
  readonly flag: string;
  /** What the flag is called in the configuration. */
  readonly option: 'clusterStores' | 'storeReconciler' | 'clusterExternalSecrets';
  /** The value of the chart that sets it. */
  readonly value: string;
}

/** A verb of a role, and why it stands there. */
export interface Right {
  readonly verb: string;
  /** What it is for; the kind of the row when absent. */
  readonly on?: Resource;
  readonly subresource?: 'status' | 'finalizers';
  /** The value of the chart that brings it; that which serves the kind when absent. */
  readonly when?: string;
  readonly why: string;
  /** The end-to-end test that fails without it: file below test/e2e, and the end of its full name. */
  readonly test: { readonly file: string; readonly name: string };
}

/** The kind as its metrics name it. */
export function seriesOf({ definition, series }: KindRow): ObjectSeries {
  return { kind: definition.resource.kind, ...series };
}
