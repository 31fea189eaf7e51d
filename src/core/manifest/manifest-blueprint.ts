// What a manifest target is to hold, before it is laid over what is there: single places with their values. Values are
// secret here although the object shows them, and leave only in a write.
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../secret-value.ts';
import type { TargetSource } from '../target-plan.ts';
import type { Json, Path } from './object-path.ts';

/** The kind that `spec.target.manifest` names. */
export interface ManifestKind {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface ManifestField {
  readonly path: Path;
  /** JSON text. */
  readonly value: SecretValue;
  /** The members of a map are laid over those that are there, one level deep. */
  readonly isMerge?: boolean;
}

/** In the order in which the fields are laid; a later one wins. */
export interface ManifestBlueprint {
  readonly fields: readonly ManifestField[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export function isConfigMap({ apiVersion, kind }: ManifestKind): boolean {
  return apiVersion === 'v1' && kind === 'ConfigMap';
}

export function fieldOf(path: Path, value: Json, how: { readonly isMerge?: boolean } = {}): ManifestField {
  return { path, value: new SecretValue(JSON.stringify(value)), ...(how.isMerge === true ? { isMerge: true } : {}) };
}

export function jsonOf({ value }: ManifestField): Json {
  return JSON.parse(value.text()) as Json; // made by fieldOf
}

/** A value as the text that an object holds. Throws InvalidValue for bytes that are no text. */
export function objectText(value: Buffer, key: string): string {
  const text = value.toString('utf8');
  if (Buffer.from(text).equals(value)) return text;
  throw new OperatorError(
    'InvalidValue',
    `the value of key ${JSON.stringify(key.slice(0, 60))} is not text, and only a Secret can hold bytes`,
  );
}

/** Without a template: the values in `data` of a ConfigMap, else in `spec.data`; labels and annotations of the ExternalSecret. */
export function plainManifest(
  kind: ManifestKind,
  { labels, annotations }: Pick<TargetSource, 'labels' | 'annotations'>,
  data: ReadonlyMap<string, SecretValue>,
): ManifestBlueprint {
  const root: Path = isConfigMap(kind) ? ['data'] : ['spec', 'data'];
  const fields = [...data].map(([key, value]) => fieldOf([...root, key], objectText(value.reveal(), key)));
  return { fields, labels, annotations };
}
