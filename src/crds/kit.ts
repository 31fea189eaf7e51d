// The vocabulary in which kinds are written: zod/mini schemas that carry what Kubernetes wants to know besides.
// Descriptions and `x-kubernetes-*` facts live in a registry, not in checks, so that they cost nothing when parsing.
// structural.ts turns the schemas into OpenAPI; parse.ts reads objects with them.
import * as z from 'zod/mini';

/** A CEL rule of the API server and its twin for objects that never passed it. */
interface Rule<T> {
  /** CEL over `self`. */
  readonly rule: string;
  /** What is wrong, for both. */
  readonly message: string;
  /** True when the rule holds. */
  readonly holds: (value: T) => boolean;
}

/** What a field's OpenAPI schema says beyond its type; copied into the generated schema as it stands. */
interface Facts {
  description?: string;
  format?: 'int32' | 'int64' | 'byte' | 'date-time';
  minProperties?: number;
  maxProperties?: number;
  'x-kubernetes-int-or-string'?: true;
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-map-type'?: 'atomic';
  'x-kubernetes-list-type'?: 'atomic';
  'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

/** Facts of every field; the generator reads them. */
export const facts = z.registry<Facts>();

/**
 * The schema with these facts. A schema that has facts already is copied first, so that one shape can stand in many places
 * with a description for each; one that has none is used as it is, which halves the memory that schemas take.
 */
export function withFacts<S extends z.ZodMiniType>(schema: S, added: Facts): S {
  const before = facts.get(schema);
  const told = before === undefined ? schema : schema.clone();
  facts.add(told, { ...before, ...added });
  return told;
}

/** The schema with a description: meaning, unit, default, and what absence means. */
export function about<S extends z.ZodMiniType>(description: string, schema: S): S {
  return withFacts(schema, { description });
}

/**
 * A field that may be absent. It has the type of zod's exactOptional (no `undefined` in the output), and the run time of
 * its optional, which asks the inner schema nothing when the field is absent: that halves the time of a parse. The two
 * differ only for a member that holds `undefined`, which JSON cannot.
 */
export function optional<S extends z.ZodMiniType>(schema: S): z.ZodMiniExactOptional<S> {
  return z.optional(schema) as unknown as z.ZodMiniExactOptional<S>;
}

/** A field that the API server fills in when it is absent; inside lists only the reader does (see structural.ts). */
export function defaulted<S extends z.ZodMiniType>(
  schema: S,
  value: z.util.NoUndefined<z.output<S>>,
): z.ZodMiniDefault<S> {
  return z._default(schema, value);
}

export function text(description: string): z.ZodMiniString<string> {
  return about(description, z.string());
}

/** Text of at least one character. */
export function filledText(description: string): z.ZodMiniString<string> {
  return about(description, z.string().check(z.minLength(1)));
}

export function flag(description: string): z.ZodMiniBoolean<boolean> {
  return about(description, z.boolean());
}

export function oneOf<const V extends readonly string[]>(
  values: V,
  description: string,
): z.ZodMiniEnum<z.util.ToEnum<V[number]>> {
  return about(description, z.enum(values));
}

export function textMap(description: string): z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniString<string>> {
  return about(description, z.record(z.string(), z.string()));
}

export function textList(description: string): z.ZodMiniArray<z.ZodMiniString<string>> {
  return about(description, z.array(z.string()));
}

export function int32(description: string): z.ZodMiniNumberFormat {
  return withFacts(z.int(), { description, format: 'int32' });
}

export function int64(description: string): z.ZodMiniNumberFormat {
  return withFacts(z.int(), { description, format: 'int64' });
}

/** A whole number without a declared width. */
export function integer(description: string): z.ZodMiniNumberFormat {
  return about(description, z.int());
}

/** Base64 text. */
export function bytes(description: string): z.ZodMiniString<string> {
  return withFacts(z.string(), { description, format: 'byte' });
}

/** An instant as RFC 3339 text. */
export function instant(description: string): z.ZodMiniString<string> {
  return withFacts(z.string(), { description, format: 'date-time' });
}

export function intOrString(description: string): z.ZodMiniUnion<[z.ZodMiniNumberFormat, z.ZodMiniString<string>]> {
  return withFacts(z.union([z.int(), z.string()]), { description, 'x-kubernetes-int-or-string': true });
}

/** Any JSON value, kept as it is. */
export function anyJson(description: string): z.ZodMiniUnknown {
  return withFacts(z.unknown(), { description, 'x-kubernetes-preserve-unknown-fields': true });
}

/** An object of optional members of which exactly one is set. */
export function exactlyOne<S extends z.core.$ZodShape>(
  shape: S,
  description: string,
): z.ZodMiniObject<S, z.core.$strip> {
  const message = `set exactly one of ${Object.keys(shape).join(', ')}`;
  const schema = z.object(shape).check(z.refine((value) => Object.keys(value).length === 1, message));
  return withFacts(schema, { description, minProperties: 1, maxProperties: 1 });
}

/** The schema with one more rule, checked by the API server as CEL and here as code. */
export function ruled<S extends z.ZodMiniType>(schema: S, { rule, message, holds }: Rule<z.output<S>>): S {
  const before = facts.get(schema)?.['x-kubernetes-validations'] ?? [];
  const checked = schema.check(z.refine(holds, message));
  facts.add(checked, { ...facts.get(schema), 'x-kubernetes-validations': [...before, { rule, message }] });
  return checked;
}

/** A pattern and how a person would say it. */
interface Pattern {
  readonly expression: RegExp;
  readonly words: string;
  readonly maxLength?: number;
}

// Names as the API server itself limits them: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
const dnsSubdomain: Pattern = {
  expression: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  words: "a name of lower-case letters, digits, '-' and '.'",
  maxLength: 253,
};
const dnsLabel: Pattern = {
  expression: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  words: "a name of lower-case letters, digits and '-'",
  maxLength: 63,
};
const configKey: Pattern = {
  expression: /^[-._a-zA-Z0-9]+$/,
  words: "a key of letters, digits, '-', '_' and '.'",
  maxLength: 253,
};

const patternWords = new Map<string, string>();

/** What a value must look like that did not match `pattern` (the text of the expression, as zod reports it). */
export function wordsOf(pattern: string | undefined): string {
  return patternWords.get(pattern ?? '') ?? `text that matches ${pattern ?? 'the pattern'}`;
}

/** Filled text that matches a pattern and is at most `maxLength` characters long; `words` say so in messages. */
export function patterned({ expression, words, maxLength }: Pattern, description: string): z.ZodMiniString<string> {
  patternWords.set(String(expression), words);
  const schema = z.string().check(z.minLength(1), z.regex(expression));
  return about(description, maxLength === undefined ? schema : schema.check(z.maxLength(maxLength)));
}

/** Name of an object (RFC 1123 subdomain). */
export function objectName(description: string): z.ZodMiniString<string> {
  return patterned(dnsSubdomain, description);
}

/** Name of a namespace (RFC 1123 label). */
export function namespaceName(description: string): z.ZodMiniString<string> {
  return patterned(dnsLabel, description);
}

/** Key in the data of a Secret or ConfigMap. */
export function dataKey(description: string): z.ZodMiniString<string> {
  return patterned(configKey, description);
}
