// May a namespace use a ClusterSecretStore? ESO's rule: no conditions allow everybody; otherwise any match in any
// condition is enough. Regexes are RE2 and unanchored, as there.
import type { SecretStoreSpec } from '../crds/secret-store.ts';
import { OperatorError } from './operator-error.ts';
import { compile, matches } from './regexp.ts';

type StoreCondition = NonNullable<SecretStoreSpec['conditions']>[number];
export type LabelSelector = NonNullable<StoreCondition['namespaceSelector']>;
type LabelExpression = NonNullable<LabelSelector['matchExpressions']>[number];
type Texts = Readonly<Record<string, string>>;

export interface NamespaceFacts {
  readonly name: string;
  /** Undefined while they are not known: selectors by label then match nothing. */
  readonly labels: Texts | undefined;
}

/** True when a condition looks at labels, so that the namespace must be read before `mayUseStore` can answer. */
export function needsNamespaceLabels(conditions: SecretStoreSpec['conditions']): boolean {
  return (conditions ?? []).some((condition) => condition.namespaceSelector !== undefined);
}

/**
 * Throws InvalidSpec for a regular expression that does not compile, and for a label selector that the API machinery would
 * refuse: what cannot be understood must not open a store.
 */
export function checkConditions(conditions: SecretStoreSpec['conditions']): void {
  for (const [i, { namespaceRegexes, namespaceSelector }] of (conditions ?? []).entries()) {
    for (const pattern of namespaceRegexes ?? []) compile(pattern);
    checkSelector(namespaceSelector ?? {}, `spec.conditions[${i}].namespaceSelector`);
  }
}

/** Throws InvalidSpec for a label selector that the API machinery would refuse; `at` is the path of its field. */
export function checkSelector({ matchExpressions = [] }: LabelSelector, at: string): void {
  for (const expression of matchExpressions) checkExpression(expression, at);
}

function checkExpression({ key, operator, values = [] }: LabelExpression, at: string): void {
  const isWithValues = Object.hasOwn(operatorsWithValues, operator) ? operatorsWithValues[operator] : undefined;
  if (isWithValues !== undefined && isWithValues === values.length > 0) return;
  const wanted =
    isWithValues === undefined
      ? 'use In, NotIn, Exists or DoesNotExist'
      : isWithValues
        ? 'name its values'
        : 'leave values empty';
  throw new OperatorError('InvalidSpec', `${at}: operator "${operator}" of key "${key}": ${wanted}`);
}

/** Every operator of a label selector, and whether it compares with values. */
const operatorsWithValues: Readonly<Record<string, boolean>> = {
  In: true,
  NotIn: true,
  Exists: false,
  DoesNotExist: false,
};

/** Throws InvalidSpec as `checkConditions` does. */
export function mayUseStore(conditions: SecretStoreSpec['conditions'], namespace: NamespaceFacts): boolean {
  if (conditions === undefined || conditions.length === 0) return true;
  checkConditions(conditions);
  return conditions.some(
    (condition) =>
      (condition.namespaces ?? []).includes(namespace.name) ||
      (condition.namespaceRegexes ?? []).some((pattern) => matches(compile(pattern), namespace.name)) ||
      (condition.namespaceSelector !== undefined && matchesLabels(condition.namespaceSelector, namespace.labels)),
  );
}

/** Whether labels are selected, as the API machinery reads it: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
export function matchesLabels(selector: LabelSelector, labels: Texts | undefined): boolean {
  if (labels === undefined) return false;
  const equal = Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
  return equal && (selector.matchExpressions ?? []).every((expression) => matchesExpression(expression, labels));
}

function matchesExpression({ key, operator, values = [] }: LabelExpression, labels: Texts): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  if (operator === 'In') return value !== undefined && values.includes(value);
  return value === undefined || !values.includes(value); // NotIn
}
