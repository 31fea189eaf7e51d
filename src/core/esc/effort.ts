// What an evaluation costs, counted where it is done: values that are made, characters that are looked at. Whoever evaluates
// within a budget says so once, around the whole; without one nothing is counted. An evaluation waits for nothing, so that the
// budget in force is always that of the one evaluation which runs.
import type { Budget } from '../budget.ts';

let present: Budget | undefined;
/** Bytes of the values that were made under it. */
let held = 0;

/** Runs what is to be paid from the budget. Values count as held until it ends; one that ran over stays over. */
export function paidFrom<Result>(budget: Budget, run: () => Result): Result {
  const before = { present, held };
  present = budget;
  held = 0;
  try {
    const result = run();
    budget.letGo(held);
    return result;
  } finally {
    ({ present, held } = before);
  }
}

/** The budget in force, for what pays by itself. */
export function presentBudget(): Budget | undefined {
  return present;
}

/** Units of work, of some 10 ns. Throws TooMuchWork. */
export function pay(units: number): void {
  present?.spend(units);
}

/** For a value that is made, with places for as many parts. Throws TooMuchWork. */
export function payForValue(parts: number): void {
  if (present === undefined) return;
  const bytes = bytesPerValue * (1 + parts);
  held += bytes;
  present.hold(bytes);
  present.spend(unitsPerValue * (1 + parts));
}

const bytesPerValue = 64;

/** For a text that is made: it takes memory until the evaluation ends. Throws TooMuchWork. */
export function payForText(length: number): void {
  if (present === undefined) return;
  present.produce(length);
  present.spend(length / charactersPerUnit);
}

/** A character that is copied costs a few ns. */
const charactersPerUnit = 4;

/** Reading a value of a document, or evaluating one: a microsecond, or some in a process that has just begun. */
export const unitsPerExpression = 250;
/** Making a value, and a place for each that it holds. */
export const unitsPerValue = 10;
/** A place in a map whose keys are put in order. */
export const unitsPerMember = 40;
