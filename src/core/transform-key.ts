// The rewrite step `transform`: a template makes a new key of an old one. As in ESO its delimiters are always `{{ }}`, and a
// field that is not there prints as <no value>.

import { OperatorError } from '../base/operator-error.ts';
import type { Budget } from './budget.ts';
import { renderText } from './rendering.ts';
import type { TransformKey } from './rewrite.ts';
import { bytesOf } from './template/text.ts';
import { Dict } from './template/values.ts';

/**
 * Throws InvalidTemplate and TooMuchWork, and InvalidSpec for a template that uses random bytes or the clock: keys that
 * differ from one refresh to the next would take every value away from whoever reads it.
 */
export function transformKeyWith(budget: Budget): TransformKey {
  const context = { budget, nowMs: 0, randomBytes: (size: number) => new Uint8Array(size) };
  return (template, key) => {
    const source = { at: 'transform', name: 'transform', text: template, missingKey: 'print' } as const;
    const { bytes, isVolatile } = renderText(source, new Dict(new Map([['value', bytesOf(key)]]), 'string'), context);
    if (isVolatile)
      throw new OperatorError('InvalidSpec', 'transform must not use random bytes or the clock: keys have to last');
    return bytes.toString();
  };
}
