// Which fields of an object of another kind are ours. The API server fills in defaults, and its managedFields name us as the
// manager of those too, so a target whose values are drawn carries the names of what was written: what is there beside them is
// no edit of ours, also for a process that has not seen the write.
//
//   {"spec":{"host":0,"rules":[{"user":0}],"limits":{"max":0}}}    0: a value as a whole
import { jsonOf, type ManifestBlueprint, type ManifestField } from './manifest-blueprint.ts';
import { isMap, type Json, type JsonMap, type Path } from './object-path.ts';

/** On targets whose values are drawn: the fields that were written. */
export const writtenFieldsAnnotation = 'escapement.dev/written-fields';

/** Characters. Of a target with more fields nothing is recorded, so defaults in it are taken for an edit after a restart. */
const longestRecord = 16_384;

type Texts = Readonly<Record<string, string>>;

/** The blueprint with the record of its fields. */
export function withWrittenFields<B extends ManifestBlueprint>(blueprint: B): B {
  const record = JSON.stringify(shapeOfFields(blueprint.fields));
  if (record.length > longestRecord) return blueprint;
  return { ...blueprint, annotations: { ...blueprint.annotations, [writtenFieldsAnnotation]: record } };
}

/** What of the object was written, by its annotations; all of it where they do not say. For comparing, not for writing. */
export function writtenPart(content: JsonMap, annotations: Texts): JsonMap {
  const shape = recordedShape(annotations);
  const part = shape === undefined ? content : withoutEmpty(partOf(content, shape));
  return isMap(part) ? part : {};
}

/** What of a value that was written at a place is there of it; `drawn` is such a value, for where nothing is recorded. */
export function writtenValue(there: Json, path: Path, annotations: Texts, drawn: Json): Json {
  let shape: Json | undefined = recordedShape(annotations);
  for (const part of path) shape = memberOf(shape, part);
  return partOf(there, shape ?? shapeOf(drawn));
}

/** The value of a field without what later fields lay over it: of an object that is what tells of this field alone. */
export function ownValue(fields: readonly ManifestField[], at: number): Json | undefined {
  const field = fields[at];
  if (field === undefined) return undefined;
  return fields
    .slice(at + 1)
    .reduce<Json | undefined>((value, later) => withoutLaid(value, field.path, later), jsonOf(field));
}

function withoutLaid(value: Json | undefined, path: Path, later: ManifestField): Json | undefined {
  const common = Math.min(path.length, later.path.length);
  if (value === undefined || path.slice(0, common).some((part, at) => part !== later.path[at])) return value;
  const laidValue = jsonOf(later);
  if (later.isMerge !== true || !isMap(laidValue)) return without(value, later.path.slice(path.length));
  const [below = ''] = path.slice(common);
  if (common < path.length) return Object.hasOwn(laidValue, below) ? undefined : value;
  const places = Object.keys(laidValue).map((name) => [...later.path.slice(path.length), name]);
  return places.reduce<Json | undefined>(without, value);
}

/** The value without a place below it; an empty path is all of it. */
function without(value: Json | undefined, [part, ...rest]: Path): Json | undefined {
  if (part === undefined) return undefined;
  const before = memberOf(value, part);
  if (before === undefined) return value;
  const after = without(before, rest);
  if (Array.isArray(value)) return Object.assign([...(value as readonly Json[])], { [part]: after ?? null });
  const others = Object.entries(value as JsonMap).filter(([name]) => name !== part);
  return Object.fromEntries(after === undefined ? others : [...others, [part, after]]);
}

/** Members that are null or empty maps left out: the API server may keep them, drop them, or fill them in. */
export function withoutEmpty(value: Json): Json {
  if (!isMap(value)) return Array.isArray(value) ? (value as readonly Json[]).map(withoutEmpty) : value;
  const members = Object.entries(value).map(([name, member]) => [name, withoutEmpty(member)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== null && !isEmptyMap(member)));
}

function isEmptyMap(value: Json): boolean {
  return isMap(value) && Object.keys(value).length === 0;
}

function recordedShape(annotations: Texts): JsonMap | undefined {
  const record = annotations[writtenFieldsAnnotation];
  if (record === undefined || record.length > longestRecord) return undefined;
  try {
    const shape = JSON.parse(record) as Json; // by the definition of JSON
    return isMap(shape) ? shape : undefined;
  } catch {
    return undefined;
  }
}

function shapeOfFields(fields: readonly ManifestField[]): Json {
  return fields.reduce<Json>((shape, field) => laid(shape, field, jsonOf(field)), {});
}

/** A list of which single members are written is a map by their indexes: the others are not ours. */
function laid(here: Json | undefined, { path, isMerge }: Pick<ManifestField, 'path' | 'isMerge'>, value: Json): Json {
  const [part, ...rest] = path;
  if (part === undefined) {
    const shape = shapeOf(value);
    return isMerge === true && isMap(shape) && isMap(here) ? { ...here, ...shape } : shape;
  }
  const below = laid(memberOf(here, part), { path: rest, isMerge: isMerge === true }, value);
  if (Array.isArray(here)) return Object.assign([...(here as readonly Json[])], { [part]: below });
  return { ...(isMap(here) ? here : {}), [part]: below };
}

function shapeOf(value: Json): Json {
  if (isMap(value)) {
    const members = Object.entries(value).filter(([, member]) => member !== null);
    return Object.fromEntries(members.map(([name, member]) => [name, shapeOf(member)]));
  }
  const list = Array.isArray(value) ? (value as readonly Json[]) : [];
  // Of a list without maps there is nothing to tell but that it is ours.
  return list.some((member) => typeof member === 'object' && member !== null) ? list.map(shapeOf) : 0;
}

function partOf(value: Json, shape: Json): Json {
  if (Array.isArray(shape)) {
    const list = shape as readonly Json[];
    // One that somebody appended is an edit of the list.
    return Array.isArray(value) ? (value as readonly Json[]).map((each, at) => partOf(each, list[at] ?? 0)) : value;
  }
  if (!isMap(shape) || typeof value !== 'object' || value === null) return value;
  const members = Object.entries(shape).map(([name, below]) => [name, memberOf(value, name), below] as const);
  return Object.fromEntries(
    members.flatMap(([name, member, below]) => (member === undefined ? [] : [[name, partOf(member, below)]])),
  );
}

function memberOf(value: Json | undefined, part: string | number): Json | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
  return Reflect.get(value, part) as Json; // members of JSON are JSON
}
