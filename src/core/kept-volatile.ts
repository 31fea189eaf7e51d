// Templates that draw random bytes or read the clock give something new at each render. What they gave is kept for as long
// as their inputs, their text and the type stay the same, and it is as it was drawn: the target carries a digest of each,
// so a restart knows too. Certificates that a template makes are made anew when a third of their life is left.
import { createHmac } from 'node:crypto';
import { fieldOf, jsonOf } from './manifest/manifest-blueprint.ts';
import type { RenderedManifest } from './manifest/manifest-template.ts';
import { type JsonMap, valueAt } from './manifest/object-path.ts';
import { ownValue, withoutEmpty, writtenValue } from './manifest/written-fields.ts';
import type { SecretValue } from './secret-value.ts';
import { rfc3339 } from './sync-status.ts';
import type { RenderedTarget } from './target-template.ts';
import type { TemplateTexts } from './template-refs.ts';
import type { TemplateInput } from './template-texts.ts';

/** On targets whose template draws random bytes or reads the clock: digest of all that the template was rendered from. */
export const templateInputsAnnotation = 'escapement.dev/template-inputs';
/** On the same targets: digest of what was drawn. */
export const templateDrawnAnnotation = 'escapement.dev/template-drawn';
/** On targets whose template makes certificates: when they are made anew. */
export const renewAtAnnotation = 'escapement.dev/renew-at';

type Texts = Readonly<Record<string, string>>;
type Rendered = RenderedTarget | RenderedManifest;

export function isVolatile({ volatile }: Pick<Rendered, 'volatile'>): boolean {
  return Object.values(volatile).some((entries) => entries.length > 0);
}

/**
 * Digest of template, values and texts. `uid` of the ExternalSecret is its key, so that equal inputs of two objects do not
 * show; `force` is what a user sets to have everything made anew.
 */
export function inputsDigest({ template, data, texts }: TemplateInput, uid: string, force: readonly string[]): string {
  const hmac = createHmac('sha256', uid).update(JSON.stringify([template, force]));
  const add = (values: ReadonlyMap<string, SecretValue>) => {
    for (const [key, value] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
      hmac.update(JSON.stringify([key, value.length])).update(value.reveal());
    }
  };
  add(data);
  for (const [ref, keys] of usedTexts(template, texts)) {
    hmac.update(JSON.stringify(ref));
    add(keys);
  }
  return hmac.digest('hex');
}

/** Only the keys that the template names count: others may change as they like. */
function usedTexts({ templateFrom = [] }: TemplateInput['template'], texts: TemplateTexts) {
  const used = new Set(
    templateFrom.flatMap(({ configMap, secret }) => [
      ...(configMap?.items ?? []).map(({ key }) => `ConfigMap/${configMap?.name}/${key}`),
      ...(secret?.items ?? []).map(({ key }) => `Secret/${secret?.name}/${key}`),
    ]),
  );
  return [...texts]
    .map(([ref, keys]) => [ref, new Map([...keys].filter(([key]) => used.has(`${ref}/${key}`)))] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The share of a certificate's life after which it is made anew. */
const renewAtShare = 2 / 3;
/** The end of the year 9999, the last that RFC 3339 can write. */
const lastInstantMs = 253_402_300_799_000;

/** The target with the annotations that tell a later render what was drawn, from what, and until when; `nowMs` is epoch ms. */
export function markedAsDrawn<R extends Rendered>(rendered: R, digest: string, uid: string, nowMs: number): R {
  const life = rendered.certificateLifeMs;
  const renewAtMs = Math.min(nowMs + (life ?? 0) * renewAtShare, lastInstantMs);
  const renewal = life === undefined || life <= 0 ? {} : { [renewAtAnnotation]: rfc3339(renewAtMs) };
  return { ...rendered, annotations: { ...rendered.annotations, ...drawnMarks(rendered, digest, uid), ...renewal } };
}

function drawnMarks(rendered: Rendered, digest: string, uid: string): Texts {
  return { [templateInputsAnnotation]: digest, [templateDrawnAnnotation]: drawnDigest(rendered, uid) };
}

function drawnDigest(rendered: Rendered, uid: string): string {
  const hmac = createHmac('sha256', uid);
  const add = (key: unknown, value: Buffer) => hmac.update(JSON.stringify([key, value.length])).update(value);
  if ('fields' in rendered) {
    for (const at of rendered.volatile.fields) {
      const own = ownValue(rendered.fields, at);
      if (own !== undefined) add(rendered.fields[at]?.path, Buffer.from(sortedJson(withoutEmpty(own))));
    }
  } else {
    for (const key of rendered.volatile.data) add(key, rendered.data.get(key)?.reveal() ?? Buffer.alloc(0));
  }
  for (const part of ['labels', 'annotations'] as const)
    for (const key of rendered.volatile[part]) add([part, key], Buffer.from(rendered[part][key] ?? ''));
  return hmac.digest('hex');
}

/** The API server gives members of an object in an order of its own. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/** When what was drawn is to be drawn anew by itself, in epoch ms; undefined for never. */
export function renewalOf({ annotations }: { readonly annotations: Texts }): number | undefined {
  const atMs = Date.parse(annotations[renewAtAnnotation] ?? '');
  return Number.isNaN(atMs) ? undefined : atMs;
}

/** What is there of an earlier render of the same inputs. */
export interface Earlier {
  readonly labels: Texts;
  readonly annotations: Texts;
}

export interface KeptHow {
  readonly digest: string;
  readonly uid: string;
  /** Epoch ms. */
  readonly nowMs: number;
}

/**
 * The target with its volatile entries as they are there; undefined when one of them is not as it was drawn, or when
 * certificates among them are to be renewed: then everything is to be made anew.
 */
export function keptVolatile(
  rendered: RenderedTarget,
  there: Earlier & Pick<RenderedTarget, 'data'>,
  how: KeptHow,
): RenderedTarget | undefined {
  const data = new Map(rendered.data);
  for (const key of rendered.volatile.data) {
    const value = there.data.get(key);
    if (value === undefined) return undefined;
    data.set(key, value);
  }
  return withEarlierMarks({ ...rendered, data }, there, how);
}

/** The same for a target of another kind; `content` is what the object holds, of which only what we wrote counts. */
export function keptManifest(
  rendered: RenderedManifest,
  there: Earlier & { readonly content: JsonMap },
  how: KeptHow,
): RenderedManifest | undefined {
  const fields = [...rendered.fields];
  for (const at of rendered.volatile.fields) {
    const field = rendered.fields[at];
    if (field === undefined) continue;
    const value = valueAt(there.content, field.path);
    if (value === undefined) return undefined;
    fields[at] = fieldOf(field.path, writtenValue(value, field.path, there.annotations, jsonOf(field)), field);
  }
  return withEarlierMarks({ ...rendered, fields }, there, how);
}

function withEarlierMarks<R extends Rendered>(
  rendered: R,
  there: Earlier,
  { digest, uid, nowMs }: KeptHow,
): R | undefined {
  const labels = overlaid(rendered.labels, rendered.volatile.labels, there.labels);
  const annotations = overlaid(rendered.annotations, rendered.volatile.annotations, there.annotations);
  if (labels === undefined || annotations === undefined) return undefined;
  const kept = { ...rendered, labels, annotations };
  const marks = drawnMarks(kept, digest, uid);
  if (Object.entries(marks).some(([name, value]) => there.annotations[name] !== value)) return undefined;
  const renewAt = there.annotations[renewAtAnnotation];
  const { certificateLifeMs: life } = rendered;
  if (life === undefined || life <= 0) return { ...kept, annotations: { ...annotations, ...marks } };
  const renewAtMs = renewalOf(there);
  if (renewAt === undefined || renewAtMs === undefined || nowMs >= renewAtMs) return undefined;
  return { ...kept, annotations: { ...annotations, ...marks, [renewAtAnnotation]: renewAt } };
}

function overlaid(rendered: Texts, keys: readonly string[], earlier: Texts): Texts | undefined {
  const kept: Record<string, string> = {};
  for (const key of keys) {
    const value = earlier[key];
    if (value === undefined) return undefined;
    kept[key] = value;
  }
  return { ...rendered, ...kept };
}
