// What `spec.target.template` makes of the values: data, labels, annotations, finalizers and type of the target, in ESO's
// order (data over templateFrom over provider values). Templates see provider values only, never each other's results.

import { OperatorError } from '../base/operator-error.ts';
import { compareBytewise } from './byte-order.ts';
import { longestKeyBytes } from './key-conversion.ts';
import type { RenderContext } from './rendering.ts';
import { SecretValue } from './secret-value.ts';
import { type Blueprint, isPowerful } from './target-plan.ts';
import {
  CertificateLife,
  type Entry,
  entriesOf,
  refuseForbidden,
  renderedItems,
  rendererOf,
  shown,
  type TemplateFrom,
  type TemplateInput,
} from './template-texts.ts';

/** A target's blueprint, and which of its entries came from a text that uses random bytes or the clock. */
export interface RenderedTarget extends Blueprint {
  readonly certificateLifeMs?: number;
  readonly volatile: Readonly<Record<Part, readonly string[]>>;
}

const parts = ['data', 'labels', 'annotations'] as const;
type Part = (typeof parts)[number];

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
  const life = new CertificateLife();
  const render = rendererOf(input, context, life);
  templateFrom.forEach((from, index) => {
    const at = `spec.target.template.templateFrom[${index}]`;
    const part = partOf(from, at);
    for (const item of renderedItems(from, at, input.texts, render))
      for (const [key, entry] of entriesOf(item, from, context)) made[part].set(key, entry);
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
    ...life.noted,
    volatile: {
      data: volatileOf(made.data),
      labels: volatileOf(made.labels),
      annotations: volatileOf(made.annotations),
    },
  };
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
