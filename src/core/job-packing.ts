// Jobs on their way to a worker thread and back. Structured clone carries plain data; what is more than that is packed here,
// by one entry for each kind of job that has such.
import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import { type Reason, reasons } from '../base/reasons.ts';
import * as environments from './esc/job-packing.ts';
import { mapped } from './esc/job-packing.ts';
import type { JobKind, JobTable, RenderOrder, WebhookOrder } from './jobs.ts';
import type { RenderedManifest } from './manifest/manifest-template.ts';
import type { Publication } from './publication.ts';
import { SecretValue } from './secret-value.ts';
import type { Combined, ReadAnswer } from './selection.ts';
import type { RenderedTarget } from './target-template.ts';

/** How each side of a job crosses; what has no entry crosses as it is. What is unpacked was made by the other one. */
interface Packing<Input, Output> {
  readonly packInput?: (input: Input) => unknown;
  readonly unpackInput?: (packed: unknown) => Input;
  readonly packOutput?: (output: Output) => unknown;
  readonly unpackOutput?: (packed: unknown) => Output;
}

type Packings = { readonly [K in JobKind]?: Packing<JobTable[K]['input'], JobTable[K]['output']> };

/** Bytes as text of one byte a character: structured clone copies that as it is, and a small Buffer with its whole pool. */
type Packed = ReadonlyMap<string, string>;

/** `Holder` with the values of `Field` packed. */
type WithPacked<Holder, Field extends keyof Holder> = Omit<Holder, Field> & { readonly [K in Field]: Packed };

const renderOrder = {
  packInput: (order: RenderOrder) => ({
    ...order,
    data: packValues(order.data),
    texts: mapped(order.texts, packValues),
  }),
  unpackInput(packed: unknown): RenderOrder {
    const order = packed as WithPacked<RenderOrder, 'data'> & { readonly texts: ReadonlyMap<string, Packed> };
    return { ...order, data: unpackValues(order.data), texts: mapped(order.texts, unpackValues) };
  },
};

/** For what comes out with its values in `data`. */
function packedData<Output extends { readonly data: ReadonlyMap<string, SecretValue> }>() {
  return {
    packOutput: (output: Output) => ({ ...output, data: packValues(output.data) }),
    unpackOutput: (packed: unknown) => {
      const output = packed as WithPacked<Output, 'data'>;
      return { ...output, data: unpackValues(output.data) };
    },
  };
}

const evaluationOrder = { packInput: environments.packOrder, unpackInput: environments.unpackOrder };

const packings: Packings = {
  combine: {
    packInput: ({ spec, answers }) => ({ spec, answers: answers.map(eachOnce(packAnswer)) }),
    unpackInput(packed) {
      const input = packed as Omit<JobTable['combine']['input'], 'answers'> & {
        readonly answers: readonly PackedAnswer[];
      };
      return { ...input, answers: input.answers.map(eachOnce(unpackAnswer)) };
    },
    ...packedData<Combined>(),
  },
  render: {
    ...renderOrder,
    ...packedData<RenderedTarget>(),
  },
  manifest: {
    ...renderOrder,
    packOutput: ({ fields, ...rest }) => ({
      ...rest,
      fields: fields.map((field) => ({ ...field, value: field.value.text() })),
    }),
    unpackOutput(packed) {
      const { fields, ...rest } = packed as Omit<RenderedManifest, 'fields'> & {
        readonly fields: readonly (Omit<RenderedManifest['fields'][number], 'value'> & { readonly value: string })[];
      };
      return { ...rest, fields: fields.map((field) => ({ ...field, value: new SecretValue(field.value) })) };
    },
  },
  webhookCall: {
    packInput: (order) => ({ ...order, secrets: mapped(order.secrets, packValues) }),
    unpackInput(packed) {
      const order = packed as Omit<WebhookOrder, 'secrets'> & { readonly secrets: ReadonlyMap<string, Packed> };
      return { ...order, secrets: mapped(order.secrets, unpackValues) };
    },
  },
  readDocument: { packInput: environments.packSource, unpackInput: environments.unpackSource },
  checkEnvironment: evaluationOrder,
  openEnvironment: {
    packInput: environments.packOpenInput,
    unpackInput: environments.unpackOpenInput,
    packOutput: environments.packOpenOutput,
    unpackOutput: environments.unpackOpenOutput,
  },
  selectValues: {
    packInput: environments.packHeld,
    packOutput: (answers) => answers.map(packAnswer),
    unpackOutput: (packed) => (packed as readonly PackedAnswer[]).map(unpackAnswer),
  },
  publication: {
    packInput: environments.packHeld,
    packOutput: ({ secret, configMap }) => ({ secret: packValues(secret), configMap: packValues(configMap) }),
    unpackOutput(packed) {
      const { secret, configMap } = packed as WithPacked<Publication, 'secret' | 'configMap'>;
      return { secret: unpackValues(secret), configMap: unpackValues(configMap) };
    },
  },
};

/** The input as it goes to another thread. */
export function packInput<K extends JobKind>(kind: K, input: JobTable[K]['input']): unknown {
  const { packInput: pack } = packingOf(kind);
  return pack === undefined ? input : pack(input);
}

export function unpackInput<K extends JobKind>(kind: K, packed: unknown): JobTable[K]['input'] {
  const { unpackInput: unpack } = packingOf(kind);
  return unpack === undefined ? (packed as JobTable[K]['input']) : unpack(packed); // packInput left it as it was
}

export function packOutput<K extends JobKind>(kind: K, output: JobTable[K]['output']): unknown {
  const { packOutput: pack } = packingOf(kind);
  return pack === undefined ? output : pack(output);
}

export function unpackOutput<K extends JobKind>(kind: K, packed: unknown): JobTable[K]['output'] {
  const { unpackOutput: unpack } = packingOf(kind);
  return unpack === undefined ? (packed as JobTable[K]['output']) : unpack(packed); // packOutput left it as it was
}

function packingOf<K extends JobKind>(kind: K): Packing<JobTable[K]['input'], JobTable[K]['output']> {
  const packing: Packings[K] = packings[kind];
  return packing ?? {};
}

/** Reads that share an answer share it on the other side: structured clone keeps what is one thing one thing. */
function eachOnce<From, To>(change: (each: From) => To): (each: From) => To {
  const changed = new Map<From, To>();
  return (each) => {
    const made = changed.get(each) ?? change(each);
    changed.set(each, made);
    return made;
  };
}

/** An OperatorError without its class. */
export interface PackedError {
  readonly reason: Reason;
  readonly message: string;
  readonly hint?: string | undefined;
}

export function packError(thrown: unknown): PackedError {
  const { reason, message, hint } = asOperatorError(thrown);
  return { reason, message, hint };
}

export function unpackError({ reason, message, hint }: PackedError): OperatorError {
  return new OperatorError(Object.hasOwn(reasons, reason) ? reason : 'Internal', message, { hint });
}

type PackedAnswer =
  | { readonly error: PackedError }
  | (Omit<Extract<ReadAnswer, { readonly values: unknown }>, 'values'> & { readonly values: Packed });

function packAnswer(answer: ReadAnswer): PackedAnswer {
  if ('error' in answer) return { error: packError(answer.error) };
  return { ...answer, values: packValues(answer.values) };
}

function unpackAnswer(packed: PackedAnswer): ReadAnswer {
  if ('error' in packed) return { error: unpackError(packed.error) };
  return { ...packed, values: unpackValues(packed.values) };
}

function packValues(values: ReadonlyMap<string, SecretValue>): Packed {
  return mapped(values, (value) => value.reveal().toString('latin1'));
}

function unpackValues(values: Packed): ReadonlyMap<string, SecretValue> {
  return mapped(values, (bytes) => new SecretValue(Buffer.from(bytes, 'latin1')));
}
