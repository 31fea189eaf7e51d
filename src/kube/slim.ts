// Takes off an object what nobody here reads: bookkeeping of the API server and the copy that kubectl apply leaves,
// which for Secrets holds the values once more.
import type { KubeObject } from './types.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object without managedFields and without kubectl's last-applied annotation. */
export function slim(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, annotations, ...metadata } = object.metadata;
  if (annotations === undefined) return { ...object, metadata };
  const { [lastApplied]: _copy, ...kept } = annotations;
  return { ...object, metadata: { ...metadata, annotations: kept } };
}
