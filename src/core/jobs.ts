// The pure work of a reconcile that a tenant can make large, as a closed table. Each job is a function of plain data and a
// budget, so that it runs where the object runs, or in a worker thread when it needs more than a small share.

import type { OnDemand } from '../base/on-demand.ts';
import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import { type Reason, reasons } from '../base/reasons.ts';
import type { ExternalSecretSpec } from '../crds/external-secret.ts';
import type { WebhookSpec } from '../crds/generators/webhook.ts';
import { Budget } from './budget.ts';
import type { WebhookCall, WebhookSecrets } from './generators/webhook.ts';
import type { GjsonResult } from './gjson/result.ts';
import { jsonMemberText, jsonObjectMembers } from './json-text.ts';
import type { ManifestField } from './manifest/manifest-blueprint.ts';
import type { RenderedManifest } from './manifest/manifest-template.ts';
import { jsonPaths, regexps, rewriting, templates } from './parts.ts';
import { SecretValue } from './secret-value.ts';
import { type Combined, combine, type Origin, type PlannedRead, planReads, type ReadAnswer } from './selection.ts';
import { policyOf, toleratesMissing } from './target-policy.ts';
import type { RenderedTarget } from './target-template.ts';
import type { TemplateInput } from './template-texts.ts';

/** What goes into each job and what comes out of it. */
export interface JobTable {
  /** A gjson look-up in a text. Throws InvalidSpec, InvalidValue, TooMuchWork. */
  readonly property: {
    readonly input: { readonly text: string; readonly path: string };
    readonly output: GjsonResult | undefined;
  };
  /** The members of a JSON object as a Secret holds them. Throws InvalidValue, TooMuchWork. */
  readonly members: { readonly input: { readonly text: string }; readonly output: ReadonlyMap<string, string> };
  /** The keys that a pattern matches, in their order. Throws InvalidSpec, TooMuchWork. */
  readonly search: {
    readonly input: { readonly pattern: string; readonly keys: readonly string[] };
    readonly output: readonly string[];
  };
  /** The data of the Secret; what `combine` throws. `reads` are those of the spec, or worked out again. */
  readonly combine: {
    readonly input: {
      readonly spec: ExternalSecretSpec;
      readonly reads?: readonly PlannedRead[];
      readonly answers: readonly ReadAnswer[];
    };
    readonly output: Combined;
  };
  /** The target by its template; what `renderTarget` throws. `seed` is 32 random bytes in hex. */
  readonly render: { readonly input: RenderOrder; readonly output: RenderedTarget };
  /** The same for a target of another kind; what `renderManifest` throws. */
  readonly manifest: { readonly input: RenderOrder; readonly output: RenderedManifest };
  /** The call of a generator Webhook; what `webhookCall` throws. `seed` is 32 random bytes in hex. */
  readonly webhookCall: { readonly input: WebhookOrder; readonly output: WebhookCall };
  /** The values in its answer; what `webhookValues` throws. */
  readonly webhookValues: {
    readonly input: { readonly jsonPath: string | undefined; readonly text: string };
    readonly output: ReadonlyMap<string, string>;
  };
}

interface WebhookOrder {
  readonly spec: WebhookSpec;
  readonly secrets: WebhookSecrets;
  readonly nowMs: number;
  readonly seed: string;
}

interface RenderOrder extends TemplateInput {
  readonly nowMs: number;
  readonly seed: string;
}

export type JobKind = keyof JobTable;

/** Where jobs are done. */
export interface Desk {
  /** Throws what the job throws; TooMuchWork when it needs more than the budget of the reconcile has left. */
  run<K extends JobKind>(kind: K, input: JobTable[K]['input']): Promise<JobTable[K]['output']>;
}

type Jobs = { readonly [K in JobKind]: (input: JobTable[K]['input'], budget: Budget) => JobTable[K]['output'] };

/** Reading JSON, and an entry for each member, costs about this for each character. */
const unitsPerJsonUnit = 4;
/** What a found key costs besides matching it. */
const unitsPerEntry = 10;

const jobs: Jobs = {
  property: ({ text, path }, budget) => {
    const found = jsonPaths.loaded.getPath(text, path, budget);
    budget.produce(found?.raw.length ?? 0);
    return found;
  },
  members({ text }, budget) {
    budget.spend(text.length * unitsPerJsonUnit);
    budget.produce(text.length);
    return new Map([...jsonObjectMembers(text)].map(([name, raw]) => [name, jsonMemberText(raw)]));
  },
  search({ pattern, keys }, budget) {
    const { compile, matches } = regexps.loaded;
    const regexp = compile(pattern, budget);
    budget.spend(keys.length * unitsPerEntry);
    return keys.filter((key) => matches(regexp, key, budget));
  },
  combine: ({ spec, reads = planReads(spec), answers }, budget) =>
    combine(reads, answers, { budget, toleratesMissing: toleratesMissing(policyOf(spec)) }),
  render: (order, budget) => templates.loaded.render(order, budget),
  manifest: (order, budget) => templates.loaded.manifest(order, budget),
  webhookCall: (order, budget) => templates.loaded.webhookCall(order, budget),
  webhookValues: (order, budget) => templates.loaded.webhookValues(order, budget),
};

type Part = Pick<OnDemand<unknown>, 'load'>;

/** The parts that a job needs, whatever its input; those of `combine` are told by its spec. */
const partsOfJobs: { readonly [K in JobKind]: readonly Part[] } = {
  property: [jsonPaths],
  members: [],
  search: [regexps],
  combine: [],
  render: [templates],
  manifest: [templates],
  webhookCall: [templates],
  webhookValues: [templates],
};

/** To be waited for before the job runs. */
export async function beforeJob<K extends JobKind>(kind: K, input: JobTable[K]['input']): Promise<void> {
  const parts = kind === 'combine' ? partsOf(input as JobTable['combine']['input']) : partsOfJobs[kind]; // the kind says so
  for (const part of parts) await part.load();
}

function partsOf({ spec: { dataFrom = [] } }: JobTable['combine']['input']): readonly Part[] {
  const steps = dataFrom.flatMap(({ rewrite = [] }) => rewrite);
  if (steps.length === 0) return [];
  return steps.some(({ transform }) => transform !== undefined) ? [rewriting, templates] : [rewriting];
}

/** Does the job here and now; what `beforeJob` gave has been waited for. */
export function runJob<K extends JobKind>(kind: K, input: JobTable[K]['input'], budget: Budget): JobTable[K]['output'] {
  const job: Jobs[K] = jobs[kind];
  return job(input, budget);
}

/** A desk that does everything where it is asked to, within one budget: for tools, tests and what has no other. */
export function inlineDesk(budget = new Budget()): Desk {
  return {
    async run(kind, input) {
      await beforeJob(kind, input);
      return runJob(kind, input, budget);
    },
  };
}

/** Bytes as text of one byte a character: structured clone copies that as it is, and a small Buffer with its whole pool. */
type Packed = ReadonlyMap<string, string>;

type PackedManifest = Omit<RenderedManifest, 'fields'> & {
  readonly fields: readonly (Omit<ManifestField, 'value'> & { readonly value: string })[];
};

interface PackedAnswer {
  readonly values?: Packed;
  readonly shadowed?: readonly string[];
  readonly origins?: ReadonlyMap<string, Origin>;
  readonly error?: PackedError;
}

/** An OperatorError without its class. */
export interface PackedError {
  readonly reason: Reason;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The input as it goes to another thread. */
export function packInput<K extends JobKind>(kind: K, input: JobTable[K]['input']): unknown {
  if (kind === 'render' || kind === 'manifest') {
    const order = input as RenderOrder; // the kind says so
    return { ...order, data: packValues(order.data), texts: mapValues(order.texts, packValues) };
  }
  if (kind === 'webhookCall') {
    const order = input as WebhookOrder; // the kind says so
    return { ...order, secrets: mapValues(order.secrets, packValues) };
  }
  if (kind !== 'combine') return input;
  const { spec, answers } = input as JobTable['combine']['input']; // the kind says so
  return { spec, answers: answers.map(eachOnce(packAnswer)) };
}

export function unpackInput<K extends JobKind>(kind: K, packed: unknown): JobTable[K]['input'] {
  if (kind === 'render' || kind === 'manifest') {
    const order = packed as RenderOrder & { readonly data: Packed; readonly texts: ReadonlyMap<string, Packed> };
    return {
      ...order,
      data: unpackValues(order.data),
      texts: mapValues(order.texts, unpackValues),
    } as JobTable[K]['input'];
  }
  if (kind === 'webhookCall') {
    const order = packed as WebhookOrder & { readonly secrets: ReadonlyMap<string, Packed> };
    return { ...order, secrets: mapValues(order.secrets, unpackValues) } as JobTable[K]['input'];
  }
  if (kind !== 'combine') return packed as JobTable[K]['input']; // made by packInput
  const { spec, answers } = packed as { spec: ExternalSecretSpec; answers: readonly PackedAnswer[] };
  return { spec, answers: answers.map(eachOnce(unpackAnswer)) } as JobTable[K]['input'];
}

export function packOutput<K extends JobKind>(kind: K, output: JobTable[K]['output']): unknown {
  if (kind === 'manifest') {
    const { fields, ...rest } = output as RenderedManifest; // the kind says so
    return {
      ...rest,
      fields: fields.map((field) => ({ ...field, value: field.value.text() })),
    } satisfies PackedManifest;
  }
  if (kind !== 'combine' && kind !== 'render') return output;
  const made = output as Combined | RenderedTarget; // the kind says so
  return { ...made, data: packValues(made.data) };
}

export function unpackOutput<K extends JobKind>(kind: K, packed: unknown): JobTable[K]['output'] {
  if (kind === 'manifest') {
    const { fields, ...rest } = packed as PackedManifest; // made by packOutput
    const unpacked = fields.map((field) => ({ ...field, value: new SecretValue(field.value) }));
    return { ...rest, fields: unpacked } as JobTable[K]['output'];
  }
  if (kind !== 'combine' && kind !== 'render') return packed as JobTable[K]['output']; // made by packOutput
  const made = packed as Combined & { readonly data: Packed }; // or a RenderedTarget
  return { ...made, data: unpackValues(made.data) } as JobTable[K]['output'];
}

function mapValues<From, To>(map: ReadonlyMap<string, From>, change: (each: From) => To): ReadonlyMap<string, To> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
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

export function packError(thrown: unknown): PackedError {
  const { reason, message, hint } = asOperatorError(thrown);
  return { reason, message, hint };
}

export function unpackError({ reason, message, hint }: PackedError): OperatorError {
  return new OperatorError(Object.hasOwn(reasons, reason) ? reason : 'Internal', message, { hint });
}

function packAnswer(answer: ReadAnswer): PackedAnswer {
  if ('error' in answer) return { error: packError(answer.error) };
  return { ...answer, values: packValues(answer.values) };
}

function unpackAnswer({ values, error, ...besides }: PackedAnswer): ReadAnswer {
  if (error !== undefined) return { error: unpackError(error) };
  return { ...besides, values: unpackValues(values ?? new Map()) };
}

function packValues(values: ReadonlyMap<string, SecretValue>): Packed {
  return new Map([...values].map(([key, value]) => [key, value.reveal().toString('latin1')]));
}

function unpackValues(values: Packed): Map<string, SecretValue> {
  return new Map([...values].map(([key, bytes]) => [key, new SecretValue(Buffer.from(bytes, 'latin1'))]));
}
