// A planned target as the object that is sent: the place where values leave.
import type { WantedSecret } from '../../core/target-plan.ts';
import type { ConfigMap, ObjectMeta, Secret } from '../../kube/types.ts';

export function toSecret(wanted: WantedSecret): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadataOf(wanted),
    type: wanted.type ?? 'Opaque',
    ...(wanted.immutable === true ? { immutable: true } : {}),
    data: dataOf(wanted, (bytes) => bytes.toString('base64')),
  };
}

/** Values are text: whoever plans one sees to that. */
export function toConfigMap(wanted: WantedSecret): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataOf(wanted),
    data: dataOf(wanted, (bytes) => bytes.toString('utf8')),
  };
}

function dataOf({ data: values }: WantedSecret, textOf: (bytes: Buffer) => string): Record<string, string> {
  const data = Object.create(null) as Record<string, string>; // keys come from outside: `__proto__` must be one like any other
  for (const [key, value] of values) data[key] = textOf(value.reveal());
  return data;
}

function metadataOf(wanted: WantedSecret): ObjectMeta {
  return {
    namespace: wanted.namespace,
    name: wanted.name,
    ...(wanted.uid === undefined ? {} : { uid: wanted.uid }),
    ...(wanted.resourceVersion === undefined ? {} : { resourceVersion: wanted.resourceVersion }),
    labels: wanted.labels,
    annotations: wanted.annotations,
    ownerReferences: wanted.owners,
    ...(wanted.finalizers.length === 0 ? {} : { finalizers: wanted.finalizers }),
  };
}
