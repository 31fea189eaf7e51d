// What the target is to hold, of what was read: as it is, or as the template makes it. What a template draws at random is
// kept from one refresh to the next as long as nothing changed that it was made from.
import type { Desk } from '../../core/jobs.ts';
import { inputsDigest, isVolatile, keptVolatile, templateInputsAnnotation } from '../../core/kept-volatile.ts';
import { type Blueprint, isTargetValid, plainBlueprint } from '../../core/target-plan.ts';
import { policyOf } from '../../core/target-policy.ts';
import type { RenderedTarget } from '../../core/target-template.ts';
import { type TemplateInput, templateRefs } from '../../core/template-texts.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { look, targetKey } from './apply.ts';
import type { Rooms } from './context.ts';
import { forceSyncsOf } from './duty.ts';
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
  const seed = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
  const rendered = await desk.run('render', { ...input, nowMs: rooms.clock.nowMs(), seed });
  return isVolatile(rendered) ? await kept(es, input, rendered, rooms, signal) : rendered;
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
