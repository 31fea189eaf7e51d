// What `spec.target.template` makes of the values for a manifest target: places in the object with what belongs there, in
// ESO's order. Provider values are not copied beside a template; type, mergePolicy and finalizers are for Secrets alone.
import { OperatorError } from '../../base/operator-error.ts';
import { structureIn } from '../rendered-yaml.ts';
import type { RenderContext } from '../rendering.ts';
import {
  CertificateLife,
  decoded,
  type Entry,
  entriesOf,
  type RenderedItem,
  refuseForbidden,
  renderedItems,
  rendererOf,
  shown,
  type TemplateFrom,
  type TemplateInput,
} from '../template-texts.ts';
import { fieldOf, type ManifestBlueprint, type ManifestField, objectText } from './manifest-blueprint.ts';
import { isMap, type Path, parsePath } from './object-path.ts';

export interface RenderedManifest extends ManifestBlueprint {
  readonly certificateLifeMs?: number;
  /** Which fields (by index), labels and annotations came from a text that uses random bytes or the clock. */
  readonly volatile: {
    readonly fields: readonly number[];
    readonly labels: readonly string[];
    readonly annotations: readonly string[];
  };
}

type Place = { readonly part: 'data' | 'labels' | 'annotations' } | { readonly path: Path };

/** Throws InvalidTemplate, InvalidValue, ReferenceNotFound, InvalidSpec and TooMuchWork, naming the place. */
export function renderManifest(input: TemplateInput, context: RenderContext): RenderedManifest {
  const { templateFrom = [], metadata = {}, data = {} } = input.template;
  const life = new CertificateLife();
  const render = rendererOf(input, context, life);
  const marks = { labels: new Map<string, Entry>(), annotations: new Map<string, Entry>() };
  const fields: ManifestField[] = [];
  const volatileFields: number[] = [];
  const add = (isVolatile: boolean, ...more: readonly ManifestField[]) => {
    for (const field of more) {
      if (isVolatile) volatileFields.push(fields.length);
      context.budget.produce(field.value.length);
      fields.push(field);
    }
  };
  templateFrom.forEach((from, index) => {
    const at = `spec.target.template.templateFrom[${index}]`;
    const place = placeOf(from, at);
    for (const item of renderedItems(from, at, input.texts, render)) {
      if ('path' in place) add(item.entry.isVolatile, ...fieldsAt(place.path, item, from, context));
      else
        for (const [key, entry] of entriesOf(item, from, context)) {
          if (place.part === 'data') add(entry.isVolatile, fieldOf(['data', key], objectText(entry.value, key)));
          else marks[place.part].set(key, entry);
        }
    }
  });
  for (const [key, text] of Object.entries(data)) {
    const { value, isVolatile } = render({ at: `spec.target.template.data[${shown(key)}]`, name: key, text });
    add(isVolatile, fieldOf(['data', key], objectText(value, key)));
  }
  for (const part of ['labels', 'annotations'] as const) {
    for (const [key, text] of Object.entries(metadata[part] ?? {}))
      marks[part].set(key, render({ at: `spec.target.template.metadata.${part}[${shown(key)}]`, name: key, text }));
  }
  const [labels, annotations] = [textsOf(marks.labels), textsOf(marks.annotations)];
  refuseForbidden({ labels, annotations, finalizers: [] });
  return {
    fields,
    labels,
    annotations,
    ...life.noted,
    volatile: {
      fields: volatileFields,
      labels: volatileIn(marks.labels),
      annotations: volatileIn(marks.annotations),
    },
  };
}

/** What says which object it is, and what others say of it, no template writes. */
const closedRoots: ReadonlySet<string | number> = new Set(['apiVersion', 'kind', 'metadata', 'status']);

function placeOf({ target }: TemplateFrom, at: string): Place {
  const name = target === '' ? 'data' : target.toLowerCase();
  if (name === 'data' || name === 'labels' || name === 'annotations') return { part: name };
  if (name === 'spec') return { path: [name] };
  const path = pathOf(target, at);
  const [root = ''] = path;
  if (!closedRoots.has(root)) return { path };
  throw new OperatorError(
    'InvalidSpec',
    `${at}.target ${shown(target)}: a template cannot write ${shown(String(root))}; labels and annotations have targets of that name`,
  );
}

function pathOf(target: string, at: string): Path {
  try {
    return parsePath(target);
  } catch (thrown) {
    throw thrown instanceof OperatorError ? thrown.within(`${at}.target`) : thrown;
  }
}

/**
 * The fields of a text whose target is a path. `Values` below `spec` alone sets a text by its key; elsewhere the text is the
 * YAML of the leaf, or itself. `KeysAndValues` is YAML: it replaces what stands at a path of one part, and is merged one
 * level deep at a longer one.
 */
function fieldsAt(
  path: Path,
  { key, templateAs, entry, place }: RenderedItem,
  { valuesDecodingStrategy }: TemplateFrom,
  { budget }: RenderContext,
): readonly ManifestField[] {
  try {
    if (templateAs === 'Values') {
      const text = objectText(decoded(key, entry.value, valuesDecodingStrategy), key);
      if (path.length === 1 && path[0] === 'spec') return [fieldOf(['spec', key], text)];
      return [fieldOf(path, structureIn(text, budget) ?? text)];
    }
    if (valuesDecodingStrategy !== undefined && valuesDecodingStrategy !== 'None')
      throw new OperatorError('InvalidSpec', 'values of KeysAndValues at a path are not decoded');
    const structure = structureIn(objectText(entry.value, key), budget);
    if (structure === undefined) throw new OperatorError('InvalidTemplate', 'the rendered text is not YAML');
    return [fieldOf(path, structure, { isMerge: path.length > 1 && isMap(structure) })];
  } catch (thrown) {
    throw thrown instanceof OperatorError ? thrown.within(place) : thrown;
  }
}

function textsOf(entries: ReadonlyMap<string, Entry>): Readonly<Record<string, string>> {
  return Object.fromEntries([...entries].map(([key, { value }]) => [key, value.toString()]));
}

function volatileIn(entries: ReadonlyMap<string, Entry>): readonly string[] {
  return [...entries].filter(([, { isVolatile }]) => isVolatile).map(([key]) => key);
}
