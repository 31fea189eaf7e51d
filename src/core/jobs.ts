// The pure work of a reconcile that a tenant can make large, as a closed table. Each job is a function of plain data and a
// budget, so that it runs where the object runs, or in a worker thread when it needs more than a small share.

import type { OnDemand } from '../base/on-demand.ts';
import type { ExternalSecretSpec } from '../crds/external-secret.ts';
import type { WebhookSpec } from '../crds/generators/webhook.ts';
import { Budget } from './budget.ts';
import type { EnvironmentJobTable } from './esc/job-packing.ts';
import type { WebhookCall, WebhookSecrets } from './generators/webhook.ts';
import type { GjsonResult } from './gjson/result.ts';
import { jsonMemberText, jsonObjectMembers } from './json-text.ts';
import type { RenderedManifest } from './manifest/manifest-template.ts';
import { environments, jsonPaths, regexps, rewriting, templates } from './parts.ts';
import type { RunningObject } from './quarantine.ts';
import { type Combined, combine, type PlannedRead, planReads, type ReadAnswer } from './selection.ts';
import { policyOf, toleratesMissing } from './target-policy.ts';
import type { RenderedTarget } from './target-template.ts';
import type { TemplateInput } from './template-texts.ts';

/** What goes into each job and what comes out of it. */
export interface JobTable extends EnvironmentJobTable {
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

export interface WebhookOrder {
  readonly spec: WebhookSpec;
  readonly secrets: WebhookSecrets;
  readonly nowMs: number;
  readonly seed: string;
}

export interface RenderOrder extends TemplateInput {
  readonly nowMs: number;
  readonly seed: string;
}

export type JobKind = keyof JobTable;

/** Where jobs are done. */
export interface Desk {
  /** Throws what the job throws; TooMuchWork when it needs more than the budget of the reconcile has left. */
  run<K extends JobKind>(kind: K, input: JobTable[K]['input']): Promise<JobTable[K]['output']>;
}

/** A piece of work that may take long: whose it is, and what is to wait when the process dies of it. */
export interface Work {
  /** Whom threads serve in turn: a namespace. */
  readonly tenant: string;
  readonly object: RunningObject;
}

/** Where one piece of work is done. */
export interface Workplace {
  /** A desk with a budget of its own. */
  desk(signal: AbortSignal): Desk;
  /** Something large is read on the event loop; returns what ends that. */
  reads(): () => void;
  /** The work is over. */
  end(): void;
}

/** Where all work is done. */
export interface Workplaces {
  /** Throws Quarantined for what must wait. */
  begin(work: Work): Workplace;
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
  readDocument: (input, budget) => environments.loaded.readDocument(input, budget),
  checkEnvironment: (input, budget) => environments.loaded.checkEnvironment(input, budget),
  openEnvironment: (input, budget) => environments.loaded.openEnvironment(input, budget),
  selectValues: (input, budget) => environments.loaded.selectValues(input, budget),
  publication: (input, budget) => environments.loaded.publication(input, budget),
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
  readDocument: [environments],
  checkEnvironment: [environments],
  openEnvironment: [environments],
  selectValues: [environments],
  publication: [environments],
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

/** Values that take about half of a share of the loop to combine, whatever else is to be done with them. */
const manyValues = 4_000;

/** Whether the job will take more than a share of the loop, as far as one look at its input tells. */
export function isSurelyLarge<K extends JobKind>(kind: K, input: JobTable[K]['input']): boolean {
  if (kind !== 'combine') return false;
  const { answers } = input as JobTable['combine']['input']; // the kind says so
  const each = new Set(answers.flatMap((answer) => ('values' in answer ? [answer.values] : [])));
  let values = 0;
  for (const { size } of each) values += size;
  return values > manyValues;
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

/** Places with such desks. */
export const inlineWorkplaces: Workplaces = {
  begin: () => ({ desk: () => inlineDesk(), reads: () => () => {}, end() {} }),
};
