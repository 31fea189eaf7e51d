import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { categories, categoryOf, later, onPurpose, syncedBefore } from './expectations.ts';
import { conformancePage, pagePath } from './page.ts';

const listed = [...later, ...onPurpose].flatMap(({ cases }) => cases);

describe('docs/conformance.md', () => {
  it('says what the tables say', () => {
    expect(readFileSync(pagePath, 'utf8'), 'run `node test/conformance/eso.ts --page`').toBe(conformancePage());
  });
});

describe('the tables of expectations', () => {
  it('name cases of known categories only', () => {
    expect(listed.filter((id) => categories[categoryOf(id)] === undefined)).toEqual([]);
  });

  it('never say of one case that it differs on purpose and is not served', () => {
    const notServed = new Set(later.flatMap(({ cases }) => cases));
    expect(onPurpose.flatMap(({ cases }) => cases).filter((id) => notServed.has(id))).toEqual([]);
  });

  it('expect an earlier Secret only where a spec is refused', () => {
    expect([...syncedBefore].filter((id) => !listed.includes(id))).toEqual([]);
  });
});
