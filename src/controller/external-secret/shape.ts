// What the target is to hold, of what was read: as it is, or as the template makes it. What a template draws at random is
// kept from one refresh to the next as long as nothing changed that it was made from.
import type { Desk } from '../../core/jobs.ts';
import {
  inputsDigest,
  isVolatile,
  type KeptHow,
  keptManifest,
  keptVolatile,
  markedAsDrawn,
  templateInputsAnnotation,
} from '../../core/kept-volatile.ts';
import { type ManifestBlueprint, plainManifest } from '../../core/manifest/manifest-blueprint.ts';
import { contentOf } from '../../core/manifest/manifest-plan.ts';
import type { RenderedManifest } from '../../core/manifest/manifest-template.ts';
import { type Blueprint, type ObservedTarget, plainBlueprint } from '../../core/target-plan.ts';
import { policyOf } from '../../core/target-policy.ts';
import type { RenderedTarget } from '../../core/target-template.ts';
import { templateRefs } from '../../core/template-refs.ts';
import type { TemplateInput } from '../../core/template-texts.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { look, targetKey } from './apply.ts';
import { lookAt } from './apply-manifest.ts';
import type { Rooms } from './context.ts';
import { forceSyncsOf } from './duty.ts';
import type { OpenKind } from './manifest-targets.ts';
import type { Sources } from './read.ts';

/** Throws what rendering throws, ReferenceNotFound for a template's object, and what reading it throws. */
export async function shapeTarget(
  es: ExternalSecretRecord,
  spec: ExternalSecretSpec,
  { data }: Pick<Sources, 'data'>,
  desk: Desk,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Blueprint> {
  const { template, creationPolicy } = spec.target;
  const texts = await rooms.templates.read(es, template === undefined ? [] : templateRefs(template), signal);
  if (template === undefined) return plainBlueprint(es, data);
  const { deletion, immutable } = policyOf(spec);
  const isFrozen = immutable && rooms.targets.get(targetKey(es)) !== undefined;
  const isNothingWritten = creationPolicy === 'None' || (data.size === 0 && deletion !== 'Merge');
  if (isFrozen || isNothingWritten) return { ...plainBlueprint(es, data), labels: {}, annotations: {} };
  const input: TemplateInput = { template, data, texts, delimiters: rooms.templateDelimiters };
  const how = howKept(es, input, rooms);
  const render = (isDrawnKept: boolean) =>
    desk.run('render', { ...input, isDrawnKept, nowMs: how.nowMs, seed: newSeed() });
  const kept = async () => {
    const { observed, present } = await look(es, rooms, signal);
    if (observed === undefined || present === undefined || !isMarked(observed, how)) return undefined;
    const rendered = await render(true);
    const isSameType = observed.type === (rendered.type ?? observed.type);
    return isSameType ? keptVolatile(rendered, { ...observed, data: present.data }, how) : undefined;
  };
  return await keptOrDrawn(isMarked(rooms.targets.get(targetKey(es)), how), kept, () => render(false), how);
}

/** The same for a target of another kind. */
export async function shapeManifest(
  es: ExternalSecretRecord,
  spec: ExternalSecretSpec,
  open: OpenKind,
  { data }: Pick<Sources, 'data'>,
  desk: Desk,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<ManifestBlueprint> {
  const { template, creationPolicy } = spec.target;
  const texts = await rooms.templates.read(es, template === undefined ? [] : templateRefs(template), signal);
  const isNothingWritten = creationPolicy === 'None' || (data.size === 0 && policyOf(spec).deletion !== 'Merge');
  if (isNothingWritten) return { fields: [], labels: {}, annotations: {} };
  if (template === undefined) return plainManifest(open.kind, es, data);
  const input: TemplateInput = { template, data, texts, delimiters: rooms.templateDelimiters };
  const how = howKept(es, input, rooms);
  const render = (isDrawnKept: boolean) =>
    desk.run('manifest', { ...input, isDrawnKept, nowMs: how.nowMs, seed: newSeed() });
  const kept = async () => {
    const present = await lookAt(es, open, rooms, signal);
    if (present === undefined || !isMarked(present.observed, how)) return undefined;
    return keptManifest(await render(true), { ...present.observed, content: contentOf(present.object) }, how);
  };
  return await keptOrDrawn(isMarked(rooms.manifests.get(es), how), kept, () => render(false), how);
}

/**
 * What is kept of an earlier render, or else a new one. `kept` looks at the target in the cluster. It is asked at once when
 * the caches show the target of these inputs, and else before anything that was drawn is used: another process may have
 * written it, and no cache shows it yet.
 */
async function keptOrDrawn<R extends RenderedTarget | RenderedManifest>(
  isKnown: boolean,
  kept: () => Promise<R | undefined>,
  render: () => Promise<R>,
  how: KeptHow,
): Promise<R> {
  const known = isKnown ? await kept() : undefined;
  if (known !== undefined) return known;
  const rendered = await render();
  if (!isVolatile(rendered)) return rendered;
  return (isKnown ? undefined : await kept()) ?? markedAsDrawn(rendered, how.digest, how.uid, how.nowMs);
}

function howKept(es: ExternalSecretRecord, input: TemplateInput, { clock }: Rooms): KeptHow {
  return { digest: inputsDigest(input, es.uid, forceSyncsOf(es)), uid: es.uid, nowMs: clock.nowMs() };
}

/** Whether the target was rendered, with something drawn, from just these inputs. */
function isMarked(target: ObservedTarget | undefined, { digest }: KeptHow): boolean {
  return target?.deleting === false && target.annotations[templateInputsAnnotation] === digest;
}

function newSeed(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
}
