// The jobs that templates do, and the language with them: loaded when the first of these jobs comes (parts.ts).
import type { Budget } from './budget.ts';
import { webhookCall as callOf, webhookValues as valuesOf } from './generators/webhook.ts';
import type { JobTable } from './jobs.ts';
import { renderManifest } from './manifest/manifest-template.ts';
import { type RenderContext, randomFrom } from './rendering.ts';
import { renderTarget } from './target-template.ts';

export { transformKeyWith } from './transform-key.ts';

export function render(order: JobTable['render']['input'], budget: Budget): JobTable['render']['output'] {
  return renderTarget(order, contextOf(order, budget));
}

export function manifest(order: JobTable['manifest']['input'], budget: Budget): JobTable['manifest']['output'] {
  return renderManifest(order, contextOf(order, budget));
}

export function webhookCall(
  order: JobTable['webhookCall']['input'],
  budget: Budget,
): JobTable['webhookCall']['output'] {
  return callOf(order.spec, order.secrets, contextOf(order, budget));
}

export function webhookValues(
  { jsonPath, text }: JobTable['webhookValues']['input'],
  budget: Budget,
): JobTable['webhookValues']['output'] {
  return valuesOf(jsonPath, text, budget);
}

function contextOf({ nowMs, seed }: { readonly nowMs: number; readonly seed: string }, budget: Budget): RenderContext {
  return { budget, nowMs, randomBytes: randomFrom(Buffer.from(seed, 'hex')) };
}
