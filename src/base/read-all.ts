// Reading several things at the same time.

/**
 * All values once each is there; of several failures the first in order, so that the message is the same each time. Every
 * read is waited for.
 */
export async function readAll<T extends readonly unknown[]>(
  reads: {
    readonly [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  await Promise.allSettled(reads);
  const values: unknown[] = [];
  for (const read of reads) values.push(await read);
  return values as unknown as T; // one value per read, in order
}
