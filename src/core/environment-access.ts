// May a namespace import an Environment, or open it with a store? Its own namespace always may; others only where the
// Environment's `spec.sharedWith` names them. Whoever is refused is not told whether the Environment exists.

import type { EnvironmentSpec } from '../crds/environment.ts';
import { checkSelector, matchesLabels, type NamespaceFacts } from './label-selector.ts';

type SharedWith = EnvironmentSpec['sharedWith'];

/** True when the answer depends on labels, so that the namespace must be read before `mayUseEnvironment` can answer. */
export function sharesByLabel(sharedWith: SharedWith): boolean {
  return sharedWith?.namespaceSelector !== undefined;
}

/** `owner` is the namespace of the Environment. Throws InvalidSpec for a selector that cannot be understood. */
export function mayUseEnvironment(sharedWith: SharedWith, owner: string, consumer: NamespaceFacts): boolean {
  if (owner === consumer.name) return true;
  const { namespaces = [], namespaceSelector } = sharedWith ?? {};
  if (namespaces.includes(consumer.name)) return true;
  if (namespaceSelector === undefined) return false;
  checkSelector(namespaceSelector, 'spec.sharedWith.namespaceSelector');
  return matchesLabels(namespaceSelector, consumer.labels);
}
