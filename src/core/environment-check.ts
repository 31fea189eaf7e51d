// What a check of an Environment found, as its status tells it: bounded, without any value, and of another namespace no more
// than that something is wrong there. Pure; who loads the documents evaluates them in check mode and gives the result.

import { plainLine } from '../base/plain-line.ts';
import type { EnvironmentStatus } from '../crds/environment.ts';
import { environmentName, environmentsNamedBy } from './environment-names.ts';
import type { Diagnostic } from './esc/diagnostics.ts';
import type { Evaluation } from './esc/evaluate.ts';
import type { EscDocument } from './esc/expression.ts';
import { plainSecretPaths } from './esc/plain-secrets.ts';
import type { Schema } from './esc/schema.ts';
import type { LoadFailure } from './esc/session.ts';
import type { EscValue } from './esc/value.ts';

export type ToldDiagnostic = NonNullable<EnvironmentStatus['diagnostics']>[number];
export type ToldKey = NonNullable<EnvironmentStatus['keys']>[number];

/** What goes into the status. */
export interface CheckedEnvironment {
  /** Errors first; the last one counts what was left out. */
  readonly diagnostics: readonly ToldDiagnostic[];
  readonly errors: number;
  readonly warnings: number;
  /** Whether something that it names is not there, or not shared with it: it may still come. */
  readonly isIncomplete: boolean;
  /** Where plain text is marked as secret. */
  readonly plainSecrets: readonly string[];
  readonly imports: readonly string[];
  readonly keys: readonly ToldKey[];
}

export interface CheckInput {
  readonly root: EscDocument;
  /** The values as they are written. */
  readonly values: unknown;
  readonly documents: ReadonlyMap<string, EscDocument | LoadFailure>;
  readonly evaluation: Evaluation;
}

/** A status is read by people, and held by the API server beside thousands of others. */
const mostDiagnostics = 20;
const mostNames = 50;
const mostKeys = 100;
const longestMessage = 512;
const longestPath = 256;
const longestKey = 128;
const longestName = 384;

/** Called with the last evaluation of a check, in which nothing more is needed. */
export function checkedEnvironment({ root, values, documents, evaluation }: CheckInput): CheckedEnvironment {
  const plainSecrets = plainSecretPaths(root);
  const told = [...toldDiagnostics(root, evaluation.diagnostics), ...cycleOf(root, documents)];
  const warned = plainSecrets.map(
    (path): ToldDiagnostic => ({ severity: 'warning', path, message: plainSecretWarning }),
  );
  const all = [...told, ...warned];
  const errors = all.filter(({ severity }) => severity === 'error');
  const warnings = all.filter(({ severity }) => severity === 'warning');
  const { namespace } = environmentName(root.name, '');
  const named = [...root.imports.map(({ target }) => target), ...environmentsNamedBy({ values }, namespace)];
  return {
    diagnostics: bounded([...errors, ...warnings]),
    errors: errors.length,
    warnings: warnings.length,
    isIncomplete: [...documents.values()].some((each) => 'error' in each),
    plainSecrets,
    imports: [...new Set(named.map((name) => plainLine(name, longestName)))].sort().slice(0, mostNames),
    keys: keysOf(evaluation.value),
  };
}

/** Says what to do about it, with the command. */
export const plainSecretWarning =
  'a secret stands here in plain text, for everybody who may read this object: reference a Secret (fn::open::kubernetes-secrets), or run `escapement env encrypt --key-file env.key -w FILE` and name the key in spec.encryptionKey';

export function isPlainSecretWarning({ message }: Pick<ToldDiagnostic, 'message'>): boolean {
  return message === plainSecretWarning;
}

function toldDiagnostics(root: EscDocument, diagnostics: readonly Diagnostic[]): readonly ToldDiagnostic[] {
  const { namespace } = environmentName(root.name, '');
  const elsewhere = new Set<string>();
  const told: ToldDiagnostic[] = [];
  for (const { severity, environment, path, summary, suggestion } of diagnostics) {
    if (environment === root.name) {
      told.push(toldOf({ severity, path, message: summary, suggestion }));
    } else if (namespaceOf(environment) === namespace) {
      const place = path === '' ? '' : `${path}: `;
      told.push(
        toldOf({ severity, path: '', message: `environment "${environment}": ${place}${summary}`, suggestion }),
      );
    } else if (severity === 'error' && !elsewhere.has(environment)) {
      // Where and what is for those who look after it.
      elsewhere.add(environment);
      told.push(toldOf({ severity, path: '', message: `environment "${environment}" has an error: see its status` }));
    }
  }
  return told;
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf('/')));
}

function toldOf({
  severity,
  path,
  message,
  suggestion,
}: {
  readonly severity: 'error' | 'warning';
  readonly path: string;
  readonly message: string;
  readonly suggestion?: string | undefined;
}): ToldDiagnostic {
  return {
    severity,
    ...(path === '' ? {} : { path: plainLine(path, longestPath) }),
    message: plainLine(message, longestMessage),
    ...(suggestion === undefined ? {} : { suggestion: plainLine(suggestion, longestKey) }),
  };
}

function bounded(all: readonly ToldDiagnostic[]): readonly ToldDiagnostic[] {
  if (all.length <= mostDiagnostics) return all;
  const told = all.slice(0, mostDiagnostics - 1);
  const severity = all[told.length]?.severity ?? 'error';
  return [...told, { severity, message: `${all.length - told.length} more are not shown` }];
}

/** The way from the document by imports back to itself, named whole: each of its parts sees only the next one. */
function cycleOf(root: EscDocument, documents: CheckInput['documents']): readonly ToldDiagnostic[] {
  const way = wayBack(root, documents);
  if (way === undefined) return [];
  return [toldOf({ severity: 'error', path: 'imports', message: `cyclic import: ${way.join(' → ')}` })];
}

/** Breadth first, so that the shortest one is named. */
function wayBack(root: EscDocument, documents: CheckInput['documents']): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [root];
  for (const document of queue) {
    for (const { target } of document.imports) {
      if (target === root.name) return wayTo(document.name, root.name, cameFrom);
      const next = documents.get(target);
      if (next === undefined || 'error' in next || cameFrom.has(target)) continue;
      cameFrom.set(target, document.name);
      queue.push(next);
    }
  }
  return undefined;
}

function wayTo(last: string, root: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [root];
  for (let at: string | undefined = last; at !== undefined && at !== root; at = cameFrom.get(at)) way.unshift(at);
  return [root, ...way];
}

function keysOf(value: EscValue | undefined): readonly ToldKey[] {
  return [...(value?.members ?? [])].slice(0, mostKeys).map(([name, member]) => ({
    name: plainLine(name, longestKey),
    type: typeOf(member),
    secret: member.inside.secret,
  }));
}

function typeOf({ data }: EscValue): string {
  return data.kind === 'unknown' ? typeOfSchema(data.schema) : data.kind;
}

function typeOfSchema(schema: Schema): string {
  return typeof schema === 'object' && schema.type !== undefined ? schema.type : 'any';
}
