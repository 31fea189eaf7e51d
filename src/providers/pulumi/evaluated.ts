// An evaluated environment of Pulumi Cloud with what a person wants to see beside the values: which are secret, what is wrong
// and where.
import * as z from 'zod/mini';
import { isRecord } from '../../base/json.ts';
import { plainLine } from '../../base/plain-line.ts';
import { type OwnTurn, ownTurn } from '../../base/turns.ts';
import type { Diagnostic } from '../../core/esc/diagnostics.ts';
import {
  arrayValue,
  booleanValue,
  EscValue,
  nullValue,
  numberValue,
  textValue,
  unknownValue,
} from '../../core/esc/value.ts';
import { readValueTree, type TreeMaker } from './value-tree.ts';
import { NumberText, notTheApi } from './wire.ts';

export interface Evaluated {
  readonly value: EscValue | undefined;
  /** An environment is '' where the service names none. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The values of an answer; undefined when it has none. Throws UpstreamInvalid. */
export async function valueOfAnswer(json: unknown, turn: OwnTurn = ownTurn): Promise<EscValue | undefined> {
  const properties = isRecord(json) ? json['properties'] : undefined;
  if (properties === undefined || properties === null) return undefined;
  if (!isRecord(properties)) throw notTheApi('an evaluated environment');
  return new EscValue({ kind: 'object', own: await readValueTree(properties, flaggedValues, turn) });
}

const flaggedValues: TreeMaker<EscValue> = {
  leaf(wire) {
    const flags = flagsOf(wire);
    if (wire['unknown'] === true) return unknownValue(flags);
    const { value } = wire;
    if (value === undefined || value === null) return nullValue.with(flags);
    if (typeof value === 'string') return textValue(value, flags);
    if (typeof value === 'boolean') return booleanValue(value, flags);
    return value instanceof NumberText ? numberValue(value.text, flags) : undefined;
  },
  list: (items, wire) => arrayValue(items, flagsOf(wire)),
  object: (own, wire) => new EscValue({ kind: 'object', own }, flagsOf(wire)),
};

function flagsOf(wire: Readonly<Record<string, unknown>>) {
  return { secret: wire['secret'] === true };
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
