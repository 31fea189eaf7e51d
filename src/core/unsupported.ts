// What an ExternalSecret may ask for that is accepted by the schema but not served: refused with a clear condition, never
// silently ignored, and the Secret that is there stays as it is. And the rules that ESO keeps in its admission webhook.

import { OperatorError } from '../base/operator-error.ts';
import type { ExternalSecretSpec } from '../crds/external-secret.ts';

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
  const seen = new Set<string>();
  for (const { secretKey } of spec.data ?? []) {
    if (seen.has(secretKey)) broken.push(`duplicate secretKey found: ${secretKey}`);
    seen.add(secretKey);
  }
  return broken;
}
