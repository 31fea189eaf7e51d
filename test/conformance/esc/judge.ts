// What a case expects against what came of it. Places of diagnostics are not compared. Where ours is deliberately stricter
// with secrets than the reference evaluator, `mended` says how.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseDocument } from 'yaml';
import { z } from 'zod';
import { readDocument } from '../../../src/core/esc/declare.ts';
import type { Diagnostic } from '../../../src/core/esc/diagnostics.ts';
import { decryptDocument, encryptDocument } from '../../../src/core/esc/encrypt-document.ts';
import type { Evaluation } from '../../../src/core/esc/evaluate.ts';
import { pathsWhere, plainJson, projection } from '../../../src/core/esc/export.ts';
import type { Mode } from '../../../src/core/esc/session.ts';
import { toyCipher } from './providers.ts';
import { evaluateCase } from './run.ts';

const texts = z.array(z.string());

const caseFile = z.object({
  environmentName: z.string(),
  context: z.record(z.string(), z.unknown()).default({}),
  showSecrets: z.boolean().default(false),
  rotate: z.boolean().default(false),
  rotatePaths: texts.nullish().transform((paths) => paths ?? []),
});

const expectedFile = z.object({
  evalValues: z.unknown().optional(),
  secretPaths: texts,
  evalErrors: texts,
  checkErrors: texts,
});

const projected = z.record(z.string(), z.object({ value: z.string(), secret: z.boolean() }));

const moreFile = z.object({
  loadWarnings: texts.optional(),
  evalWarnings: texts.optional(),
  checkWarnings: texts.optional(),
  unknownPaths: texts.optional(),
  checkValuesRedacted: z.unknown().optional(),
  evalValuesRedacted: z.unknown().optional(),
  rotateValues: z.unknown().optional(),
  rotateErrors: texts.optional(),
  rotatePatches: z.array(z.object({ path: z.string(), state: z.unknown() })).optional(),
  projection: z.object({ environmentVariables: projected, files: projected }).nullish(),
});

const parseFile = z.object({ parseErrors: texts, parseWarnings: texts });

/** What differs, a line each; none when the case agrees. */
export function judge(suite: string, folder: string): readonly string[] {
  try {
    if (suite === 'parse') return judgeParse(folder);
    return suite === 'crypt' ? judgeCrypt(folder) : judgeEvaluation(folder);
  } catch (thrown) {
    return [`threw ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`];
  }
}

function readJson<Schema extends z.ZodType>(folder: string, file: string, schema: Schema): z.infer<Schema> {
  return schema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
}

function judgeEvaluation(folder: string): readonly string[] {
  const input = readJson(folder, 'case.json', caseFile);
  const expected = readJson(folder, 'expected.json', expectedFile);
  const finer = existsSync(join(folder, 'more.json'));
  const more = finer ? readJson(folder, 'more.json', moreFile) : {};
  const run = (mode: Mode) => evaluateCase({ folder, name: input.environmentName, ...input }, mode);
  const opened = run('open');
  const checked = run('check');
  const differences = [
    ...compare('evalValues', expected.evalValues ?? null, json(opened, false)),
    ...comparePaths(expected.secretPaths, opened),
    ...compareTexts('evalErrors', expected.evalErrors, summaries(opened.diagnostics, 'error')),
    ...compareTexts('checkErrors', expected.checkErrors, summaries(checked.diagnostics, 'error')),
    ...(finer ? compare('checkValuesRedacted', more.checkValuesRedacted ?? null, json(checked, true)) : []),
  ];
  const loadWarnings = more.loadWarnings ?? [];
  for (const [name, wanted, evaluation] of [
    ['evalWarnings', more.evalWarnings, opened],
    ['checkWarnings', more.checkWarnings, checked],
  ] as const) {
    if (wanted === undefined) continue;
    differences.push(...compareTexts(name, [...loadWarnings, ...wanted], summaries(evaluation.diagnostics, 'warning')));
  }
  if (more.unknownPaths !== undefined) {
    const ours = opened.value === undefined ? [] : pathsWhere(opened.value, ({ data }) => data.kind === 'unknown');
    differences.push(...compare('unknownPaths', [...more.unknownPaths].sort(), [...ours].sort()));
  }
  if (more.evalValuesRedacted !== undefined) {
    differences.push(...compare('evalValuesRedacted', more.evalValuesRedacted, json(opened, true)));
  }
  if (more.projection) differences.push(...compareProjection(more.projection, opened));
  if (input.rotate || more.rotateValues !== undefined) differences.push(...judgeRotation(more, run('rotate')));
  return differences;
}

function judgeRotation(more: z.infer<typeof moreFile>, rotated: Evaluation): readonly string[] {
  const patches = rotated.rotations.flatMap((each) =>
    each.status === 'succeeded' ? [{ path: each.statePath, state: plainJson(each.state, { redact: false }) }] : [],
  );
  const byPath = (list: readonly { readonly path: string }[]) => list.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return [
    ...compare('rotateValues', more.rotateValues ?? null, json(rotated, false)),
    ...compareTexts('rotateErrors', more.rotateErrors ?? [], summaries(rotated.diagnostics, 'error')),
    ...compare('rotatePatches', byPath(more.rotatePatches ?? []), byPath(patches)),
  ];
}

function judgeParse(folder: string): readonly string[] {
  const expected = readJson(folder, 'expected.json', parseFile);
  const { loadDiagnostics } = readDocument('env', readFileSync(join(folder, 'env.yaml'), 'utf8'));
  return [
    ...compareTexts('parseErrors', expected.parseErrors, summaries(loadDiagnostics, 'error')),
    ...compareTexts('parseWarnings', expected.parseWarnings, summaries(loadDiagnostics, 'warning')),
  ];
}

function judgeCrypt(folder: string): readonly string[] {
  const plaintext = readFileSync(join(folder, 'plaintext.yaml'), 'utf8');
  const ciphertext = readFileSync(join(folder, 'ciphertext.yaml'), 'utf8');
  return [
    ...compareDocuments('encrypted', ciphertext, encryptDocument(plaintext, toyCipher)),
    ...compareDocuments('decrypted', plaintext, decryptDocument(ciphertext, toyCipher)),
  ];
}

function compareDocuments(name: string, wanted: string, got: ReturnType<typeof encryptDocument>): readonly string[] {
  if ('problem' in got) return [`${name}: ${got.problem}`];
  const comments = (text: string) => (text.match(/#.*$/gm) ?? []).sort();
  const errors = parseDocument(got.text).errors.map(({ message }) => message);
  return [
    ...compare(`${name} errors`, [], errors),
    ...(errors.length === 0 ? compare(name, parse(wanted), parse(got.text)) : []),
    ...compare(`${name} comments`, comments(wanted), comments(got.text)),
  ];
}

function json({ value }: Evaluation, redact: boolean): unknown {
  return value === undefined ? null : plainJson(value, { redact });
}

function summaries(diagnostics: readonly Diagnostic[], severity: 'error' | 'warning'): readonly string[] {
  return diagnostics.filter((each) => each.severity === severity).map(({ summary }) => summary);
}

function compare(name: string, wanted: unknown, got: unknown): readonly string[] {
  return isDeepStrictEqual(plain(wanted), plain(mended(wanted, got)))
    ? []
    : [`${name}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`];
}

/** Prototypes and numbers that differ in writing alone do not count. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** What is read below a secret unknown is secret here, where the reference shows an unknown. */
function mended(wanted: unknown, got: unknown): unknown {
  if (wanted === '[unknown]' && got === '[secret]') return wanted;
  if (Array.isArray(got) && Array.isArray(wanted)) return got.map((each: unknown, at) => mended(wanted[at], each));
  if (!isTable(got) || !isTable(wanted)) return got;
  return Object.fromEntries(Object.entries(got).map(([key, each]) => [key, mended(wanted[key], each)]));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Secrets must be told exactly; an unknown may be secret where the reference forgot that it was. */
function comparePaths(wanted: readonly string[], { value }: Evaluation): readonly string[] {
  const paths = (isMeant: (unknown: boolean) => boolean) =>
    value === undefined ? [] : pathsWhere(value, ({ secret, data }) => secret && isMeant(data.kind === 'unknown'));
  const all = new Set(paths(() => true));
  const unknown = new Set(paths((isUnknown) => isUnknown));
  const missing = wanted.filter((path) => !all.has(path));
  const additional = [...all].filter((path) => !wanted.includes(path) && !unknown.has(path));
  if (missing.length + additional.length === 0) return [];
  return [`secretPaths: missing ${JSON.stringify(missing)}, additional ${JSON.stringify(additional)}`];
}

/** Texts as multisets. A placeholder agrees with any text; what the JSON reader says is its own. */
function compareTexts(name: string, wanted: readonly string[], got: readonly string[]): readonly string[] {
  const left = [...got];
  const missing: string[] = [];
  const placeholders: string[] = [];
  for (const each of wanted) {
    const at = left.findIndex((text) => comparable(text) === comparable(each));
    if (at !== -1) left.splice(at, 1);
    else if (/^<.*>$/.test(each)) placeholders.push(each);
    else missing.push(each);
  }
  const isCovered = placeholders.length === 0 ? left.length === 0 : left.length > 0;
  if (missing.length === 0 && isCovered) return [];
  return [`${name}: missing ${JSON.stringify([...missing, ...placeholders])}, additional ${JSON.stringify(left)}`];
}

/** Texts of a JSON reader, of a pattern's compiler and the like are not part of the contract. */
function comparable(text: string): string {
  const free = ['decoding JSON string: ', 'invalid schema: '].find((prefix) => text.startsWith(prefix));
  return free ?? text;
}

function compareProjection(
  wanted: NonNullable<z.infer<typeof moreFile>['projection']>,
  { value }: Evaluation,
): readonly string[] {
  return (['environmentVariables', 'files'] as const).flatMap((root) => {
    const ours = value === undefined ? [] : projection(value, root);
    const table = Object.fromEntries(ours.map(({ name, text, secret }) => [name, { value: text, secret }]));
    return compare(`projection ${root}`, wanted[root], table);
  });
}
