// Which keys of a Secret were written by given field managers, read from `metadata.managedFields`. What we wrote and no
// longer want is removed; what others wrote stays.
// Format of fieldsV1: https://github.com/kubernetes-sigs/structured-merge-diff (`f:<name>` is a field, `.` the map itself).

/** One entry of `metadata.managedFields`. */
export interface ManagedFields {
  readonly manager?: string;
  readonly fieldsV1?: unknown;
}

export interface ManagedKeys {
  readonly data: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
  readonly annotations: ReadonlySet<string>;
}

/** Keys attributed to any of `managers`. Entries that are not shaped like fieldsV1 attribute nothing. */
export function managedKeys(entries: readonly ManagedFields[] | undefined, managers: readonly string[]): ManagedKeys {
  const data = new Set<string>();
  const labels = new Set<string>();
  const annotations = new Set<string>();
  for (const { manager, fieldsV1 } of entries ?? []) {
    if (manager === undefined || !managers.includes(manager)) continue;
    addFields(data, member(fieldsV1, 'f:data'));
    const metadata = member(fieldsV1, 'f:metadata');
    addFields(labels, member(metadata, 'f:labels'));
    addFields(annotations, member(metadata, 'f:annotations'));
  }
  return { data, labels, annotations };
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

function addFields(keys: Set<string>, fields: unknown): void {
  if (typeof fields !== 'object' || fields === null) return;
  for (const field of Object.keys(fields)) if (field.startsWith('f:')) keys.add(field.slice(2));
}
