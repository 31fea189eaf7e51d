// Turns a refusal of the API server into an OperatorError. The server's words help the user, but for Secrets they may
// quote values (validation and admission messages do): there only names, fields and reasons of the answer are kept.
import { isRecord } from '../base/json.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { Reason } from '../base/reasons.ts';

/** An OperatorError that still knows the HTTP status, for code in this room that must tell 410 from 404. */
export class ApiError extends OperatorError {
  readonly status: number;

  constructor(reason: Reason, message: string, details: { readonly status: number; readonly retryAfterMs?: number }) {
    super(reason, message, details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs });
    this.name = 'ApiError';
    this.status = details.status;
  }
}

/** Whether the list or watch must begin anew: its resourceVersion or continue token is too old (410). */
export function isExpired(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.status === 410;
}

/** What was asked of the API server, for messages. */
export interface Attempt {
  /** As in RBAC: get, list, watch, create, update, patch, delete. */
  readonly verb: string;
  readonly plural: string;
  /** `namespace/name`, when one object was meant. */
  readonly key?: string;
}

/** A refusal as it came: HTTP status and the body's text (a Status object, or anything a proxy may say). */
export interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs?: number;
}

interface StatusBody {
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly { readonly field: string; readonly reason: string }[];
}

/** Longest piece of the server's message that is passed on. */
const messageMaxLength = 512;
/** Causes that are named; a Secret with hundreds of bad keys would else fill the condition. */
const causesMax = 5;

/**
 * The error for a refused call. Source of the format: meta/v1 Status,
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export function refusalError(attempt: Attempt, refusal: Refusal): ApiError {
  const status = readStatus(refusal.body);
  const reason = reasonOf(attempt, refusal.status, status);
  const subject = attempt.key === undefined ? attempt.plural : `${attempt.plural} "${attempt.key}"`;
  const message = `${attempt.verb} ${subject}: ${describe(attempt, refusal.status, status)}`;
  const { retryAfterMs } = refusal;
  return new ApiError(reason, message, {
    status: refusal.status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function reasonOf({ verb }: Attempt, code: number, status: StatusBody): Reason {
  if (code === 401) return 'ApiDenied';
  if (code === 403) return isRefusedObject(verb, status) ? 'TargetRejected' : 'ApiDenied';
  if (code === 404) return 'ReferenceNotFound';
  if (code === 409) return 'Conflict';
  if (code === 413 || status.causes.some((cause) => cause.reason === 'FieldValueTooLong')) return 'TargetTooLarge';
  if (code === 408 || code === 410 || code === 429 || code >= 500 || code < 400) return 'ApiUnavailable';
  return 'TargetRejected';
}

const writeVerbs: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

/** A 403 on a write is either missing RBAC, which the server says in fixed words, or admission refusing this object. */
function isRefusedObject(verb: string, status: StatusBody): boolean {
  return writeVerbs.has(verb) && status.message !== '' && missingRight(status.message) === undefined;
}

function describe({ plural }: Attempt, code: number, status: StatusBody): string {
  if (code === 409) return status.reason === 'AlreadyExists' ? 'it exists already' : 'it has changed since it was read';
  const right = missingRight(status.message);
  if (right !== undefined) return right;
  const headline = status.reason === '' ? `HTTP ${code}` : status.reason;
  // A policy of admission gives causes with a message and nothing else, which may quote.
  const named = status.causes.map(({ field, reason }) => `${field} ${reason}`.trim()).filter((text) => text !== '');
  const fields = named.slice(0, causesMax);
  const more = named.length > causesMax ? [`and ${named.length - causesMax} more`] : [];
  const words = plural === 'secrets' ? quoteFree(status.message) : status.message.slice(0, messageMaxLength);
  const detail = plural === 'secrets' && fields.length > 0 ? [...fields, ...more].join(', ') : words;
  return detail === '' ? headline : `${headline}: ${detail}`;
}

/** `User "u" cannot update resource "secrets" in API group "" in the namespace "n"`, rebuilt from its parts. */
function missingRight(message: string): string | undefined {
  const found = /User "([^"]{0,253})" cannot ([a-z*]{1,32}) (?:resource|path) "([^"]{0,253})"(.{0,300})/.exec(message);
  if (found === null) return undefined;
  const place = /in the namespace "([^"]{1,63})"/.exec(found[4] ?? '');
  const where = place === null ? 'at the cluster scope' : `in the namespace "${place[1]}"`;
  return `User "${found[1]}" cannot ${found[2]} "${found[3]}" ${where}`;
}

/** The part of a message about a Secret that cannot hold a value: who refused it, never what was said about it. */
function quoteFree(message: string): string {
  const webhook = /admission webhook "([\w.-]{1,253})" denied/.exec(message);
  if (webhook !== null) return `admission webhook "${webhook[1]}" denied the request`;
  const policy = /ValidatingAdmissionPolicy '([\w.-]{1,253})'/.exec(message);
  if (policy !== null) return `ValidatingAdmissionPolicy "${policy[1]}" denied the request`;
  if (message.includes('exceeded quota')) return 'the quota of the namespace is used up';
  if (message.includes('because it is being terminated')) return 'the namespace is being deleted';
  if (message.includes('field is immutable')) return 'the Secret is immutable';
  const missing = /(namespaces|secrets) "([\w.-]{1,253})" not found/.exec(message);
  return missing === null ? '' : `${missing[1]} "${missing[2]}" not found`;
}

function readStatus(body: string): StatusBody {
  const parsed = parseObject(body);
  if (parsed === undefined || parsed['kind'] !== 'Status') return { reason: '', message: '', causes: [] };
  return { reason: textOf(parsed['reason']), message: textOf(parsed['message']), causes: causesOf(parsed['details']) };
}

function causesOf(details: unknown): StatusBody['causes'] {
  const causes = isRecord(details) ? details['causes'] : undefined;
  if (!Array.isArray(causes)) return [];
  return causes.filter(isRecord).map((cause) => ({ field: textOf(cause['field']), reason: textOf(cause['reason']) }));
}

function parseObject(body: string): Record<string, unknown> | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined; // cut off by the size limit, or a proxy's answer: the status code says enough
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
