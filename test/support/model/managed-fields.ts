// Who owns which field of an object, as an API server keeps it for writes that replace: who changes a field owns it alone,
// who sends what was there changes nothing, and what is gone belongs to nobody.
import type { ManagedFieldsEntry } from '../../../src/kube/types.ts';
import type { ModelObject } from './kinds.ts';

/** The parts whose members have owners of their own. */
const parts = {
  'f:data': (object: ModelObject) => object.data,
  'f:labels': (object: ModelObject) => object.metadata.labels,
  'f:annotations': (object: ModelObject) => object.metadata.annotations,
} as const;

type Part = keyof typeof parts;

/** The entries of `after`, which `manager` wrote over `before`. */
export function ownersAfter(
  manager: string,
  before: ModelObject | undefined,
  after: ModelObject,
): ManagedFieldsEntry[] {
  const owners = new Map<string, Map<Part, Set<string>>>();
  const own = (who: string, part: Part, key: string) => {
    const theirs = owners.get(who) ?? new Map<Part, Set<string>>();
    owners.set(who, theirs.set(part, (theirs.get(part) ?? new Set()).add(key)));
  };
  for (const [name, read] of Object.entries(parts)) {
    const part = name as Part; // the keys of the object above
    const [was, is] = [before === undefined ? {} : (read(before) ?? {}), read(after) ?? {}];
    for (const [key, value] of Object.entries(is)) {
      const earlier = was[key] === value ? ownersOf(before, part, key) : [];
      for (const who of earlier.length === 0 ? [manager] : earlier) own(who, part, key);
    }
  }
  return [...owners].map(([who, theirs]) => entryOf(who, theirs));
}

function ownersOf(object: ModelObject | undefined, part: Part, key: string): string[] {
  return (object?.metadata.managedFields ?? [])
    .filter(({ fieldsV1 }) => membersOf(fieldsV1, part).has(`f:${key}`))
    .map(({ manager = '' }) => manager);
}

function membersOf(fields: unknown, part: Part): Set<string> {
  const at = fields as { readonly [P in Part]?: object } & {
    readonly 'f:metadata'?: { readonly [P in Part]?: object };
  }; // as `entryOf` makes them
  return new Set(Object.keys((part === 'f:data' ? at[part] : at['f:metadata']?.[part]) ?? {}));
}

function entryOf(manager: string, owned: ReadonlyMap<Part, ReadonlySet<string>>): ManagedFieldsEntry {
  const fields = (part: Part) => Object.fromEntries([...(owned.get(part) ?? [])].map((key) => [`f:${key}`, {}]));
  const metadata = { 'f:labels': fields('f:labels'), 'f:annotations': fields('f:annotations') };
  return { manager, operation: 'Update', fieldsV1: { 'f:data': fields('f:data'), 'f:metadata': metadata } };
}
