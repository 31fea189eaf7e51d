// An expression on its way to a value: what it stands over, what it contains, whether it is being evaluated. Cells are made
// as they are reached, so what is frozen or skipped costs nothing.
import { joinPath } from './diagnostics.ts';
import { pay, unitsPerValue } from './effort.ts';
import type { Expression, Place } from './expression.ts';
import { foundationOf, memberBelow } from './merge.ts';
import type { EscValue } from './value.ts';

export class Cell {
  readonly expression: Expression;
  /** The value that this one overrides. */
  readonly base: EscValue | undefined;
  /** The path below `values`; within a function's argument, below that. */
  readonly name: string;
  value: EscValue | undefined;
  isEvaluating = false;
  #members: ReadonlyMap<string, Cell> | undefined;
  #elements: readonly Cell[] | undefined;
  readonly #arguments: Cell[] = [];

  constructor(expression: Expression, base: EscValue | undefined, name: string) {
    this.expression = expression;
    this.base = base;
    this.name = name;
  }

  /** The base, where an object can stand on it. */
  get foundation(): EscValue | undefined {
    return foundationOf(this.base);
  }

  /** Whether the expression will not be evaluated, since what it overrides is final. */
  get isFrozen(): boolean {
    return this.base?.final === true;
  }

  /** The members of an object literal. */
  get members(): ReadonlyMap<string, Cell> {
    this.#members ??= this.#makeMembers();
    return this.#members;
  }

  /** The elements of an array literal. */
  get elements(): readonly Cell[] {
    this.#elements ??=
      this.expression.kind === 'array'
        ? this.expression.elements.map((each, at) => new Cell(each, undefined, joinPath(this.name, at)))
        : [];
    return this.#elements;
  }

  argument(expression: Expression, index: number): Cell {
    const known = this.#arguments[index];
    if (known !== undefined) return known;
    const made = new Cell(expression, undefined, '');
    this.#arguments[index] = made;
    return made;
  }

  /** The place of a part, or of the nearest part around it that the document holds. */
  partPlace(at: readonly (string | number)[]): Place {
    const [step, ...rest] = at;
    if (step === undefined) return this.expression;
    const next = typeof step === 'number' ? this.elements[step] : this.members.get(step);
    return next?.partPlace(rest) ?? this.expression;
  }

  #makeMembers(): ReadonlyMap<string, Cell> {
    if (this.expression.kind !== 'object') return new Map();
    pay(this.expression.entries.size * unitsPerValue);
    const { foundation } = this;
    // Keys of the first level stand in names as they are.
    const name = (key: string) =>
      this.name === '' && this.expression.path?.parent === undefined ? key : joinPath(this.name, key);
    return new Map(
      Array.from(this.expression.entries, ([key, each]) => {
        const base = foundation === undefined ? undefined : memberBelow(foundation, key);
        return [key, new Cell(each, base, name(key))] as const;
      }),
    );
  }
}
