import fc from 'fast-check';
import { it } from 'vitest';
import { compareBytewise } from './byte-order.ts';

it('orders strings as their UTF-8 bytes are ordered', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('a', 'é', '\ue000', '\uffff', '😀', '\ud7ff'),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(
      text,
      text,
      (a, b) => Math.sign(compareBytewise(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b)),
    ),
  );
});
