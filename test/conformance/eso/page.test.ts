import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { categories, categoryOf, onPurpose } from './expectations.ts';
import { numbersOf, rows, type SuiteName, suites } from './own-tests.ts';
import { conformancePage, pagePath } from './page.ts';

const listed = onPurpose.flatMap(({ cases }) => cases);

describe('docs/conformance.md', () => {
  it('says what the tables say', () => {
    expect(readFileSync(pagePath, 'utf8'), 'run `node test/conformance/eso.ts --page`').toBe(conformancePage());
  });
});

describe('the tables of expectations', () => {
  it('name cases of known categories only', () => {
    expect(listed.filter((id) => categories[categoryOf(id)] === undefined)).toEqual([]);
  });
});

describe("the table of ESO's own tests", () => {
  const root = join(import.meta.dirname, '..', '..', '..');
  const texts = new Map<string, string>();
  const textOf = (file: string) => {
    const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
    texts.set(file, text);
    return text;
  };

  it.each(Object.keys(suites) as SuiteName[])('has every case of %s once', (suite) => {
    const numbers = rows.filter((row) => row.suite === suite).flatMap(numbersOf);
    expect(numbers).toEqual(Array.from({ length: suites[suite].cases }, (_, i) => i + 1));
  });

  it('names tests that are there', () => {
    const named = rows.flatMap(({ proofs }) => proofs.filter((proof) => 'test' in proof));
    expect(named.length).toBeGreaterThan(100);
    const gone = named.filter(({ file, test }) =>
      ["'", '"', '`'].every((quote) => !textOf(file).includes(`${quote}${test}${quote}`)),
    );
    expect(gone).toEqual([]);
  });

  it('gives every case a proof, or the reason why it has none', () => {
    expect(rows.filter(({ proofs }) => proofs.length === 0)).toEqual([]);
  });

  it('names recorded cases of known categories only', () => {
    const ids = rows.flatMap(({ proofs }) =>
      proofs.flatMap((proof) => ('recorded' in proof ? proof.recorded.split(' ') : [])),
    );
    expect(ids.filter((id) => categories[categoryOf(id)] === undefined)).toEqual([]);
  });
});
