// Label selectors of namespaces, as the API machinery reads them: which are well formed, and which labels they match.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/

import { OperatorError } from '../base/operator-error.ts';
import type { LabelSelector } from '../crds/selectors.ts';

type LabelExpression = NonNullable<LabelSelector['matchExpressions']>[number];
type Texts = Readonly<Record<string, string>>;

export interface NamespaceFacts {
  readonly name: string;
  /** Undefined while they are not known: selectors by label then match nothing. */
  readonly labels: Texts | undefined;
}

/** Throws InvalidSpec for a requirement that the API machinery would refuse; `at` is the path of the selector. */
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

/** Whether the labels meet the selector; labels that are not known meet none. */
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
