// How a function of a template is written down: name, types of its parameters, body, a line for the reference page.
import { FunctionFault } from '../errors.ts';
import type { Budget } from '../limits.ts';
import { type Bytes, isAscii } from '../text.ts';
import type { Dict, List, ParamType, Sized, Struct, Value } from '../values.ts';

/** What a function may use besides its arguments; all of it is given to the render. */
export interface CallContext {
  readonly budget: Budget;
  /** The instant of the render, ms since the epoch. */
  readonly nowMs: number;
  /** Random bytes. */
  readonly randomBytes: (size: number) => Uint8Array;
}

interface TypeOf {
  any: Value;
  value: Value | undefined;
  string: Bytes;
  int: bigint;
  int64: Sized;
  uint32: Sized;
  float64: number;
  bool: boolean;
  list: List;
  dict: Dict;
  time: Struct;
  duration: Sized;
  certificate: Struct;
}

/** A parameter's type; `...` in front takes all arguments that are left. */
export type Parameter = ParamType | `...${ParamType}`;

type Args<P extends readonly Parameter[]> = {
  [K in keyof P]: P[K] extends ParamType
    ? TypeOf[P[K]]
    : P[K] extends `...${infer T extends ParamType}`
      ? TypeOf[T][]
      : never;
};

export interface TemplateFunction {
  readonly name: Bytes;
  readonly params: readonly ParamType[];
  readonly variadic: ParamType | undefined;
  readonly call: (args: readonly (Value | undefined)[], context: CallContext) => Value | undefined;
  /** One line for the reference page. */
  readonly doc: string;
  /** Whether two calls with the same arguments may differ: random numbers, the clock. */
  readonly isVolatile: boolean;
  /** Makes a certificate, which runs out. */
  readonly makesCertificate: boolean;
}

/**
 * One entry of a table. The body's arguments have the types of `params`: evaluation has converted and checked them; it
 * throws FunctionFault for what Go returns as an error, or panics with.
 */
export function define<const P extends readonly Parameter[]>(
  name: Bytes,
  params: P,
  doc: string,
  body: (args: Args<P>, context: CallContext) => Value | undefined,
  options: { readonly isVolatile?: boolean; readonly makesCertificate?: boolean } = {},
): TemplateFunction {
  const last = params.at(-1);
  const variadic = last?.startsWith('...') ? (last.slice(3) as ParamType) : undefined; // by the type of Parameter
  const fixed = (variadic === undefined ? params : params.slice(0, -1)) as readonly ParamType[]; // only the last may be variadic
  return {
    name,
    params: fixed,
    variadic,
    doc,
    isVolatile: options.isVolatile ?? false,
    makesCertificate: options.makesCertificate ?? false,
    call: (args, context) => {
      const given = variadic === undefined ? args : [...args.slice(0, fixed.length), args.slice(fixed.length)];
      return body(given as unknown as Args<P>, context); // evaluation has checked each argument against `params`
    },
  };
}

/** Bytes of a text that a function reads in the time of a step (some 0.5 µs): of plain ASCII, and of all else. */
export interface ReadingPace {
  readonly ascii: number;
  readonly other: number;
}

/** The function, paying before it works for each text that it is given. Evaluation itself charges what a copy takes. */
export function payingForTexts(definition: TemplateFunction, { ascii, other }: ReadingPace): TemplateFunction {
  return {
    ...definition,
    call: (args, context) => {
      for (const arg of args) {
        if (typeof arg === 'string') context.budget.step(Math.ceil(arg.length / (isAscii(arg) ? ascii : other)));
      }
      return definition.call(args, context);
    },
  };
}

/** An error that a function returns, with Go's text. */
export function fault(message: string): FunctionFault {
  return new FunctionFault(message);
}
