// May a namespace use a ClusterSecretStore? ESO's rule: no conditions allow everybody; otherwise any match in any
// condition is enough. Regexes are RE2 and unanchored, as there.
import type { SecretStoreSpec } from '../crds/secret-store.ts';
import { checkSelector, matchesLabels, type NamespaceFacts } from './label-selector.ts';
import { regexps } from './parts.ts';

/** True when a condition looks at labels, so that the namespace must be read before `mayUseStore` can answer. */
export function needsNamespaceLabels(conditions: SecretStoreSpec['conditions']): boolean {
  return (conditions ?? []).some((condition) => condition.namespaceSelector !== undefined);
}

/** To be waited for before the conditions are checked or a namespace is judged by them. */
export async function beforeConditions(conditions: SecretStoreSpec['conditions']): Promise<void> {
  const usesRegexps = (conditions ?? []).some(({ namespaceRegexes = [] }) => namespaceRegexes.length > 0);
  if (usesRegexps) await regexps.load();
}

/**
 * Throws InvalidSpec for a regular expression that does not compile, and for a label selector that the API machinery would
 * refuse: what cannot be understood must not open a store.
 */
export function checkConditions(conditions: SecretStoreSpec['conditions']): void {
  for (const [i, { namespaceRegexes, namespaceSelector }] of (conditions ?? []).entries()) {
    for (const pattern of namespaceRegexes ?? []) regexps.loaded.compile(pattern);
    checkSelector(namespaceSelector ?? {}, `spec.conditions[${i}].namespaceSelector`);
  }
}

/** Throws InvalidSpec as `checkConditions` does. */
export function mayUseStore(conditions: SecretStoreSpec['conditions'], namespace: NamespaceFacts): boolean {
  if (conditions === undefined || conditions.length === 0) return true;
  checkConditions(conditions);
  return conditions.some(
    (condition) =>
      (condition.namespaces ?? []).includes(namespace.name) ||
      (condition.namespaceRegexes ?? []).some((pattern) => isMatch(pattern, namespace.name)) ||
      (condition.namespaceSelector !== undefined && matchesLabels(condition.namespaceSelector, namespace.labels)),
  );
}

function isMatch(pattern: string, name: string): boolean {
  const { compile, matches } = regexps.loaded;
  return matches(compile(pattern), name);
}
