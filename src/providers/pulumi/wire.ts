// Pulumi's JSON: evaluated environments, sessions, diagnostics, errors, and what of them is kept. Foreign names stop here.
// https://www.pulumi.com/docs/reference/cloud-rest-api/environments/

import * as z from 'zod/mini';
import { isRecord } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import { overheadBytes } from '../shared/snapshots.ts';

/** A value of an evaluated environment, without its traces: those carry overridden values, secret ones too. */
export type EscValue =
  | { readonly kind: 'null' | 'unknown' }
  /** `literal` is a number or a boolean as it is written. */
  | { readonly kind: 'string' | 'literal'; readonly value: SecretValue }
  | { readonly kind: 'list'; readonly items: readonly EscValue[] }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, EscValue> };

/** A number with its digits, where a double would change them. */
export class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** JSON with numbers as they are written. Throws SyntaxError, and RangeError for nesting beyond all use. */
export function parseExactly(text: string): unknown {
  // The reviver's third argument is newer than the types that we compile with: https://tc39.es/proposal-json-parse-with-source/
  const reviver = (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value;
  return JSON.parse(text, reviver);
}

/** About how many bytes it takes to keep the value. */
export function sizeOfValue(value: EscValue): number {
  if (value.kind === 'list') return value.items.reduce((sum, item) => sum + sizeOfValue(item), overheadBytes);
  if (value.kind !== 'object') return overheadBytes + ('value' in value ? value.value.length : 0);
  let bytes = overheadBytes;
  for (const [name, member] of value.members) bytes += name.length + sizeOfValue(member);
  return bytes;
}

/** What the evaluation says of the document. */
export interface Diagnostic {
  readonly isError: boolean;
  readonly summary: string;
  /** Property path, or ''. */
  readonly path: string;
}

const diagnosticSchema = z.object({
  summary: z.nullish(z.string()),
  path: z.nullish(z.string()),
  severity: z.nullish(z.string()),
});
const diagnosticsSchema = z.array(diagnosticSchema);
const sessionSchema = z.object({ id: z.string().check(z.minLength(1), z.maxLength(512)) });

export interface OpenSession {
  readonly id: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** The answer to an open. Throws UpstreamInvalid for anything else. */
export function parseSession(json: unknown): OpenSession {
  const diagnostics = diagnosticsIn(json);
  const parsed = sessionSchema.safeParse(json);
  if (parsed.success) return { id: parsed.data.id, diagnostics };
  const [failed] = diagnostics.filter(({ isError }) => isError);
  if (failed !== undefined) return { id: '', diagnostics };
  throw notTheApi('an open session');
}

/** Diagnostics as a list, or as the object around a list that one of the SDKs describes; none for anything else. */
function diagnosticsIn(json: unknown): readonly Diagnostic[] {
  const member = isRecord(json) ? json['diagnostics'] : undefined;
  const list = isRecord(member) ? member['diagnostics'] : member;
  const parsed = diagnosticsSchema.safeParse(list);
  if (!parsed.success) return [];
  return parsed.data.map(({ summary, path, severity }) => ({
    isError: severity === undefined || severity === null || /^error$/i.test(severity),
    summary: summary ?? '',
    path: path ?? '',
  }));
}

/** What an error answer says. */
export interface WireError {
  readonly message: string;
  readonly diagnostics: readonly Diagnostic[];
}

const errorSchema = z.object({
  message: z.optional(z.string()),
  error: z.optional(z.string()),
  error_description: z.optional(z.string()),
});

/** The service's error, or undefined when the body is none of the API's. */
export function parseError(json: unknown): WireError | undefined {
  const diagnostics = diagnosticsIn(json);
  const { message, error, error_description } = errorSchema.safeParse(json).data ?? {};
  const text = message ?? error_description ?? error;
  return text === undefined && diagnostics.length === 0 ? undefined : { message: text ?? '', diagnostics };
}

export function notTheApi(expected: string): OperatorError {
  return new OperatorError('UpstreamInvalid', `the answer is not ${expected}`);
}
