// What a document declares, as data: imports and expressions. Made by declare.ts, evaluated by evaluator.ts.
import type { Diagnostic, Path, Span } from './diagnostics.ts';
import type { Accessor, Part } from './reference.ts';
import type { EscValue } from './value.ts';

export interface Place {
  readonly span: Span | undefined;
  readonly path: Path | undefined;
}

export type Expression = Place &
  (
    | { readonly kind: 'null' }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'number'; readonly text: string }
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'array'; readonly elements: readonly Expression[] }
    | { readonly kind: 'object'; readonly entries: ReadonlyMap<string, Expression> }
    /** One reference and nothing else: the value keeps its type. `isPlain` as of the node. */
    | { readonly kind: 'symbol'; readonly accessors: readonly Accessor[]; readonly isPlain: boolean }
    | { readonly kind: 'interpolation'; readonly parts: readonly Part[]; readonly isPlain: boolean }
    | { readonly kind: 'call'; readonly call: Call }
    /** A value that is there already, with its flags. */
    | { readonly kind: 'constant'; readonly value: EscValue }
  );

export type ObjectExpression = Extract<Expression, { readonly kind: 'object' }>;

/** Functions whose arguments are expressions that are evaluated one by one. */
export type PlainFunction =
  | 'fn::concat'
  | 'fn::final'
  | 'fn::fromBase64'
  | 'fn::fromJSON'
  | 'fn::join'
  | 'fn::split'
  | 'fn::toBase64'
  | 'fn::toJSON'
  | 'fn::toString'
  | 'fn::validate';

export type Call =
  | { readonly name: PlainFunction; readonly args: readonly Expression[] }
  | { readonly name: 'plaintext'; readonly text: string }
  | { readonly name: 'ciphertext'; readonly text: string; readonly argument: Place }
  /** `fn::secret` around a call of a provider: what it opens is secret. */
  | { readonly name: 'secret opened'; readonly args: readonly [Expression] }
  | { readonly name: 'open'; readonly provider: string; readonly providerPlace: Place; readonly inputs: Expression }
  | {
      readonly name: 'rotate';
      readonly provider: string;
      readonly providerPlace: Place;
      readonly inputs: Expression;
      readonly state: Expression | undefined;
      /** Where a new state is written. */
      readonly statePath: Path;
    }
  /** A call whose inputs or state could not be read: only its provider is looked up. */
  | {
      readonly name: 'unusable';
      readonly kind: 'provider' | 'rotator';
      readonly provider: string;
      readonly providerPlace: Place;
    }
  /** A call that could not be read; its problem was told. */
  | { readonly name: 'broken' };

export interface Import extends Place {
  /** As it is written; `${imports.NAME}` has it by this name. */
  readonly name: string;
  /** The name of the document that is meant. */
  readonly target: string;
  readonly merge: boolean;
}

/** One environment's document, read once and evaluated any number of times. Has no state. */
export interface EscDocument {
  readonly name: string;
  readonly imports: readonly Import[];
  /** The expressions of `values`. */
  readonly values: ObjectExpression;
  /** Neither imports nor values: opening it gives no value at all. */
  readonly isEmpty: boolean;
  /** The text could not be read as a document: nothing of it is evaluated. */
  readonly isBroken: boolean;
  /** Problems of the document alone. With an error among them it cannot be imported. */
  readonly loadDiagnostics: readonly Diagnostic[];
  /** Told whenever the document is evaluated: keys that occur twice. */
  readonly duplicates: readonly Diagnostic[];
  /** Makes a diagnostic for a place of this document; offsets are within the place's text. */
  readonly tell: Teller;
}

export interface Telling {
  readonly severity?: 'error' | 'warning';
  readonly summary: string;
  readonly suggestion?: string | undefined;
}

export type Teller = (place: Place, telling: Telling) => Diagnostic;
