// Bytes that look random and are the same in every run.
import { createHash } from 'node:crypto';
import type { RandomBytes } from './random.ts';

export function seededBytes(seed: string): RandomBytes {
  let drawn = 0;
  return (count) => {
    const blocks = Array.from({ length: Math.ceil(count / 32) }, () =>
      createHash('sha256').update(`${seed}/${drawn++}`).digest(),
    );
    return Buffer.concat(blocks).subarray(0, count);
  };
}
