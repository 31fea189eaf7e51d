// How many objects and lists a JSON text has, told before it is parsed: an empty list is two bytes on the wire and many
// times that in the heap, so that an answer whose size is allowed could still fill it.

/** More than this no folder and no environment of a size that is read has: a secret of Infisical's is three or four. */
export const mostParts = 250_000;

/** A text of fewer bytes cannot hold enough to matter, and is not looked at. */
const leastBytes = 2 * mostParts;

const quote = 0x22;
const backslash = 0x5c;
const openList = 0x5b;
const openObject = 0x7b;

/** Whether the text has more objects and lists than `mostParts`; brackets inside strings are none. */
export function hasTooManyParts(body: Buffer): boolean {
  if (body.length < leastBytes) return false;
  let parts = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) at = endOfString(body, at + 1);
    else if ((byte === openList || byte === openObject) && ++parts > mostParts) return true;
  }
  return false;
}

/** The place of the closing quote; the end of a text that has none. */
function endOfString(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && body[at] !== quote) at += body[at] === backslash ? 2 : 1;
  return at;
}
