// What `spec.target.template` makes of the values: data, labels, annotations, finalizers and type of the target, in ESO's
// order (data over templateFrom over provider values). Templates see provider values only, never each other's results.

import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import type { Template } from '../crds/template.ts';
import { compareBytewise } from './byte-order.ts';
import { decodeValue } from './decoding.ts';
import { longestKeyBytes } from './key-conversion.ts';
import { keysAndValues } from './rendered-yaml.ts';
import { type RenderContext, renderText, type TemplateSource } from './rendering.ts';
import { SecretValue } from './secret-value.ts';
import { type Blueprint, isPowerful } from './target-plan.ts';
import { bytesOf, bytesOfBuffer } from './template/text.ts';
import { Dict } from './template/values.ts';

type Values = ReadonlyMap<string, SecretValue>;
type TemplateFrom = NonNullable<Template['templateFrom']>[number];
type Delimiters = NonNullable<TemplateSource['delimiters']>;

/** An object that a template names, in the namespace of the ExternalSecret. */
export interface TemplateRef {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
}

/** What the named objects hold, by `refKey`. */
export type TemplateTexts = ReadonlyMap<string, Values>;

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

export interface TemplateInput {
  readonly template: Template;
  readonly data: Values;
  readonly texts: TemplateTexts;
  readonly delimiters?: Delimiters;
}

/** A target's blueprint, and which of its entries came from a text that uses random bytes or the clock. */
export interface RenderedTarget extends Blueprint {
  readonly volatile: Readonly<Record<Part, readonly string[]>>;
}

const parts = ['data', 'labels', 'annotations'] as const;
type Part = (typeof parts)[number];

interface Entry {
  readonly value: Buffer;
  readonly isVolatile: boolean;
}

/** Throws InvalidTemplate, InvalidValue, ReferenceNotFound, InvalidSpec and TooMuchWork, naming the place. */
export function renderTarget(input: TemplateInput, context: RenderContext): RenderedTarget {
  const { template, data } = input;
  if (template.type !== undefined && isPowerful(template.type)) {
    throw new OperatorError(
      'InvalidTemplate',
      `spec.target.template.type "${template.type}" lets somebody in: it is never written`,
    );
  }
  const { templateFrom = [], metadata = {} } = template;
  const made: Record<Part, Map<string, Entry>> = { data: new Map(), labels: new Map(), annotations: new Map() };
  const keepsValues =
    template.mergePolicy === 'Merge' || (templateFrom.length === 0 && Object.keys(template.data ?? {}).length === 0);
  if (keepsValues) for (const [key, value] of data) made.data.set(key, { value: value.reveal(), isVolatile: false });
  const root = rootOf(data, context);
  const render = (source: Omit<TemplateSource, 'delimiters'>) => {
    const { bytes, isVolatile } = renderText({ ...source, ...delimitersOf(input) }, root, context);
    return { value: bytes, isVolatile };
  };
  templateFrom.forEach((from, index) => {
    const at = `spec.target.template.templateFrom[${index}]`;
    for (const [key, entry] of entriesFrom(from, at, input.texts, render, context))
      made[partOf(from, at)].set(key, entry);
  });
  const texts: Record<Part, Readonly<Record<string, string>>> = {
    data: template.data ?? {},
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  };
  for (const part of parts) {
    const at = part === 'data' ? 'spec.target.template.data' : `spec.target.template.metadata.${part}`;
    for (const [key, text] of Object.entries(texts[part])) {
      made[part].set(key, render({ at: `${at}[${shown(key)}]`, name: key, text }));
    }
  }
  const labels = textsOf(made.labels);
  const annotations = textsOf(made.annotations);
  const finalizers = metadata.finalizers ?? [];
  refuseForbidden({ labels, annotations, finalizers });
  refuseKeys(made.data);
  return {
    data: new Map([...made.data].map(([key, { value }]) => [key, new SecretValue(value)])),
    labels,
    annotations,
    finalizers,
    ...(template.type === undefined || template.type === '' ? {} : { type: template.type }),
    volatile: {
      data: volatileOf(made.data),
      labels: volatileOf(made.labels),
      annotations: volatileOf(made.annotations),
    },
  };
}

function delimitersOf({ delimiters }: Pick<TemplateInput, 'delimiters'>) {
  return delimiters === undefined ? {} : { delimiters };
}

/** The data's root is made once, however many templates look at it. */
function rootOf(data: Values, { budget }: RenderContext): Dict {
  const entries = new Map<string, string>();
  for (const [key, value] of data) {
    budget.spend(value.length);
    budget.hold(value.length);
    entries.set(bytesOf(key), bytesOfBuffer(value.reveal()));
  }
  return new Dict(entries, 'string');
}

type Render = (source: TemplateSource) => Entry;

/** What one entry of templateFrom gives: its ConfigMap's items, then its Secret's, then its literal. */
function entriesFrom(
  from: TemplateFrom,
  at: string,
  texts: TemplateTexts,
  render: Render,
  { budget }: RenderContext,
): readonly (readonly [string, Entry])[] {
  const found: (readonly [string, Entry])[] = [];
  const add = (key: string, { value, isVolatile }: Entry) => {
    try {
      found.push([key, { value: decodeValue(value, from.valuesDecodingStrategy), isVolatile }]);
    } catch (thrown) {
      throw asOperatorError(thrown).within(`${at}: the rendered value of key ${shown(key)}`);
    }
  };
  const addAll = (place: string, entry: Entry) => {
    try {
      for (const [key, value] of keysAndValues(entry.value.toString(), budget)) {
        add(key, { value: Buffer.from(value), isVolatile: entry.isVolatile });
      }
    } catch (thrown) {
      throw asOperatorError(thrown).within(place);
    }
  };
  for (const kind of ['ConfigMap', 'Secret'] as const) {
    const object = kind === 'ConfigMap' ? from.configMap : from.secret;
    for (const { key, templateAs } of object?.items ?? []) {
      const ref = { kind, name: object?.name ?? '' };
      const place = `${at}, ${kind} "${ref.name}", key ${shown(key)}`;
      const text = texts.get(refKey(ref))?.get(key);
      if (text === undefined)
        throw new OperatorError('ReferenceNotFound', `${at}: ${kind} "${ref.name}" has no key ${shown(key)}`);
      const entry = render({ at: place, name: key, text: text.text(), isSecret: kind === 'Secret' });
      if (templateAs === 'KeysAndValues') addAll(place, entry);
      else add(key, entry);
    }
  }
  if (from.literal !== undefined && from.literal !== '') {
    addAll(`${at}.literal`, render({ at: `${at}.literal`, name: 'literal', text: from.literal }));
  }
  return found;
}

function partOf({ target }: TemplateFrom, at: string): Part {
  const part = parts.find((name) => name === (target === '' ? 'data' : target.toLowerCase()));
  if (part !== undefined) return part;
  throw new OperatorError('InvalidSpec', `${at}.target ${shown(target)}: expected Data, Annotations or Labels`);
}

function textsOf(entries: ReadonlyMap<string, Entry>): Readonly<Record<string, string>> {
  return Object.fromEntries([...entries].map(([key, { value }]) => [key, value.toString()]));
}

function volatileOf(entries: ReadonlyMap<string, Entry>): readonly string[] {
  return [...entries].filter(([, { isVolatile }]) => isVolatile).map(([key]) => key);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** The API server refuses these too, in words that quote the whole object. */
function refuseKeys(data: ReadonlyMap<string, Entry>): void {
  const bad = [...data.keys()].filter(
    (key) => !/^[-._a-zA-Z0-9]+$/.test(key) || key.length > longestKeyBytes || /^\.\.?$/.test(key),
  );
  if (bad.length === 0) return;
  const named = bad.sort(compareBytewise).slice(0, 5).map(shown).join(', ');
  throw new OperatorError(
    'InvalidTemplate',
    `a Secret cannot have the keys ${named}: use letters, digits, ".", "_" and "-"`,
  );
}

/**
 * What a template must not produce: by these somebody is let in, or another controller takes the Secret for its own.
 * https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/, https://fluxcd.io/flux/components/kustomize/
 */
const forbiddenMarks =
  /^(kubernetes\.io\/service-account\.|argocd\.argoproj\.io\/(tracking-id|instance)$|(kustomize|helm)\.toolkit\.fluxcd\.io\/(name|namespace)$|meta\.helm\.sh\/|kubectl\.kubernetes\.io\/last-applied-configuration$)/;

/** Finalizers of Kubernetes itself and of controllers that would act on them, or never take them off. */
const forbiddenFinalizers =
  /^([^/]*|([^/]*\.)?(kubernetes\.io|k8s\.io|external-secrets\.io|argoproj\.io|fluxcd\.io)(\/.*)?)$/;

function refuseForbidden({
  labels,
  annotations,
  finalizers,
}: Pick<Blueprint, 'labels' | 'annotations' | 'finalizers'>): void {
  for (const [what, keys] of [
    ['label', Object.keys(labels)],
    ['annotation', Object.keys(annotations)],
  ] as const) {
    const bad = keys.find((key) => forbiddenMarks.test(key));
    if (bad !== undefined) {
      throw new OperatorError(
        'InvalidTemplate',
        `spec.target.template must not produce the ${what} "${bad}": it lets somebody in, or hands the Secret to another controller`,
      );
    }
  }
  const bad = finalizers.find((name) => forbiddenFinalizers.test(name));
  if (bad === undefined) return;
  throw new OperatorError(
    'InvalidTemplate',
    `spec.target.template must not set the finalizer ${shown(bad)}: it belongs to others`,
  );
}
