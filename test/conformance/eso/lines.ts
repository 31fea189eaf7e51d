// The two files of the recorded cases, as far as they are looked at: what a case lays out, and what came of it. Fields that
// only a reader of the recordings needs (events, notes) are left where they are.
import { z } from 'zod';

const texts = z.record(z.string(), z.string());
const ready = z.object({
  exists: z.boolean().optional(),
  ready: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

const externalSecretOutcome = ready.extend({
  binding: z.string().optional(),
  finalizers: z.array(z.string()).optional(),
  labels: texts.optional(),
  annotations: texts.optional(),
  owners: z.json().optional(),
});

const targetOutcome = z.object({
  exists: z.boolean(),
  type: z.string().optional(),
  immutable: z.boolean().optional(),
  data: z.record(z.string(), z.union([z.string(), z.object({ base64: z.string() })])).optional(),
  labels: texts.optional(),
  annotations: texts.optional(),
  finalizers: z.array(z.string()).optional(),
  owners: z.json().optional(),
  managers: z.array(z.string()).optional(),
});

const clusterOutcome = ready.extend({
  provisioned: z.array(z.string()).optional(),
  failed: z.array(z.object({ namespace: z.string(), reason: z.string() })).optional(),
  externalSecretName: z.string().optional(),
  finalizers: z.array(z.string()).optional(),
});

const outcomeLine = z.object({
  id: z.string(),
  accepted: z.boolean(),
  rejected: z.record(z.string(), z.looseObject({})).optional(),
  es: z.record(z.string(), externalSecretOutcome),
  stores: z.record(z.string(), ready.extend({ capabilities: z.string().optional() })).optional(),
  ces: z.record(z.string(), clusterOutcome).optional(),
  targets: z.record(z.string(), targetOutcome),
});

const laidOutObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional(), labels: texts.optional() }),
  data: texts.optional(),
});

const caseLine = z.object({
  id: z.string(),
  cat: z.string(),
  objects: z.array(laidOutObject),
});

/** What one case ended in: the same shape for the recording and for a run of ours. */
export type OutcomeLine = z.infer<typeof outcomeLine>;
export type ClusterOutcome = z.infer<typeof clusterOutcome>;
export type TargetOutcome = z.infer<typeof targetOutcome>;
export type CaseLine = z.infer<typeof caseLine>;

/** The outcomes of a file of JSON lines, by case id. Throws on a line of another shape, named by its number. */
export function outcomeLines(text: string): ReadonlyMap<string, OutcomeLine> {
  return byId(parseLines(text, outcomeLine));
}

/** The cases of a file of JSON lines, by id and in their order. Throws as above. */
export function caseLines(text: string): ReadonlyMap<string, CaseLine> {
  return byId(parseLines(text, caseLine));
}

function byId<T extends { readonly id: string }>(lines: readonly T[]): ReadonlyMap<string, T> {
  return new Map(lines.map((line) => [line.id, line]));
}

function parseLines<T>(text: string, schema: z.ZodType<T>): readonly T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      const parsed = schema.safeParse(JSON.parse(line));
      if (parsed.success) return parsed.data;
      throw new Error(`line ${i + 1}: ${z.prettifyError(parsed.error)}`);
    });
}
