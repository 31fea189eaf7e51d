// Generator Webhook without its I/O: the call that a spec and its Secrets make, and the values that an answer holds.
// Field reference: https://external-secrets.io/latest/api/generator/webhook/
import { OperatorError } from '../../base/operator-error.ts';
import type { WebhookSpec } from '../../crds/generators/webhook.ts';
import type { Budget } from '../budget.ts';
import { parseGoDuration } from '../go-duration.ts';
import { type JsonValue, parseJson, valueText } from '../json-value.ts';
import { type RenderContext, renderText } from '../rendering.ts';
import type { SecretValue } from '../secret-value.ts';
import { queryEscape } from '../template/functions/builtin.ts';
import { bytesOf, bytesOfBuffer, textOf } from '../template/text.ts';
import { Dict } from '../template/values.ts';

/** What is sent; it may hold secret text anywhere but in scheme and host of the URL. */
export interface WebhookCall {
  readonly method: WebhookMethod;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number;
}

/** A call on its way out. */
export interface OutgoingCall extends WebhookCall {
  /** Namespace in whose name it is made: what fails there is no other's failure. */
  readonly namespace: string;
  /** Of the manifest, in base64; wins over `caPem`. */
  readonly caBundle: string | undefined;
  readonly caPem: string | undefined;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The way out: hosts, addresses, certificates, sizes and times are judged behind it. */
export type SendWebhook = (call: OutgoingCall, signal: AbortSignal) => Promise<WebhookAnswer>;

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type WebhookMethod = (typeof methods)[number];

/** The keys and values of each Secret, by its name in templates. */
export type WebhookSecrets = ReadonlyMap<string, ReadonlyMap<string, SecretValue>>;

/** A call is part of a reconcile, which others wait for. */
const longestTimeoutMs = 30_000;
const mostHeaders = 64;

/** Headers of the connection itself: whoever sends the request sets them. */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** A name as RFC 9110 has it (https://www.rfc-editor.org/rfc/rfc9110#name-field-names). */
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Throws InvalidSpec, InvalidTemplate, TooMuchWork; no message holds a value of a Secret. */
export function webhookCall(spec: WebhookSpec, secrets: WebhookSecrets, context: RenderContext): WebhookCall {
  refuseHiddenHost(spec.url);
  const escaped = rootOf(secrets, context, {
    take: (value) => queryEscape(bytesOfBuffer(value.reveal())),
    unitsPerByte: 20,
  });
  const plain = rootOf(secrets, context, { take: (value) => bytesOfBuffer(value.reveal()), unitsPerByte: 1 });
  const render = (at: string, text: string, root: Dict) => rendered(at, text, root, context);
  const url = render('spec.url', spec.url, escaped);
  if (!URL.canParse(url) || new URL(url).origin !== originOf(spec.url))
    throw new OperatorError('InvalidSpec', 'spec.url: what the template makes is not a URL of that host');
  return {
    method: methodOf(spec.method),
    url,
    headers: headersOf(spec, (at, text) => render(at, text, plain)),
    body: spec.body === undefined || spec.body === '' ? undefined : render('spec.body', spec.body, plain),
    timeoutMs: timeoutOf(spec.timeout),
  };
}

/** Hosts stand in messages and metrics: no part of one may come from a Secret. */
function refuseHiddenHost(url: string): void {
  if (originOf(url) !== undefined) return;
  throw new OperatorError(
    'InvalidSpec',
    'spec.url: write scheme and host as they are, such as https://host/path: templates may make what follows',
  );
}

/** Scheme, host and port as they are written before the first template; undefined when there are none. */
function originOf(url: string): string | undefined {
  const [written] = /^https?:\/\/[^/?#{}\s]+(?=[/?#]|$)/i.exec(url) ?? [];
  return URL.parse(written ?? '')?.origin;
}

function methodOf(text: string | undefined): WebhookMethod {
  const wanted = text === undefined || text === '' ? 'GET' : text;
  const found = methods.find((method) => method === wanted);
  if (found !== undefined) return found;
  throw new OperatorError('InvalidSpec', `spec.method: use one of ${methods.join(', ')}`);
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined || text === '') return longestTimeoutMs;
  const ms = parseGoDuration(text);
  return ms <= 0 ? longestTimeoutMs : Math.min(ms, longestTimeoutMs);
}

function headersOf(
  { headers: wanted = {} }: WebhookSpec,
  render: (at: string, text: string) => string,
): Readonly<Record<string, string>> {
  const names = Object.keys(wanted);
  if (names.length > mostHeaders)
    throw new OperatorError('InvalidSpec', `spec.headers: at most ${mostHeaders} headers are sent`);
  const wrong = names.find((name) => !headerName.test(name));
  if (wrong !== undefined)
    throw new OperatorError(
      'InvalidSpec',
      `spec.headers: ${JSON.stringify(wrong.slice(0, 60))} is no name of a header`,
    );
  const kept = Object.entries(wanted).filter(([name]) => !ownHeaders.has(name.toLowerCase()));
  return Object.fromEntries(kept.map(([name, text]) => [name, render(`spec.headers["${name}"]`, text)]));
}

/** What Go's templates print for what is not there. */
const noValue = '<no value>';

function rendered(at: string, text: string, root: Dict, context: RenderContext): string {
  if (!text.includes('{{')) return text;
  const source = { at, name: 'webhooktemplate', text, missingKey: 'print' } as const;
  const result = renderText(source, root, context).bytes.toString('utf8');
  if (!result.includes(noValue) || text.includes(noValue)) return result;
  const known = root.sortedKeys().map((name) => JSON.stringify(textOf(name).slice(0, 60)));
  const names = known.length === 0 ? 'spec.secrets names none' : `spec.secrets names ${known.join(', ')}`;
  throw new OperatorError('InvalidTemplate', `${at}: it uses a Secret or a key that is not there: ${names}`);
}

interface Taking {
  readonly take: (value: SecretValue) => string;
  /** What a byte of it costs. */
  readonly unitsPerByte: number;
}

function rootOf(secrets: WebhookSecrets, { budget }: RenderContext, { take, unitsPerByte }: Taking): Dict {
  const root = new Dict();
  for (const [name, values] of secrets) {
    const entries = new Map<string, string>();
    for (const [key, value] of values) {
      budget.spend(value.length * unitsPerByte);
      budget.hold(value.length);
      entries.set(bytesOf(key), take(value));
    }
    root.entries.set(bytesOf(name), new Dict(entries, 'string'));
  }
  return root;
}

/** Reading JSON costs about this for each character, and its values hold up to so many bytes. */
const unitsPerCharacter = 3;
const bytesPerCharacter = 16;

/**
 * The members of the object that the answer holds at `spec.result.jsonPath`, as text. A string there is read as JSON once
 * more, as in ESO. Throws InvalidValue, PropertyNotFound, InvalidSpec, TooMuchWork.
 */
export function webhookValues(
  jsonPath: string | undefined,
  answer: string,
  budget: Budget,
): ReadonlyMap<string, string> {
  budget.spend(answer.length * unitsPerCharacter);
  budget.hold(answer.length * bytesPerCharacter);
  const whole = readJson(answer, 'the answer');
  const found = jsonPath === undefined || jsonPath === '' ? whole : valueAt(whole, jsonPath);
  const value = typeof found === 'string' ? readJson(found, 'the text in the answer') : found;
  if (!(value instanceof Map)) throw new OperatorError('InvalidValue', `${where(jsonPath)} is no JSON object`);
  budget.produce(answer.length);
  return new Map([...(value as ReadonlyMap<string, JsonValue>)].map(([key, member]) => [key, valueText(member)]));
}

function readJson(text: string, what: string): JsonValue {
  try {
    return parseJson(text);
  } catch (thrown) {
    if (thrown instanceof OperatorError) throw thrown.within(what);
    throw thrown;
  }
}

function where(jsonPath: string | undefined): string {
  return jsonPath === undefined || jsonPath === '' ? 'the answer' : 'what spec.result.jsonPath leads to';
}

/** One step: `.name`, `["name"]`, `['name']` or `[0]`. */
const stepPattern = /\.([\p{L}_][\p{L}\p{N}_-]*)|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]|\[(\d{1,9})\]/uy;

/** Paths of names and indexes lead to one object; all other JSONPath gives lists, which hold no keys. */
function valueAt(root: JsonValue, jsonPath: string): JsonValue {
  let value = root;
  let at = 1;
  if (!jsonPath.startsWith('$')) throw badPath('it must begin with $');
  while (at < jsonPath.length) {
    stepPattern.lastIndex = at;
    const step = stepPattern.exec(jsonPath);
    if (step === null) throw badPath(`a name or an index is expected at character ${at + 1}`);
    at = stepPattern.lastIndex;
    const [, plain, double, single, index] = step;
    value = member(value, plain ?? unescaped(double ?? single) ?? Number(index));
  }
  return value;
}

function unescaped(quoted: string | undefined): string | undefined {
  return quoted?.replaceAll(/\\(.)/gu, '$1');
}

function member(value: JsonValue, step: string | number): JsonValue {
  const found =
    value instanceof Map
      ? (value as ReadonlyMap<string, JsonValue>).get(String(step))
      : Array.isArray(value)
        ? (value as readonly JsonValue[])[Number(step)]
        : undefined;
  if (found !== undefined) return found;
  throw new OperatorError(
    'PropertyNotFound',
    `spec.result.jsonPath: the answer has no ${JSON.stringify(String(step).slice(0, 60))} there`,
  );
}

function badPath(problem: string): OperatorError {
  return new OperatorError(
    'InvalidSpec',
    `spec.result.jsonPath: ${problem}; write names and indexes, such as $.data.items[0]["the key"]`,
  );
}
