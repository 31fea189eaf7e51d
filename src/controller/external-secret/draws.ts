// What an ExternalSecret draws from generators is a value that only its target holds. The target is written before the status,
// so a target says for which state of the status its values were drawn: whoever leads next and is owed the same finds them.
//
//   drawn ──target written, with the mark of the status as it was──► untold ──status written──► told: the mark fits no more
import { templateInputsAnnotation } from '../../core/kept-volatile.ts';
import { isConfigMap, type ManifestBlueprint, type ManifestKind } from '../../core/manifest/manifest-blueprint.ts';
import { writtenFieldsAnnotation } from '../../core/manifest/written-fields.ts';
import { hashText } from '../../core/object-hash.ts';
import type { Blueprint, ObservedTarget } from '../../core/target-plan.ts';
import { type ExternalSecretSpec, generatorReferences } from '../../crds/external-secret.ts';
import { isDrawn } from '../generators/generators.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { refreshPolicyOf, versionOf } from './duty.ts';

type Texts = Readonly<Record<string, string>>;
type Marked = Pick<ObservedTarget, 'annotations' | 'deleting'>;
type Versioned = Pick<ObservedTarget, 'uid' | 'resourceVersion'>;

/** Whether to read its sources is to get other values. */
export function isDrawing(spec: ExternalSecretSpec): boolean {
  return generatorReferences(spec).some(isDrawn);
}

/** Whether the values of the target were drawn for the object as it is, and its status does not say so yet. */
export function isUntold(es: ExternalSecretRecord, spec: ExternalSecretSpec, target: Marked | undefined): boolean {
  if (spec.target.creationPolicy === 'None' || !isDrawing(spec)) return false;
  return target?.deleting === false && target.annotations[markName(es)] === markOf(es);
}

/** Object and target as they are: a status that tells of just these tells of what was drawn for just this. */
export function tellingOf(es: ExternalSecretRecord, target: Versioned | undefined): string {
  return JSON.stringify([versionOf(es), target?.uid, target?.resourceVersion]);
}

/** The blueprint of a target whose values are drawn for the object as it is. */
export function drawnFor<B extends Pick<Blueprint, 'annotations'>>(
  es: ExternalSecretRecord,
  spec: ExternalSecretSpec,
  blueprint: B,
): B {
  if (!isDrawing(spec)) return blueprint;
  return { ...blueprint, annotations: { ...blueprint.annotations, [markName(es)]: markOf(es) } };
}

/**
 * Whether to read the sources again only because the API server completed the target would change what is to stay: a target
 * of another kind then says which of its fields are ours. A ConfigMap is never completed.
 */
export function isReadOnce(spec: ExternalSecretSpec, kind: ManifestKind, { annotations }: ManifestBlueprint): boolean {
  if (isConfigMap(kind)) return false;
  return isDrawing(spec) || templateInputsAnnotation in annotations || refreshPolicyOf(spec) !== 'Periodic';
}

/** Annotations that the object wants on its target: its own, and what was noted of the last write. */
export function annotationsOn(es: ExternalSecretRecord, spec: ExternalSecretSpec, target: Marked): Texts {
  const markedBy = isDrawing(spec) ? markName(es) : undefined;
  const mark = markedBy === undefined ? undefined : target.annotations[markedBy];
  const fields = target.annotations[writtenFieldsAnnotation];
  if (mark === undefined && fields === undefined) return es.annotations;
  return {
    ...es.annotations,
    ...(markedBy === undefined || mark === undefined ? {} : { [markedBy]: mark }),
    ...(fields === undefined ? {} : { [writtenFieldsAnnotation]: fields }),
  };
}

/** Whether what is wanted was drawn, by a generator or a template, for just what the other was drawn for. */
export function isSameDraw(
  es: ExternalSecretRecord,
  wanted: Pick<Marked, 'annotations'>,
  there: Pick<Marked, 'annotations'>,
) {
  return [markName(es), templateInputsAnnotation].some((name) => {
    const mark = wanted.annotations[name];
    return mark !== undefined && mark === there.annotations[name];
  });
}

/** Several may draw into one target. */
function markName({ namespace, name }: ExternalSecretRecord): string {
  return `escapement.dev/drawn-for-${hashText(`${namespace}/${name}`).slice(0, 12)}`;
}

function markOf(es: ExternalSecretRecord): string {
  return hashText(JSON.stringify([es.uid, versionOf(es), es.status.refreshTime ?? ''])).slice(0, 32);
}
