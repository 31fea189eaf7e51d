// Small cases of our own, one idea each, in the layout of ESC's conformance data (test/conformance/esc.ts runs any folder of
// it). What is expected is what the reference evaluator answered: scripts/record-esc-oracle.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { judge } from '../../../test/conformance/esc/judge.ts';

const root = join(import.meta.dirname, 'testdata/cases');
const about = z.object({ category: z.string(), why: z.string() });
const cases = readdirSync(root)
  .sort()
  .map((name) => ({ name, ...about.parse(JSON.parse(readFileSync(join(root, name, 'case.json'), 'utf8'))) }));

describe.each([...new Set(cases.map(({ category }) => category))])('%s', (wanted) => {
  it.each(cases.filter(({ category }) => category === wanted))('$name: $why', ({ name }) => {
    expect(judge('eval', join(root, name))).toEqual([]);
  });
});
