import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { categories, categoryOf, onPurpose } from './expectations.ts';
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
