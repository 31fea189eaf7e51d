// The certificates that a store names for its host: `caBundle` in the manifest, or an object that `caProvider` points to.
import { OperatorError } from '../../base/operator-error.ts';
import type { CaProvider, ConnectContext } from '../contract.ts';

/** The two members that every provider with a host of its own has. */
export interface CaFields {
  readonly caBundle?: string | undefined;
  readonly caProvider?: CaProvider | undefined;
}

/**
 * The PEM text, or undefined when the store names none; `caBundle` wins. `block` is the provider's block, for messages.
 * Throws InvalidCredential, and what caText throws.
 */
export async function readCa(
  block: string,
  spec: CaFields,
  context: ConnectContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (spec.caBundle) return decodeBundle(block, spec.caBundle);
  return spec.caProvider === undefined ? undefined : context.caText(spec.caProvider, signal);
}

/** Manifests carry PEM in base64, some twice encoded; what an API server did not check may be plain PEM. */
export function decodeBundle(block: string, bundle: string): string {
  let text = bundle;
  for (let decodings = 0; decodings <= 2; decodings++) {
    if (text.includes('-----BEGIN ')) return text;
    text = Buffer.from(text, 'base64').toString('utf8');
  }
  throw new OperatorError(
    'InvalidCredential',
    `${block}.caBundle holds no PEM certificate: encode the PEM text in base64`,
  );
}
