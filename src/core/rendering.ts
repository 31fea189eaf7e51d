// One template text of an ExternalSecret, rendered: compiled once and kept for a while, paid from the budget of the
// reconcile, its failures told by place and without values. What a spec makes of the results is target-template.ts's.
import { createCipheriv } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { OperatorError } from '../base/operator-error.ts';
import type { Budget } from './budget.ts';
import { nearest } from './esc/nearest.ts';
import { TemplateError } from './template/errors.ts';
import { Budget as Account, defaultLimits, TemplateLimit, type TemplateLimits } from './template/limits.ts';
import { type CompileOptions, compileTemplate, type Template } from './template/template.ts';
import { textOf } from './template/text.ts';
import type { Dict } from './template/values.ts';

export interface TemplateSource extends CompileOptions {
  /** Where it stands, for messages: `spec.target.template.data["url"]`. */
  readonly at: string;
  readonly text: string;
  /** The text came from a Secret: messages name places in it and quote nothing. */
  readonly isSecret?: boolean;
  /**
   * What a text draws is not needed, as something drawn earlier stays: such a text is compiled, and gives nothing. Its
   * certificates have no end then (Infinity).
   */
  readonly isDrawnKept?: boolean;
}

export interface RenderContext {
  readonly budget: Budget;
  readonly nowMs: number;
  readonly randomBytes: (size: number) => Uint8Array;
}

export interface RenderedText {
  readonly bytes: Buffer;
  /** The text uses random bytes or the clock. */
  readonly isVolatile: boolean;
  /** Shortest life of the certificates that the text makes; undefined when it makes none. */
  readonly certificateLifeMs?: number;
}

/** Bytes without a pattern and without an end that follow from the seed, 32 bytes, so that a job stays a pure function. */
export function randomFrom(seed: Uint8Array): RenderContext['randomBytes'] {
  const cipher = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16));
  return (size) => cipher.update(Buffer.alloc(size));
}

/** Compiling looks at each character a few times. */
const unitsPerCharacter = 10;
/** A step of a render takes about half a microsecond. */
const unitsPerStep = 50;
/** A new key or a password hash takes up to 200 ms: never where the object runs. */
const unitsPerKeyOperation = 10_000_000;

/** Throws InvalidTemplate naming template, line, column and the nearest key; TooMuchWork. */
export function renderText(source: TemplateSource, data: Dict, context: RenderContext): RenderedText {
  const { budget, nowMs, randomBytes } = context;
  const limits = limitsWithin(budget);
  const account = new Account(limits);
  try {
    budget.spend(source.text.length * unitsPerCharacter);
    const template = compiled(source);
    const { isVolatile, makesCertificates } = template;
    if (isVolatile && source.isDrawnKept === true)
      return {
        bytes: Buffer.alloc(0),
        isVolatile,
        ...lifeOf(makesCertificates ? Number.POSITIVE_INFINITY : undefined),
      };
    const bytes = template.execute(data, { account, nowMs, randomBytes });
    budget.spend(account.steps * unitsPerStep + account.keyOperations * unitsPerKeyOperation);
    budget.produce(bytes.length);
    return { bytes, isVolatile, ...lifeOf(account.certificateLifeMs) };
  } catch (thrown) {
    throw translated(thrown, source, data, { budget, limits });
  }
}

function lifeOf(certificateLifeMs: number | undefined): Pick<RenderedText, 'certificateLifeMs'> {
  return certificateLifeMs === undefined ? {} : { certificateLifeMs };
}

/** Does what a template's work needs outside of one, such as reading what it wrote, within the same bounds. Throws TooMuchWork. */
export function withAccount<T>(budget: Budget, work: (account: Account) => T): T {
  const limits = limitsWithin(budget);
  const account = new Account(limits);
  try {
    const made = work(account);
    budget.spend(account.steps * unitsPerStep);
    return made;
  } catch (thrown) {
    throw thrown instanceof TemplateLimit ? limitError(thrown, 'the rendered text', { budget, limits }) : thrown;
  }
}

function limitsWithin({ left }: Budget): TemplateLimits {
  return {
    ...defaultLimits,
    maxSteps: Math.min(defaultLimits.maxSteps, Math.floor(left.work / unitsPerStep)),
    maxOutputBytes: Math.min(defaultLimits.maxOutputBytes, left.produced),
    maxValueBytes: Math.min(defaultLimits.maxValueBytes, left.held),
    maxKeyOperations: Math.min(defaultLimits.maxKeyOperations, Math.floor(left.work / unitsPerKeyOperation)),
  };
}

interface Spending {
  readonly budget: Budget;
  readonly limits: TemplateLimits;
}

function translated(thrown: unknown, source: TemplateSource, data: Dict, { budget, limits }: Spending): unknown {
  if (thrown instanceof OperatorError) return thrown.within(source.at);
  if (thrown instanceof TemplateError)
    return new OperatorError('InvalidTemplate', `${source.at}: ${told(thrown, source, data)}`);
  return thrown instanceof TemplateLimit ? limitError(thrown, source.at, { budget, limits }) : thrown;
}

function limitError({ message }: TemplateLimit, at: string, { budget, limits }: Spending): OperatorError {
  const isOwnBound = (Object.keys(defaultLimits) as (keyof TemplateLimits)[]) // the keys of a TemplateLimits
    .every((name) => limits[name] === defaultLimits[name]);
  if (isOwnBound) return new OperatorError('TooMuchWork', `${at}: ${message}`);
  return overspent(budget, at);
}

/** The share that was left was too small: says so to whoever may try again with more. */
function overspent(budget: Budget, at: string): OperatorError {
  try {
    budget.spend(budget.left.work + 1);
  } catch (thrown) {
    if (thrown instanceof OperatorError) return thrown.within(at);
    throw thrown;
  }
  throw new OperatorError('Internal', 'a budget that was overspent did not say so');
}

const namedKeys = 10;

function told(error: TemplateError, { isSecret }: TemplateSource, data: Dict): string {
  const { message, stage, place, missingKey } = error;
  if (isSecret === true) {
    const column = place?.column === undefined ? '' : `, column ${place.column}`;
    return `${stage === 'parse' ? 'does not parse' : 'fails'}${place === undefined ? '' : ` at line ${place.line}${column}`}`;
  }
  // The keys of the data are names; those of a map inside a value are part of the value.
  const keys = data.sortedKeys().map(textOf);
  if (missingKey === undefined || !isDeepStrictEqual(missingKey.known, keys)) return message;
  const { sorted, suggestion } = nearest(missingKey.key, keys);
  if (sorted.length === 0) return `${message}: there are no keys`;
  const named = sorted.slice(0, namedKeys).map(shown).join(', ');
  const rest = sorted.length > namedKeys ? ` and ${sorted.length - namedKeys} more` : '';
  const meant = suggestion === undefined ? '' : `did you mean ${shown(suggestion)}? `;
  return `${message}: ${meant}the keys are ${named}${rest}`;
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 60));
}

/** Compiled templates by all that they depend on; forgotten all at once, as they are quickly made again. */
const known = new Map<string, Template>();
const mostCharacters = 2 ** 20;
let characters = 0;

/** Empties that: for tests of what a text costs that nobody has used yet. */
export function forgetTemplates(): void {
  known.clear();
  characters = 0;
}

function compiled({ text, name, delimiters, missingKey }: TemplateSource): Template {
  const id = JSON.stringify([name, delimiters, missingKey, text]);
  const made = known.get(id);
  if (made !== undefined) return made;
  const template = compileTemplate(text, {
    name,
    ...(delimiters === undefined ? {} : { delimiters }),
    ...(missingKey === undefined ? {} : { missingKey }),
  });
  if (characters + id.length > mostCharacters) {
    known.clear();
    characters = 0;
  }
  if (id.length <= mostCharacters) {
    known.set(id, template);
    characters += id.length;
  }
  return template;
}
