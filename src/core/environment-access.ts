// May a namespace import an Environment, or open it with a store? Its own namespace always may; others only where the
// Environment's `spec.sharedWith` names them. Whoever is refused is not told whether the Environment exists.

import { OperatorError } from '../base/operator-error.ts';
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

/** The Environment and its namespace, from a name as documents write it: `name` or `namespace/name`. */
export interface EnvironmentName {
  readonly namespace: string;
  readonly name: string;
}

const namePart = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** Resolves a name in a document of `namespace`. Throws InvalidSpec for what cannot be a name. */
export function environmentName(text: string, namespace: string): EnvironmentName {
  const parts = text.split('/');
  const [first = '', second] = parts;
  const found = second === undefined ? { namespace, name: first } : { namespace: first, name: second };
  if (parts.length <= 2 && namePart.test(found.name) && namePart.test(found.namespace)) return found;
  throw new OperatorError(
    'InvalidSpec',
    `environment ${JSON.stringify(text.slice(0, 320))} is no name: write name, or namespace/name`,
  );
}
