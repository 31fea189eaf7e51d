// The objects that the templates of a spec are taken from, by name.
import type { Template } from '../crds/template.ts';
import type { SecretValue } from './secret-value.ts';

/** An object that a template names, in the namespace of the ExternalSecret. */
export interface TemplateRef {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
}

/** What the named objects hold, by `refKey`. */
export type TemplateTexts = ReadonlyMap<string, ReadonlyMap<string, SecretValue>>;

export function refKey({ kind, name }: TemplateRef): string {
  return `${kind}/${name}`;
}

/** Every object that a template names, each once. */
export function templateRefs({ templateFrom = [] }: Template): readonly TemplateRef[] {
  const refs = templateFrom.flatMap(({ configMap, secret }): TemplateRef[] => [
    ...(configMap === undefined ? [] : [{ kind: 'ConfigMap' as const, name: configMap.name }]),
    ...(secret === undefined ? [] : [{ kind: 'Secret' as const, name: secret.name }]),
  ]);
  return [...new Map(refs.map((ref) => [refKey(ref), ref])).values()];
}
