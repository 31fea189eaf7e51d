// Choices from random bytes. The bytes are an argument, so that everything here gives the same for the same bytes.

/** As many bytes as asked for; from a cryptographic source wherever values are made for use. */
export type RandomBytes = (count: number) => Uint8Array;

/** A whole number from 0 to below `bound` (at most 65,536), each as likely as the others: what would tip the scales is thrown away. */
export function below(bound: number, random: RandomBytes): number {
  const fair = 65_536 - (65_536 % bound);
  for (;;) {
    const [high = 0, low = 0] = random(2);
    const drawn = high * 256 + low;
    if (drawn < fair) return drawn % bound;
  }
}

/** The list in another order, each order as likely as the others. */
export function shuffled<T>(list: readonly T[], random: RandomBytes): T[] {
  const rest = [...list];
  return list.flatMap(() => rest.splice(below(rest.length, random), 1));
}
