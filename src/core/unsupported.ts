// What an ExternalSecret may ask for that is accepted by the schema but not served: refused with a clear condition, never
// silently ignored, and the Secret that is there stays as it is. And the rules that ESO keeps in its admission webhook.

import { OperatorError } from '../base/operator-error.ts';
import type { ExternalSecretSpec } from '../crds/external-secret.ts';
import { isPowerful } from './target-plan.ts';

/** Throws Unsupported naming the first field that is not served yet. */
export function refuseUnsupported(spec: ExternalSecretSpec): void {
  const field = unsupportedField(spec);
  if (field === undefined) return;
  throw new OperatorError(
    'Unsupported',
    `${field} is not supported by this version of Escapement; the target Secret is left as it is`,
  );
}

function unsupportedField(spec: ExternalSecretSpec): string | undefined {
  for (const [i, entry] of (spec.data ?? []).entries()) {
    if (entry.sourceRef?.generatorRef !== undefined) return `spec.data[${i}].sourceRef.generatorRef`;
  }
  return undefined;
}

/** Throws InvalidSpec with every broken rule of ESO's admission webhook that concerns served fields. */
export function refuseInvalid(spec: ExternalSecretSpec): void {
  const broken = brokenRules(spec);
  if (broken.length > 0) throw new OperatorError('InvalidSpec', broken.join('; '));
}

function brokenRules(spec: ExternalSecretSpec): readonly string[] {
  const broken: string[] = [];
  if ((spec.data ?? []).length === 0 && (spec.dataFrom ?? []).length === 0)
    broken.push('either data or dataFrom should be specified');
  for (const [i, entry] of (spec.dataFrom ?? []).entries()) {
    const at = `spec.dataFrom[${i}]`;
    const sources = [entry.extract, entry.find, entry.sourceRef?.generatorRef];
    if (sources.filter((source) => source !== undefined).length > 1)
      broken.push(`${at}: extract, find, or generatorRef cannot be set at the same time`);
    if (entry.extract === undefined && entry.find === undefined && entry.sourceRef === undefined) {
      broken.push(`${at}: either extract, find, or sourceRef must be set to dataFrom`);
    }
  }
  broken.push(...brokenTemplateRules(spec));
  if (spec.target.deletionPolicy !== 'Retain') return broken; // else the last of equal keys counts, as in ESO
  const seen = new Set<string>();
  for (const { secretKey } of spec.data ?? []) {
    if (seen.has(secretKey)) broken.push(`duplicate secretKey found: ${secretKey}`);
    seen.add(secretKey);
  }
  return broken;
}

/** Told before anything is read, as they follow from the spec alone; what a template makes is judged when it is rendered. */
function brokenTemplateRules({ target: { template, manifest } }: ExternalSecretSpec): readonly string[] {
  if (manifest !== undefined && !(manifest.apiVersion === 'v1' && manifest.kind === 'Secret')) return [];
  const { type = '', templateFrom = [] } = template ?? {};
  const broken = isPowerful(type) ? [`spec.target.template.type="${type}" is not allowed: it lets somebody in`] : [];
  for (const [i, { target }] of templateFrom.entries()) {
    if (['', 'data', 'annotations', 'labels'].includes(target.toLowerCase())) continue;
    broken.push(
      `spec.target.template.templateFrom[${i}].target="${target}" is not allowed when targeting a Secret, must be one of "Data", "Annotations" or "Labels"`,
    );
  }
  return broken;
}

/**
 * Rules of ESO's admission webhook that its controller can live with: an object that breaks one may be there already, and
 * works until its last value goes. So it is served, and its owner is told.
 */
export function doubtsAbout({ target }: ExternalSecretSpec): readonly string[] {
  const { creationPolicy: creation, deletionPolicy: deletion } = target;
  if (deletion === 'Delete' && (creation === 'Merge' || creation === 'None' || creation === 'CreateOrMerge'))
    return [
      "deletionPolicy=Delete must not be used when the controller doesn't own the secret. Please set creationPolicy=Owner",
    ];
  if (deletion === 'Merge' && creation === 'None')
    return ['deletionPolicy=Merge must not be used with creationPolicy=None. There is no Secret to merge with'];
  return [];
}
