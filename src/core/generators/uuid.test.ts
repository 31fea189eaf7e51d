import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededBytes } from './random.fixture.ts';
import { generateUuid } from './uuid.ts';

it('is a version 4 identifier, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const text = generateUuid(seededBytes(seed)).get('uuid')?.reveal().toString();
      expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});
