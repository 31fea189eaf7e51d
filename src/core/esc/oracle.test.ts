// Documents that the reference evaluator answered (test/oracle/esc), replayed. What differs deliberately is named here.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { open as openOfCases } from '../../../test/conformance/esc/providers.ts';
import { readDocument } from './declare.ts';
import { opened, problems, shown } from './evaluation.fixture.ts';
import { plainJson } from './export.ts';
import type { Opening } from './openings.ts';
import { recordSchema, type Schema } from './schema.ts';

const texts = z
  .array(z.string())
  .nullable()
  .transform((list) => list ?? []);

const line = z.object({
  documents: z.record(z.string(), z.string()),
  answer: z
    .object({
      values: z.unknown(),
      redacted: z.unknown(),
      checked: z.unknown(),
      errors: texts,
      warnings: texts,
      checkErrors: texts,
    })
    .nullable(),
});

function table(name: string): readonly z.infer<typeof line>[] {
  const text = readFileSync(new URL(`testdata/${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((each) => line.parse(JSON.parse(each)));
}

/** Texts of parsers are their own; so is the order in which independent problems are found. */
function comparable(list: readonly string[]): readonly string[] {
  const own = ['yaml:', 'decoding JSON string:', 'invalid schema:'];
  const texts = list.map((text) => own.find((prefix) => text.startsWith(prefix)) ?? text).sort();
  return texts.filter((text, at) => text !== 'yaml:' || texts[at - 1] !== text);
}

/** What is read below a secret unknown stays secret here. */
function forgiving(wanted: unknown, got: unknown): unknown {
  if (wanted === '[unknown]' && got === '[secret]') return wanted;
  if (Array.isArray(wanted) && Array.isArray(got)) return got.map((each: unknown, at) => forgiving(wanted[at], each));
  if (!isTable(wanted) || !isTable(got)) return got;
  return Object.fromEntries(Object.entries(got).map(([key, each]) => [key, forgiving(wanted[key], each)]));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const string: Schema = { type: 'string' };
const number: Schema = { type: 'number' };

const typed: Schema = {
  type: 'object',
  $defs: { named: recordSchema({ name: string }) },
  properties: {
    text: string,
    number,
    record: recordSchema({ foo: string, more: recordSchema({ n: number }) }),
    map: { type: 'object', additionalProperties: true },
    texts: { type: 'array', items: string },
    pair: { type: 'array', prefixItems: [string, number], items: false },
    either: { anyOf: [string, number] },
    one: { oneOf: [string, number] },
    ref: { $ref: '#/$defs/named' },
    any: true,
  },
};

/** The providers of the oracle. */
const shapes = {
  provider: (name: string) => {
    if (name === 'typed') return { inputs: typed, outputs: typed };
    if (name === 'error') return { inputs: recordSchema({ why: { type: 'string' } }), outputs: true };
    return ['test', 'secret-wrapper'].includes(name) ? { inputs: true, outputs: true } : undefined;
  },
  rotator: () => undefined,
};

/** `typed` gives back its inputs, as `test` does. */
const open = (opening: Opening) =>
  openOfCases(opening.provider === 'typed' ? { ...opening, provider: 'test' } : opening);

function answerOf(documents: Readonly<Record<string, string>>, wanted: z.infer<typeof line>['answer']) {
  const root = readDocument('env', documents['env'] ?? '');
  const evaluated = opened(root, documents, 'open', { shapes, open });
  const check = opened(root, documents, 'check', { shapes, open });
  const redacted = (evaluation: typeof evaluated) =>
    evaluation.value === undefined ? null : plainJson(evaluation.value, { redact: true });
  const errors = (evaluation: typeof evaluated) => comparable(problems(evaluation).filter((text) => !isWarning(text)));
  return {
    values: shown(evaluated),
    redacted: forgiving(wanted?.redacted, redacted(evaluated)),
    checked: forgiving(wanted?.checked, redacted(check)),
    errors: errors(evaluated),
    warnings: comparable(problems(evaluated).filter(isWarning)),
    checkErrors: errors(check),
  };
}

function isWarning(text: string): boolean {
  return text.startsWith('warning: ');
}

/**
 * A reference into what overrides a final value sees the final value here, as the result does; in the reference evaluator
 * it sees what was written and is not in the result.
 */
const intoOverridden: Readonly<Record<string, readonly number[]>> = {
  written: [114],
  random: [71, 512, 530, 751, 773],
};

describe.each(['written', 'random'])('%s documents', (name) => {
  const lines = table(name).map((each, at) => ({
    at,
    ...each,
    isDeliberate: intoOverridden[name]?.includes(at) === true,
  }));

  it('were answered', () => {
    expect(lines.filter(({ answer }) => answer === null).length).toBeLessThan(lines.length / 50);
  });

  it.each(lines.filter(({ answer }) => answer !== null))(
    '$at: $documents.env',
    ({ documents, answer, isDeliberate }) => {
      const ours = answerOf(documents, answer);
      const wanted = {
        values: answer?.values ?? null,
        redacted: answer?.redacted ?? null,
        checked: answer?.checked ?? null,
        errors: comparable(answer?.errors ?? []),
        warnings: comparable((answer?.warnings ?? []).map((text) => `warning: ${text}`)),
        checkErrors: comparable(answer?.checkErrors ?? []),
      };
      if (isDeliberate) expect(ours).not.toEqual(wanted);
      else expect(ours).toEqual(wanted);
    },
  );
});
