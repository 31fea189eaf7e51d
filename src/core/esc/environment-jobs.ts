// The work on Environments that a tenant can make large, as jobs: reading a document, one round of an evaluation, and what is
// taken from its value. Loaded when the first one is done; what goes in and comes out is in ./job-packing.ts.
import { OperatorError } from '../../base/operator-error.ts';
import type { Budget } from '../budget.ts';
import { checkedEnvironment } from '../environment-check.ts';
import { referencesIn } from '../environment-names.ts';
import { publicationOf } from '../publication.ts';
import { decryptWith } from './cipher.ts';
import { documentOfData } from './declare.ts';
import type { Diagnostic } from './diagnostics.ts';
import { paidFrom } from './effort.ts';
import { evaluate } from './evaluate.ts';
import type { EscDocument } from './expression.ts';
import type { EnvironmentJobTable, EvaluationOrder } from './job-packing.ts';
import type { Opening } from './openings.ts';
import { unpackValue } from './packed-value.ts';
import { select } from './select.ts';
import { hasErrors, type LoadFailure } from './session.ts';
import { type EscValue, objectValue } from './value.ts';

type EnvironmentJobs = {
  readonly [K in keyof EnvironmentJobTable]: (
    input: EnvironmentJobTable[K]['input'],
    budget: Budget,
  ) => EnvironmentJobTable[K]['output'];
};

/** Names that a document may mean: of more an evaluation asks for none. */
const mostTargets = 1_024;
/** Most weight of all inputs of one round: providers read them where everybody waits. */
const mostInputsWeight = 16_384;
/** Errors told at most: a condition is read by people. */
const mostTold = 5;

export const environmentJobs: EnvironmentJobs = {
  readDocument: ({ source }, budget) =>
    paidFrom(budget, () => {
      const before = budget.spent.work;
      const document = source.document(documentOfData);
      const targets = new Set(document.imports.slice(0, mostTargets).map(({ target }) => target));
      if (!document.isBroken) {
        for (const target of referencesIn(source.data.values)) if (targets.size < mostTargets) targets.add(target);
      }
      return { targets: [...targets], cost: budget.spent.work - before };
    }),

  checkEnvironment: (order, budget) =>
    paidFrom(budget, () => {
      const { root, documents, shapes } = begin(order, budget);
      const evaluation = evaluate({ mode: 'check', root, documents, shapes, openings: new Map() });
      if (!evaluation.isComplete) return { needs: evaluation.needs.documents };
      const { values } = order.root.data;
      return { checked: checkedEnvironment({ root, values, documents, evaluation }) };
    }),

  openEnvironment: (order, budget) =>
    paidFrom(budget, () => {
      const { root, documents, shapes } = begin(order, budget);
      const openings = new Map(
        [...order.openings].map(([id, answer]) => [
          id,
          'error' in answer ? answer : { value: unpackValue(answer.value) },
        ]),
      );
      const cipherOf = (name: string) => {
        const key = order.keys.get(name);
        return key === undefined ? undefined : decryptWith(key.reveal());
      };
      const evaluation = evaluate({ mode: 'open', root, documents, shapes, openings, cipherOf });
      const { needs, value, diagnostics } = evaluation;
      if (evaluation.isComplete) return { value: opened(root.name, value, diagnostics) };
      refuseHeavy(root.name, needs.openings);
      return { needs };
    }),

  selectValues: ({ environment, value, asks }, budget) =>
    paidFrom(budget, () => {
      const whole = unpackValue(value);
      return asks.map((ask) => select(environment, whole, ask));
    }),

  publication: ({ value, publish }, budget) => paidFrom(budget, () => publicationOf(unpackValue(value), publish)),
};

function begin(order: EvaluationOrder, budget: Budget) {
  budget.spend(order.unreadCost);
  const documents = new Map<string, EscDocument | LoadFailure>();
  for (const [name, source] of order.documents) {
    documents.set(name, 'error' in source ? source : source.document(documentOfData));
  }
  const shapes = { provider: (name: string) => order.shapes.get(name), rotator: () => undefined };
  return { root: order.root.document(documentOfData), documents, shapes };
}

function refuseHeavy(root: string, openings: readonly Opening[]): void {
  let weight = 0;
  for (const { environment, path, inputs } of openings) {
    weight += inputs.inside.weight;
    if (weight <= mostInputsWeight) continue;
    const place = environment === root ? path : `environment "${environment}" ${path}`;
    throw new OperatorError(
      'TooMuchWork',
      `environment "${root}": ${place}: the inputs of the calls of providers are too large`,
    );
  }
}

function opened(name: string, value: EscValue | undefined, diagnostics: readonly Diagnostic[]): EscValue {
  if (!hasErrors(diagnostics)) return value ?? objectValue([]);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const told = errors.slice(0, mostTold).map(({ environment, path, summary }) => {
    const place = environment === name ? path : `environment "${environment}"${path === '' ? '' : ` ${path}`}`;
    return place === '' ? summary : `${place}: ${summary}`;
  });
  const rest = errors.length > mostTold ? `; and ${errors.length - mostTold} more` : '';
  throw new OperatorError('InvalidSpec', `environment "${name}": ${told.join('; ')}${rest}`);
}
