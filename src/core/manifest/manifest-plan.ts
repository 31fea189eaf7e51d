// What a manifest target should be, and the write (or none) that makes it so. Pure. Under Owner and Orphan the places that
// kinds keep their content in are ours as a whole; under Merge and CreateOrMerge ours are laid over what others wrote.

import { OperatorError } from '../../base/operator-error.ts';
import { managedLabel, managedLabelValue } from '../contract-names.ts';
import { fieldManagerNames } from '../field-manager.ts';
import { hashContent } from '../object-hash.ts';
import { sameJson } from '../same-json.ts';
import {
  marksOf,
  marksOver,
  type ObservedTarget,
  type OwnedMarks,
  ownerOf,
  refuseForeignOwner,
  sameMarks,
  type TargetSource,
} from '../target-plan.ts';
import { isMerging, type TargetPolicy } from '../target-policy.ts';
import {
  isConfigMap,
  jsonOf,
  type ManifestBlueprint,
  type ManifestField,
  type ManifestKind,
} from './manifest-blueprint.ts';
import { isMap, type Json, type JsonMap, withValueAt } from './object-path.ts';
import { writtenPart } from './written-fields.ts';

/** An object of any kind, as far as a plan looks at it. */
export interface AnyObject {
  readonly metadata: {
    readonly managedFields?: readonly { readonly manager?: string; readonly fieldsV1?: unknown }[];
  };
}

/** The object that is there: what is known of every target, and the whole. */
export interface PresentManifest {
  readonly observed: ObservedTarget;
  readonly object: AnyObject;
}

export type ManifestPlan =
  | { readonly action: 'none' }
  /** `content` is all of the object besides apiVersion, kind and metadata. */
  | { readonly action: 'create' | 'update'; readonly marks: OwnedMarks; readonly content: JsonMap };

const notContent: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** What an object holds: all but its identity and what others say of it. */
export function contentOf(object: object): JsonMap {
  const members = Object.entries(object as JsonMap); // JSON, as it came from the API server
  return Object.fromEntries(members.filter(([name]) => !notContent.has(name)));
}

/**
 * The write that makes the target as wanted. Throws TargetConflict for an object of somebody else, InvalidTemplate for a
 * place where something else stands.
 */
export function planManifest(
  source: TargetSource,
  policy: TargetPolicy,
  wanted: { readonly kind: ManifestKind; readonly blueprint: ManifestBlueprint },
  present: PresentManifest | undefined,
): ManifestPlan {
  const { kind, blueprint } = wanted;
  if (present === undefined) {
    const content = laidOver(emptyContent(kind), blueprint.fields);
    const owners = policy.creation === 'Owner' ? [ownerOf(source)] : [];
    return {
      action: 'create',
      content,
      marks: { ...marksOf(source, policy, blueprint, hashWritten(content, blueprint)), owners },
    };
  }
  const { observed, object } = present;
  refuseForeignOwner(source, policy, observed, kind.kind);
  if (!isMerging(policy)) refuseUnmarked(source, kind, observed);
  const there = contentOf(object);
  const base = isMerging(policy) ? withoutOurs(there, source, object) : emptyContent(kind);
  const content = laidOver(base, blueprint.fields);
  const marks = marksOver(observed, source, policy, blueprint, hashWritten(content, blueprint));
  if (sameJson(content, there) && sameMarks(marks, observed)) return { action: 'none' };
  return { action: 'update', content, marks };
}

/** Digest of what the object holds, for ESO's annotation: of our part, where the annotations say which that is. */
export function hashWritten(content: JsonMap, { annotations }: Pick<ManifestBlueprint, 'annotations'>): string {
  return hashContent(writtenPart(content, annotations));
}

function emptyContent(kind: ManifestKind): JsonMap {
  return isConfigMap(kind) ? { data: {} } : { spec: {} };
}

function laidOver(base: JsonMap, fields: readonly ManifestField[]): JsonMap {
  let content: Json = base;
  for (const field of fields) {
    const value = jsonOf(field);
    content = withValueAt(content, field.path, (before) =>
      field.isMerge === true && isMap(value) && isMap(before) ? { ...before, ...value } : value,
    );
  }
  return content as JsonMap; // a path begins with a name
}

/** Objects of that name that no ExternalSecret has made belong to somebody; ESO replaces what they hold. */
function refuseUnmarked({ targetName }: TargetSource, { kind }: ManifestKind, { labels }: ObservedTarget): void {
  if (labels[managedLabel] === managedLabelValue) return;
  throw new OperatorError(
    'TargetConflict',
    `${kind} "${targetName}" is there already, and no ExternalSecret has made it: delete it, or lay over it with creationPolicy Merge or CreateOrMerge`,
  );
}

/** What is there, without the places that we wrote earlier: those that are still wanted are laid again. */
function withoutOurs(there: JsonMap, { name }: TargetSource, { metadata }: AnyObject): JsonMap {
  const managers = fieldManagerNames(name);
  let kept: Json = there;
  for (const { manager, fieldsV1 } of metadata.managedFields ?? []) {
    if (manager !== undefined && managers.includes(manager)) kept = withoutFields(kept, fieldsV1);
  }
  return isMap(kept) ? kept : there;
}

/** Members of lists are told by their keys there, and stay. Format: managed-fields.ts. */
function withoutFields(here: Json, fields: unknown): Json {
  if (!isMap(here) || typeof fields !== 'object' || fields === null) return here;
  const kept = Object.entries(here).flatMap(([name, member]): (readonly [string, Json])[] => {
    const below: unknown = Reflect.get(fields, `f:${name}`);
    if (typeof below !== 'object' || below === null) return [[name, member]];
    return Object.keys(below).length === 0 ? [] : [[name, withoutFields(member, below)]];
  });
  return Object.fromEntries(kept);
}
