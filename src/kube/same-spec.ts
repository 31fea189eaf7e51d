// Whether two states of an object differ in nothing but what its controller reports. The API server counts the generation of a
// custom resource up with every change of its spec, and not with one of its status:
// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#status-subresource
import type { KubeObject } from './types.ts';

type Texts = Readonly<Record<string, string>>;

/** False for kinds that have no generation: of Secrets and ConfigMaps everything counts. */
export function isSameButStatus(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const [a, b] = [before.metadata, after.metadata];
  return (
    a.generation !== undefined &&
    a.generation === b.generation &&
    a.uid === b.uid &&
    a.deletionTimestamp === b.deletionTimestamp &&
    isSame(a.labels, b.labels) &&
    isSame(a.annotations, b.annotations)
  );
}

function isSame(a: Texts = {}, b: Texts = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
