// The texts of `spec.target.template`, whatever target they are for: where they come from, how each is rendered, and what
// none may produce. Templates see provider values only, never each other's results.

import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import type { Template } from '../crds/template.ts';
import { decodeValue } from './decoding.ts';
import { keysAndValues } from './rendered-yaml.ts';
import { type RenderContext, renderText, type TemplateSource } from './rendering.ts';
import type { SecretValue } from './secret-value.ts';
import type { Blueprint } from './target-plan.ts';
import { bytesOf, bytesOfBuffer } from './template/text.ts';
import { Dict } from './template/values.ts';
import { refKey, type TemplateTexts } from './template-refs.ts';

type Values = ReadonlyMap<string, SecretValue>;
export type TemplateFrom = NonNullable<Template['templateFrom']>[number];
type Delimiters = NonNullable<TemplateSource['delimiters']>;

export interface TemplateInput {
  readonly template: Template;
  readonly data: Values;
  readonly texts: TemplateTexts;
  readonly delimiters?: Delimiters;
  /** What was drawn earlier stays, so single values are not drawn anew. */
  readonly isDrawnKept?: boolean;
}

/** What a template gave. */
export interface Entry {
  readonly value: Buffer;
  /** The text uses random bytes or the clock. */
  readonly isVolatile: boolean;
}

/** Notes the shortest life of the certificates that the texts of one target make. */
export class CertificateLife {
  #shortestMs: number | undefined;

  note(lifeMs: number | undefined): void {
    if (lifeMs !== undefined) this.#shortestMs = Math.min(lifeMs, this.#shortestMs ?? lifeMs);
  }

  /** As a member of what is rendered; absent without certificates. */
  get noted(): { readonly certificateLifeMs?: number } {
    return this.#shortestMs === undefined ? {} : { certificateLifeMs: this.#shortestMs };
  }
}

export type Render = (source: Omit<TemplateSource, 'delimiters'>) => Entry;

/** Renders texts with the values of the input. The root of the data is made once, however many texts look at it. */
export function rendererOf(
  { data, delimiters, isDrawnKept = false }: TemplateInput,
  context: RenderContext,
  life: CertificateLife,
): Render {
  const root = rootOf(data, context);
  const between = delimiters === undefined ? {} : { delimiters };
  return (source) => {
    const { bytes, isVolatile, certificateLifeMs } = renderText({ isDrawnKept, ...source, ...between }, root, context);
    life.note(certificateLifeMs);
    return { value: bytes, isVolatile };
  };
}

function rootOf(data: Values, { budget }: RenderContext): Dict {
  const entries = new Map<string, string>();
  for (const [key, value] of data) {
    budget.spend(value.length);
    budget.hold(value.length);
    entries.set(bytesOf(key), bytesOfBuffer(value.reveal()));
  }
  return new Dict(entries, 'string');
}

/** One rendered text of templateFrom. */
export interface RenderedItem {
  /** Where it stands, for messages. */
  readonly place: string;
  readonly key: string;
  readonly templateAs: 'Values' | 'KeysAndValues';
  readonly entry: Entry;
}

/** What one entry of templateFrom gives: its ConfigMap's items, then its Secret's, then its literal, each rendered once. */
export function* renderedItems(
  from: TemplateFrom,
  at: string,
  texts: TemplateTexts,
  render: Render,
): Generator<RenderedItem> {
  for (const kind of ['ConfigMap', 'Secret'] as const) {
    const object = kind === 'ConfigMap' ? from.configMap : from.secret;
    for (const { key, templateAs } of object?.items ?? []) {
      const ref = { kind, name: object?.name ?? '' };
      const place = `${at}, ${kind} "${ref.name}", key ${shown(key)}`;
      const text = texts.get(refKey(ref))?.get(key);
      if (text === undefined)
        throw new OperatorError('ReferenceNotFound', `${at}: ${kind} "${ref.name}" has no key ${shown(key)}`);
      const isWhole = templateAs === 'KeysAndValues' ? { isDrawnKept: false } : {}; // which keys it gives must be known
      const entry = render({ at: place, name: key, text: text.text(), isSecret: kind === 'Secret', ...isWhole });
      yield { place, key, templateAs, entry };
    }
  }
  if (from.literal === undefined || from.literal === '') return;
  const place = `${at}.literal`;
  const entry = render({ at: place, name: 'literal', text: from.literal, isDrawnKept: false });
  yield { place, key: 'literal', templateAs: 'KeysAndValues', entry };
}

/** The keys and values of a rendered item, decoded as its entry of templateFrom says. Throws InvalidTemplate and InvalidValue. */
export function entriesOf(
  { place, key, templateAs, entry }: RenderedItem,
  { valuesDecodingStrategy }: TemplateFrom,
  { budget }: RenderContext,
): readonly (readonly [key: string, entry: Entry])[] {
  const { value, isVolatile } = entry;
  try {
    const found = templateAs === 'Values' ? [[key, value] as const] : keysAndValues(value.toString(), budget);
    return [...found].map(([name, one]) => {
      const bytes = typeof one === 'string' ? Buffer.from(one) : one;
      return [name, { value: decoded(name, bytes, valuesDecodingStrategy), isVolatile }];
    });
  } catch (thrown) {
    throw asOperatorError(thrown).within(place);
  }
}

/** Throws InvalidValue that names the key. */
export function decoded(key: string, value: Buffer, strategy: TemplateFrom['valuesDecodingStrategy']): Buffer {
  try {
    return decodeValue(value, strategy);
  } catch (thrown) {
    throw asOperatorError(thrown).within(`the rendered value of key ${shown(key)}`);
  }
}

export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
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

/** Throws InvalidTemplate. */
export function refuseForbidden({
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
