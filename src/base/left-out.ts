// Fields of an API object that were not read because they have too much in them, as its reader gets to know of them.

const leftOut = Symbol('fields that were left out');

/** Members and items, at all depths, that a field may have; where each of them is work for whoever reads the object, fewer. */
const mostOf: Readonly<Record<string, number>> = {
  'metadata.annotations': 5_000,
  'metadata.finalizers': 5_000,
  'metadata.labels': 5_000,
  'metadata.ownerReferences': 5_000,
};

/** Members and items of a whole object: to read them takes some 10 ms. */
export const mostTogether = 20_000;

/** As many as a field may have; its name is as in a manifest: `spec`, `metadata.labels`. */
export function mostPartsOf(field: string): number {
  return mostOf[field] ?? mostTogether;
}

/** The object, which goes on without these fields. */
export function withoutFields<T extends object>(object: T, fields: readonly string[]): T {
  return Object.assign(object, { [leftOut]: fields }); // enumerable, so that copies of the object know it as well
}

/** Names of the fields that the object is missing. */
export function fieldsLeftOut(object: unknown): readonly string[] {
  if (typeof object !== 'object' || object === null || !(leftOut in object)) return [];
  return object[leftOut] as readonly string[]; // nobody else has the symbol
}

/** What to say of such a field. */
export function tooManyParts(field: string, most: number): string {
  return `${field}: has more than ${most} fields and list entries: split it into several objects`;
}
