// The log: JSON lines by pino. Messages are constants, facts are fields. Errors pass a serializer that allows known
// fields (reason, message, code, stack) rather than hiding bad ones, so a foreign error cannot carry a body or a header out.
import { pino } from 'pino';
import { OperatorError } from '../base/operator-error.ts';

/** The fixed names of facts in a log line. */
export interface LogFields {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly generation?: number;
  readonly store?: string;
  readonly provider?: string;
  readonly reason?: string;
  readonly attempt?: number;
  readonly durationMs?: number;
  readonly count?: number;
  readonly keys?: readonly string[];
  readonly detail?: string;
  readonly err?: unknown;
}

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Writes to stdout; `level` is a pino level name. */
export function createLogger(level: string, format: 'json' | 'text' = 'json'): Logger {
  const stdout = pino.destination({ dest: 1, sync: true });
  const destination = format === 'json' ? stdout : { write: (line: string) => void stdout.write(textLine(line)) };
  return pino({ level, base: null, serializers: { err: serializeError } }, destination);
}

/** A JSON line as people read it: `2026-05-01T12:00:00.000Z INFO  message key=value`. What holds spaces is quoted. */
export function textLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>; // pino wrote it
  const at = new Date(Number(time)).toISOString();
  const name = (pino.levels.labels[Number(level)] ?? '').toUpperCase().padEnd(5);
  const facts = Object.entries(fields).map(([key, value]) => ` ${key}=${textOf(value)}`);
  return `${at} ${name} ${String(msg)}${facts.join('')}\n`;
}

function textOf(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@-]+$/.test(value)) return value;
  return JSON.stringify(value) ?? '';
}

interface SafeError {
  readonly type: string;
  readonly reason?: string;
  readonly message?: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: SafeError;
}

/** How many causes deep a log line goes. */
const deepestCause = 4;

/** Known fields of an error. The message of a foreign error may quote its input, so only OperatorErrors show theirs. */
export function serializeError(thrown: unknown, depth = 0): SafeError {
  if (!(thrown instanceof Error)) return { type: typeof thrown };
  // By class: subclasses have names of their own, and errors of OpenSSL and of JWT libraries have a `reason` too, with
  // messages that nobody here has written.
  const reason = thrown instanceof OperatorError ? thrown.reason : undefined;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  return {
    type: thrown.name,
    ...(reason === undefined ? {} : { reason, message: thrown.message }),
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined || reason === 'Internal' ? { stack: frames(thrown) } : {}),
    ...(thrown.cause === undefined || depth >= deepestCause ? {} : { cause: serializeError(thrown.cause, depth + 1) }),
  };
}

/** The stack behind the message that it repeats. A message that was changed since is not found, and nothing is shown. */
function frames({ message, stack = '' }: Error): string {
  const at = stack.indexOf(message);
  if (at < 0) return '';
  return stack
    .slice(at + message.length)
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');
}
