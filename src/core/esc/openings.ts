// What an evaluation asks of its caller: calls of providers and rotators, named so that the answer of one round is found in
// the next. And what the evaluator must know of a provider: its schemas.
import type { Schema } from './schema.ts';
import type { EscValue } from './value.ts';

/** A provider as the evaluator sees it; opening it is the caller's business. */
export interface ProviderShape {
  readonly inputs: Schema;
  /** The type of unknown results; results themselves are not checked. */
  readonly outputs: Schema;
  /** What it opens is secret, or holds secrets: a check, which opens nothing, takes the whole for secret. */
  readonly secret?: true;
  /** Other names of inputs: `{retrieve: 'get'}`. */
  readonly aliases?: Readonly<Record<string, string>>;
}

export interface RotatorShape extends ProviderShape {
  readonly state: Schema;
}

/** Looks shapes up by name; undefined for names that are not known. */
export interface Shapes {
  readonly provider: (name: string) => ProviderShape | undefined;
  readonly rotator: (name: string) => RotatorShape | undefined;
}

/**
 * One call to make. `open` calls a provider; `rotate` makes a rotator's new state; `open rotated` gives the value of a
 * rotator's state. Inputs keep their flags. Unknowns among the inputs of a rotator are those that only a rotation needs.
 */
export interface Opening {
  readonly kind: 'open' | 'rotate' | 'open rotated';
  /** The same in every round; unique within an evaluation. */
  readonly id: string;
  readonly provider: string;
  readonly inputs: EscValue;
  /** Of rotators; null when there is none yet. */
  readonly state?: EscValue;
  /** The environment whose document holds the call, and the call's path there. */
  readonly environment: string;
  readonly path: string;
  readonly rootEnvironment: string;
}

/** A value (flags as the provider sets them: a secret top makes all of it secret), or why there is none. */
export type OpeningResult = { readonly value: EscValue } | { readonly error: string };

/** What came of one rotation that was asked for. */
export type Rotation =
  | { readonly status: 'succeeded'; readonly path: string; readonly statePath: string; readonly state: EscValue }
  | { readonly status: 'failed' | 'not-evaluated'; readonly path: string };

/** Shortest secret that is looked for in a provider's words. */
const shortestScrubbed = 3;

/** A provider's words without the secrets that it was given. */
export function scrub(text: string, inputs: EscValue): string {
  const secrets = new Set<string>();
  collectSecrets(inputs, false, secrets);
  const sorted = [...secrets].sort((left, right) => right.length - left.length);
  return sorted.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[secret]'), text);
}

function collectSecrets(value: EscValue, isSecret: boolean, into: Set<string>): void {
  const { data } = value;
  const secret = isSecret || value.secret;
  if (data.kind === 'array') for (const each of data.elements) collectSecrets(each, secret, into);
  else if (data.kind === 'object') for (const each of value.members.values()) collectSecrets(each, secret, into);
  else if (secret && (data.kind === 'string' || data.kind === 'number') && data.text.length >= shortestScrubbed) {
    into.add(data.text);
  }
}
