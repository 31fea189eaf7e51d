import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomDocuments } from '../../../test/oracle/esc/documents.ts';
import { readDocument } from './declare.ts';
import { opened, problems, shown } from './evaluation.fixture.ts';
import { maxDiagnostics, maxOpenings } from './limits.ts';

const evaluated = (text: string, texts: Readonly<Record<string, string>> = {}) =>
  opened(readDocument('env', text), texts);

const range = (count: number) => Array.from({ length: count }, (_, at) => at);

describe('bounds', () => {
  it.each([
    ['nesting of the text', `values: {a: ${'['.repeat(200_000)}`, /resource exhaustion|nests deeper/],
    ['nesting of nodes', `values: {a: ${'['.repeat(300)}${']'.repeat(300)}}`, /nests deeper/],
    ['length of the text', `# ${'x'.repeat(1024 * 1024)}`, /longer than/],
    ['number of nodes', `values: {a: [${range(110_000).join(',')}]}`, /more than \d+ values/],
    [
      'values that double',
      `values: {a0: [x, x], ${range(30)
        .map((at) => `a${at + 1}: {fn::concat: ["\${a${at}}", "\${a${at}}"]}`)
        .join(', ')}}`,
      /too large/,
    ],
    [
      'values that double within',
      `values: {a0: [x], ${range(40)
        .map((at) => `a${at + 1}: ["\${a${at}}", "\${a${at}}"]`)
        .join(', ')}}`,
      /too large/,
    ],
    [
      'texts that double',
      `values: {a00: xxxxxxxx, ${range(40)
        .map(
          (at) =>
            `a${String(at + 1).padStart(2, '0')}: "\${a${String(at).padStart(2, '0')}}\${a${String(at).padStart(2, '0')}}"`,
        )
        .join(', ')}}`,
      /longer than|too large/,
    ],
    [
      'values that nest',
      `values: {a000: [x], ${range(300)
        .map((at) => `a${String(at + 1).padStart(3, '0')}: ["\${a${String(at).padStart(3, '0')}}"]`)
        .join(', ')}}`,
      /nests deeper/,
    ],
    [
      'references that wait for one another',
      `values: {z: 1, ${range(2000)
        .map((at) => `a${at}: "\${a${at + 1}}"`)
        .join(', ')}, a2000: 1}`,
      /wait for one another/,
    ],
    ['JSON that nests', `values: {a: {fn::fromJSON: '${'['.repeat(100_000)}'}}`, /nests deeper/],
    [
      'a schema that refers to itself',
      'values: {a: {fn::validate: {schema: {$defs: {a: {$ref: "#/$defs/a"}}, $ref: "#/$defs/a"}, value: 1}}}',
      /refers to itself/,
    ],
    [
      'calls of providers',
      `values: {${range(maxOpenings + 1)
        .map((at) => `a${at}: {fn::open::test: {}}`)
        .join(', ')}}`,
      /calls of providers/,
    ],
    [
      'imports',
      `imports: [${range(300)
        .map((at) => `e${at}`)
        .join(', ')}]`,
      /environments are imported/,
    ],
  ])('hold for %s', (_, text, told) => {
    const evaluation = evaluated(text);
    expect(problems(evaluation).join('\n')).toMatch(told);
    expect(evaluation.value).toBeUndefined();
  });

  it('hold for the number of diagnostics', () => {
    const { diagnostics } = evaluated(
      `values: {a: [${range(2 * maxDiagnostics)
        .map(() => '"${nope}"')
        .join(', ')}]}`,
    );
    expect(diagnostics).toHaveLength(maxDiagnostics + 1);
    expect(diagnostics.at(-1)?.summary).toBe(`${maxDiagnostics} more problems are not shown`);
  });

  it('leave room for documents of an ordinary size', () => {
    const chain = range(150).map((at) => `a${at}: "\${a${at + 1}}"`);
    const evaluation = evaluated(`values: {${chain.join(', ')}, a150: 1, l: [${range(5000).join(', ')}]}`);
    expect(problems(evaluation)).toEqual([]);
  });

  it('let a chain of calls that feed one another be opened in rounds', () => {
    const rounds: number[] = [];
    const chain = range(10).map((at) => `a${at}: {fn::open::test: {x: "\${a${at + 1}.x}"}}`);
    const root = readDocument('env', `values: {${chain.join(', ')}, a10: {x: 1}}`);
    const evaluation = opened(root, {}, 'open', { onRound: (openings) => rounds.push(openings.length) });
    expect(shown(evaluation)).toMatchObject({ a0: { x: 1 } });
    expect(rounds).toEqual(range(10).map(() => 1));
  });

  it('let calls that do not need one another be opened at once', () => {
    const rounds: number[] = [];
    const calls = range(10).map((at) => `a${at}: {fn::open::test: {x: ${at}}}`);
    const root = readDocument('env', `values: {${calls.join(', ')}, r: "\${a1.x}\${a2.x}"}`);
    opened(root, {}, 'open', { onRound: (openings) => rounds.push(openings.length) });
    expect(rounds).toEqual([10]);
  });
});

const canary = 'canary-4711';

describe('any document', () => {
  it('ends, and evaluates the same twice', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const documents of randomDocuments(seed, 3)) {
          const first = evaluated(documents['env'] ?? '', documents);
          const second = evaluated(documents['env'] ?? '', documents);
          expect([shown(second), second.diagnostics]).toEqual([shown(first), first.diagnostics]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('shows no secret in its diagnostics', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const documents of randomDocuments(seed, 3)) {
          const texts = Object.fromEntries(
            Object.entries(documents).map(([name, text]) => [
              name,
              text.replaceAll(/fn::secret: (hush|"[^}]*")/g, `fn::secret: ${canary}`),
            ]),
          );
          for (const mode of ['open', 'check'] as const) {
            const { diagnostics } = opened(readDocument('env', texts['env'] ?? ''), texts, mode);
            expect(JSON.stringify(diagnostics)).not.toContain(canary);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('of any characters is read without a fault', () => {
    const fragments = fc.constantFrom(
      'values:',
      'imports:',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      ': ',
      ', ',
      '${',
      '}',
      '$$',
      'fn::',
      'fn::secret',
      'a',
      '.',
      '[0]',
      '["',
      '"]',
      '&x',
      '*x',
      '!!int',
      '!x',
      '|',
      '>',
      '#',
      '%',
      '? ',
      '~',
      '0x',
      '\t',
      'é',
      '\u{1F600}',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const evaluation = evaluated(text);
        expect(evaluated(text).diagnostics).toEqual(evaluation.diagnostics);
        evaluated(`values: {a: ${JSON.stringify(text)}}`);
      }),
      { numRuns: 500 },
    );
  });
});
