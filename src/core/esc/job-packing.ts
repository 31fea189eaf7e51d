// The jobs on Environments from outside: what goes in and comes out of each, and both on their way to a worker thread. Values
// that are heavy stay packed where everybody waits.
import type { CheckedEnvironment } from '../environment-check.ts';
import type { Publication, Publish } from '../publication.ts';
import { SecretValue } from '../secret-value.ts';
import type { Ask, ReadAnswer } from '../selection.ts';
import { DocumentSource, type PackedSource } from './document-source.ts';
import type { Opening, OpeningResult, ProviderShape } from './openings.ts';
import { type HeldValue, type PackedValue, packing, packValue, smallWeight, unpackValue } from './packed-value.ts';
import type { LoadFailure } from './session.ts';
import type { EscValue } from './value.ts';

/** One round of an evaluation. */
export interface EvaluationOrder {
  readonly root: DocumentSource;
  readonly documents: ReadonlyMap<string, DocumentSource | LoadFailure>;
  readonly shapes: ReadonlyMap<string, ProviderShape>;
  /** What it takes at least to read those that were read elsewhere, in units of work. */
  readonly unreadCost: number;
}

export type HeldAnswer = { readonly value: HeldValue } | Extract<OpeningResult, { readonly error: string }>;

export interface EnvironmentJobTable {
  /** What the document names, and what it took to read it. Throws TooMuchWork, as all of these. */
  readonly readDocument: {
    readonly input: { readonly source: DocumentSource };
    readonly output: { readonly targets: readonly string[]; readonly cost: number };
  };
  /** The documents that are needed, or what the check has found. */
  readonly checkEnvironment: {
    readonly input: EvaluationOrder;
    readonly output: { readonly needs: readonly string[] } | { readonly checked: CheckedEnvironment };
  };
  /** What is needed, or the value, an object. Throws InvalidSpec for errors of documents. */
  readonly openEnvironment: {
    readonly input: EvaluationOrder & {
      readonly openings: ReadonlyMap<string, HeldAnswer>;
      /** What decrypts the secrets of a document, by its name. */
      readonly keys: ReadonlyMap<string, SecretValue>;
    };
    readonly output:
      | { readonly needs: { readonly documents: readonly string[]; readonly openings: readonly Opening[] } }
      | { readonly value: HeldValue };
  };
  /** One answer for each that asks. */
  readonly selectValues: {
    readonly input: { readonly environment: string; readonly value: HeldValue; readonly asks: readonly Ask[] };
    readonly output: readonly ReadAnswer[];
  };
  /** What `publicationOf` throws. */
  readonly publication: {
    readonly input: { readonly value: HeldValue; readonly publish: Publish };
    readonly output: Publication;
  };
}

export type OpenInput = EnvironmentJobTable['openEnvironment']['input'];
type OpenOutput = EnvironmentJobTable['openEnvironment']['output'];

type PackedOrder = Omit<EvaluationOrder, 'root' | 'documents'> & {
  readonly root: PackedSource;
  readonly documents: PackedDocuments;
};

type PackedDocuments = ReadonlyMap<string, PackedSource | LoadFailure>;

/** What the thread is given; it reads all documents itself, and pays for that. */
export function packOrder(order: EvaluationOrder): unknown {
  return { ...order, root: order.root.pack(), documents: packDocuments(order.documents), unreadCost: 0 };
}

export function unpackOrder(packed: unknown): EvaluationOrder {
  const order = packed as PackedOrder; // made by packOrder
  return { ...order, root: sourceOf(order.root), documents: unpackDocuments(order.documents) };
}

export function packOpenInput(input: OpenInput): unknown {
  const openings = mapped(input.openings, (answer) =>
    'error' in answer ? answer : { value: packValue(answer.value) },
  );
  const keys = mapped(input.keys, (key) => key.reveal().toString('latin1'));
  return { ...(packOrder(input) as object), openings, keys };
}

export function unpackOpenInput(packed: unknown): OpenInput {
  const { openings, keys } = packed as Pick<OpenInput, 'openings'> & { readonly keys: ReadonlyMap<string, string> };
  const unpackedKeys = mapped(keys, (key) => new SecretValue(Buffer.from(key, 'latin1')));
  return { ...unpackOrder(packed), openings, keys: unpackedKeys };
}

/** Rotators, which alone have a state, are not called here. */
type PackedOpening = Omit<Opening, 'inputs' | 'state'> & { readonly inputs: PackedValue };

export function packOpenOutput(output: OpenOutput): unknown {
  if ('value' in output) return { value: packValue(output.value) };
  const { documents, openings } = output.needs;
  const packed = openings.map((opening) => ({ ...opening, state: undefined, inputs: packValue(opening.inputs) }));
  return { needs: { documents, openings: packed satisfies readonly PackedOpening[] } };
}

export function unpackOpenOutput(packed: unknown): OpenOutput {
  const output = packed as // made by packOpenOutput
    | { readonly value: PackedValue }
    | { readonly needs: { readonly documents: readonly string[]; readonly openings: readonly PackedOpening[] } };
  if ('value' in output) return { value: unpackSmall(output.value) };
  const { documents, openings } = output.needs;
  return { needs: { documents, openings: openings.map((each) => ({ ...each, inputs: unpackValue(each.inputs) })) } };
}

/** A value that all of the loop may wait for; a heavy one stays packed. */
function unpackSmall(value: PackedValue): HeldValue {
  return value.weight > smallWeight ? value : unpackValue(value);
}

/** For a job that takes from a value: it unpacks by itself, and pays for that. */
export function packHeld<Input extends { readonly value: HeldValue }>(input: Input): unknown {
  return { ...input, value: packValue(input.value) };
}

export function packSource({ source }: { readonly source: DocumentSource }): unknown {
  return source.pack();
}

export function unpackSource(packed: unknown): { readonly source: DocumentSource } {
  return { source: sourceOf(packed as PackedSource) }; // made by packSource
}

/** Packs what is heavy in turns, so that it takes long nowhere. */
export async function heldInTurns(value: EscValue, turn: () => Promise<void>): Promise<HeldValue> {
  const { weight } = value.inside;
  if (weight <= smallWeight) return value;
  const pieces: string[] = [];
  for (const piece of packing(value)) {
    pieces.push(piece);
    await turn();
  }
  return { weight, pieces };
}

function packDocuments(documents: EvaluationOrder['documents']): PackedDocuments {
  return mapped(documents, (source) => ('error' in source ? source : source.pack()));
}

function unpackDocuments(documents: PackedDocuments): EvaluationOrder['documents'] {
  return mapped(documents, (source) => ('error' in source ? source : sourceOf(source)));
}

function sourceOf({ name, namespace, text }: PackedSource): DocumentSource {
  return new DocumentSource(name, namespace, { text });
}

/** The map with each value changed. */
export function mapped<From, To>(map: ReadonlyMap<string, From>, change: (each: From) => To): ReadonlyMap<string, To> {
  return new Map([...map].map(([key, each]) => [key, change(each)]));
}
