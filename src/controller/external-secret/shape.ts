// What the target is to hold, of what was read: as it is, or as the template makes it. What a template draws at random is
// kept from one refresh to the next as long as nothing changed that it was made from.
import type { Desk } from '../../core/jobs.ts';
import {
  inputsDigest,
  isVolatile,
  keptManifest,
  keptVolatile,
  templateInputsAnnotation,
} from '../../core/kept-volatile.ts';
import { type ManifestBlueprint, plainManifest } from '../../core/manifest/manifest-blueprint.ts';
import { contentOf } from '../../core/manifest/manifest-plan.ts';
import { type Blueprint, isTargetValid, plainBlueprint } from '../../core/target-plan.ts';
import { policyOf } from '../../core/target-policy.ts';
import type { RenderedTarget } from '../../core/target-template.ts';
import { type TemplateInput, templateRefs } from '../../core/template-texts.ts';
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
  const rendered = await desk.run('render', { ...input, nowMs: rooms.clock.nowMs(), seed: newSeed() });
  return isVolatile(rendered) ? await kept(es, input, rendered, rooms, signal) : rendered;
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
  const rendered = await desk.run('manifest', { ...input, nowMs: rooms.clock.nowMs(), seed: newSeed() });
  if (!isVolatile(rendered)) return rendered;
  const digest = inputsDigest(input, es.uid, forceSyncsOf(es));
  const marked = (made: ManifestBlueprint): ManifestBlueprint => ({
    ...made,
    annotations: { ...made.annotations, [templateInputsAnnotation]: digest },
  });
  if (rooms.manifests.get(es)?.annotations[templateInputsAnnotation] !== digest) return marked(rendered);
  const present = await lookAt(es, open, rooms, signal);
  if (present?.observed.annotations[templateInputsAnnotation] !== digest) return marked(rendered);
  if (!isTargetValid(rooms.manifests.get(es))) return marked(rendered);
  const { labels, annotations } = present.observed;
  const there = { content: contentOf(present.object), labels, annotations };
  return marked(keptManifest(rendered, there, rooms.clock.nowMs()) ?? rendered);
}

function newSeed(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
}

async function kept(
  es: ExternalSecretRecord,
  input: TemplateInput,
  rendered: RenderedTarget,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Blueprint> {
  const digest = inputsDigest(input, es.uid, forceSyncsOf(es));
  const marked = (target: RenderedTarget): Blueprint => ({
    ...target,
    annotations: { ...target.annotations, [templateInputsAnnotation]: digest },
  });
  if (rooms.targets.get(targetKey(es))?.annotations[templateInputsAnnotation] !== digest) return marked(rendered);
  const { observed, present } = await look(es, rooms, signal);
  const isSame =
    isTargetValid(observed) &&
    observed?.annotations[templateInputsAnnotation] === digest &&
    observed.type === (rendered.type ?? observed.type);
  if (observed === undefined || present === undefined || !isSame) return marked(rendered);
  const { labels, annotations } = observed;
  return marked(keptVolatile(rendered, { data: present.data, labels, annotations }, rooms.clock.nowMs()) ?? rendered);
}
