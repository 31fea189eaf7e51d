// An evaluated environment of Pulumi Cloud with what a person wants to see beside the values: which are secret, what is wrong
// and where.
import * as z from 'zod/mini';
import { isRecord } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { plainLine } from '../../base/plain-line.ts';
import type { Diagnostic } from '../../core/esc/diagnostics.ts';
import {
  arrayValue,
  booleanValue,
  type EscValue,
  nullValue,
  numberValue,
  objectValue,
  textValue,
  unknownValue,
} from '../../core/esc/value.ts';
import { deepest, NumberText, notTheApi } from './wire.ts';

export interface Evaluated {
  readonly value: EscValue | undefined;
  /** An environment is '' where the service names none. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The values of an answer; undefined when it has none. Throws UpstreamInvalid. */
export function valueOfAnswer(json: unknown): EscValue | undefined {
  const properties = isRecord(json) ? json['properties'] : undefined;
  if (properties === undefined || properties === null) return undefined;
  return membersOf(properties, 1, false);
}

function membersOf(members: unknown, depth: number, secret: boolean): EscValue {
  if (!isRecord(members)) throw notTheApi('an evaluated environment');
  const read = Object.entries(members).map(([name, each]) => [name.toWellFormed(), readValue(each, depth)] as const);
  return objectValue(read, { secret });
}

function readValue(wire: unknown, depth: number): EscValue {
  if (depth > deepest) throw new OperatorError('AnswerTooLarge', `the environment nests deeper than ${deepest} levels`);
  if (!isRecord(wire)) throw notTheApi('a value with its members');
  const flags = { secret: wire['secret'] === true };
  if (wire['unknown'] === true) return unknownValue(flags);
  const { value } = wire;
  if (value === undefined || value === null) return nullValue.with(flags);
  if (typeof value === 'string') return textValue(value, flags);
  if (typeof value === 'boolean') return booleanValue(value, flags);
  if (value instanceof NumberText) return numberValue(value.text, flags);
  if (Array.isArray(value)) {
    return arrayValue(
      value.map((each: unknown) => readValue(each, depth + 1)),
      flags,
    );
  }
  return membersOf(value, depth + 1, flags.secret);
}

const numberText = z.pipe(
  z.instanceof(NumberText),
  z.transform(({ text }: NumberText) => Number(text)),
);
const position = z.object({ line: numberText, column: numberText, byte: numberText });

const diagnosticSchema = z.object({
  severity: z.nullish(z.string()),
  summary: z.nullish(z.string()),
  path: z.nullish(z.string()),
  range: z.nullish(z.object({ environment: z.nullish(z.string()), begin: position, end: position })),
});

const longestSummary = 500;

/** What the service says of the document; none where it says nothing. */
export function diagnosticsOfAnswer(json: unknown): readonly Diagnostic[] {
  const listed = isRecord(json) ? json['diagnostics'] : undefined;
  const parsed = z.array(diagnosticSchema).safeParse(isRecord(listed) ? listed['diagnostics'] : listed);
  return (parsed.data ?? []).map(({ severity, summary, path, range }) => ({
    severity: /^warning$/i.test(severity ?? '') ? 'warning' : 'error',
    summary: plainLine(summary ?? 'the evaluation failed', longestSummary),
    path: plainLine(path ?? '', longestSummary),
    environment: plainLine(range?.environment ?? '', longestSummary),
    ...(range && {
      range: {
        begin: { ...range.begin, offset: range.begin.byte },
        end: { ...range.end, offset: range.end.byte },
      },
    }),
  }));
}
