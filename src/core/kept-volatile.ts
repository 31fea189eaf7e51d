// Templates that draw random bytes or read the clock give something new at each render. What they gave is kept for as long
// as their inputs, their text and the type stay the same: the target carries a digest of those, so a restart knows too.
import { createHmac, X509Certificate } from 'node:crypto';
import { fieldOf, jsonOf } from './manifest/manifest-blueprint.ts';
import type { RenderedManifest } from './manifest/manifest-template.ts';
import { isMap, type Json, type JsonMap, valueAt } from './manifest/object-path.ts';
import type { SecretValue } from './secret-value.ts';
import type { RenderedTarget } from './target-template.ts';
import type { TemplateInput, TemplateTexts } from './template-texts.ts';

/** On targets whose template draws random bytes or reads the clock: digest of all that the template was rendered from. */
export const templateInputsAnnotation = 'escapement.dev/template-inputs';

export function isVolatile({ volatile }: Pick<RenderedTarget | RenderedManifest, 'volatile'>): boolean {
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

/** What is there of an earlier render of the same inputs. */
type Earlier = Pick<RenderedTarget, 'data' | 'labels' | 'annotations'>;

/**
 * The target with its volatile entries as they are there; undefined when one of them is not there, or is a certificate
 * of whose life a third or less is left: then everything is to be made anew.
 */
export function keptVolatile(rendered: RenderedTarget, earlier: Earlier, nowMs: number): RenderedTarget | undefined {
  const data = new Map(rendered.data);
  for (const key of rendered.volatile.data) {
    const value = earlier.data.get(key);
    if (value === undefined || isWearingOut(value.text(), nowMs)) return undefined;
    data.set(key, value);
  }
  const labels = overlaid(rendered.labels, rendered.volatile.labels, earlier.labels);
  const annotations = overlaid(rendered.annotations, rendered.volatile.annotations, earlier.annotations);
  if (labels === undefined || annotations === undefined) return undefined;
  return { ...rendered, data, labels, annotations };
}

/** The same for a manifest target; `there` is what the object holds, with its labels and annotations. */
export function keptManifest(
  rendered: RenderedManifest,
  there: { readonly content: JsonMap; readonly labels: Texts; readonly annotations: Texts },
  nowMs: number,
): RenderedManifest | undefined {
  const fields = [...rendered.fields];
  for (const at of rendered.volatile.fields) {
    const field = rendered.fields[at];
    if (field === undefined) continue;
    const value = valueAt(there.content, field.path);
    if (value === undefined || textsIn(value).some((text) => isWearingOut(text, nowMs))) return undefined;
    const drawn = jsonOf(field);
    // Of a map that is merged, the other members are not of our making.
    const own = (map: JsonMap) =>
      Object.fromEntries(Object.entries(map).filter(([name]) => isMap(drawn) && Object.hasOwn(drawn, name)));
    fields[at] = fieldOf(field.path, field.isMerge === true && isMap(value) ? own(value) : value, field);
  }
  const labels = overlaid(rendered.labels, rendered.volatile.labels, there.labels);
  const annotations = overlaid(rendered.annotations, rendered.volatile.annotations, there.annotations);
  return labels === undefined || annotations === undefined ? undefined : { ...rendered, fields, labels, annotations };
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

type Texts = Readonly<Record<string, string>>;

function overlaid(rendered: Texts, keys: readonly string[], earlier: Texts): Texts | undefined {
  const kept: Record<string, string> = {};
  for (const key of keys) {
    const value = earlier[key];
    if (value === undefined) return undefined;
    kept[key] = value;
  }
  return { ...rendered, ...kept };
}

const certificates = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** Chains are short; a text of thousands is no chain. */
const certificatesMax = 20;

function isWearingOut(text: string, nowMs: number): boolean {
  return (text.match(certificates) ?? []).slice(0, certificatesMax).some((pem) => {
    try {
      const { validFrom, validTo } = new X509Certificate(pem);
      const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
      return nowMs >= to - (to - from) / 3;
    } catch {
      return false; // not one of those that a template makes
    }
  });
}
