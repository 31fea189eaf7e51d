// The order of strings by their UTF-8 bytes, which is how Go, etcd and the API server sort keys. JavaScript's own order
// compares UTF-16 units and differs where a surrogate pair meets U+E000 to U+FFFF.

/** Negative, zero or positive, for use with `sort`. */
export function compareBytewise(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return utf8Rank(a) - utf8Rank(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above U+FFFF, so they rank behind the whole basic plane. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
