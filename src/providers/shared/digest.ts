// Names for what must not be said, such as who logs in where: equal for equal parts, and telling nothing of them.
import { createHash } from 'node:crypto';

/** Of any JSON; parts that differ in place differ. */
export function digestOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
