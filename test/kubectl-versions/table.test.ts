// The table of docs/guides/install.md is what `npm run kubectl-versions` printed: of these releases and these steps, none of which fails.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { releases } from './releases.ts';
import { steps } from './steps.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guides', 'install.md'), 'utf8');
const rows = [...page.matchAll(/^\| (?:kubectl|1\.\d+\.\d+) \|.*$/gm)].map(([row]) =>
  row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')),
);

it('has a column for each step', () => {
  expect(rows[0]).toEqual(['kubectl', ...steps.map(({ title }) => title)]);
});

it('has a row for each release, in which nothing fails', () => {
  const minors = rows.slice(1).map(([version = '']) => version.replace(/\.\d+$/, ''));
  expect(minors).toEqual(releases.map(({ minor }) => minor));
  for (const [, ...cells] of rows.slice(1)) {
    expect(cells).toHaveLength(steps.length);
    expect(cells.filter((cell) => cell !== 'works' && cell !== 'not run')).toEqual([]);
  }
});
