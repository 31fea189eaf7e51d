// A certificate authority that a manifest names: the text becomes certificates, the certificates a TLS context that trusts
// them besides the system's roots. Knows the encodings that manifests use; when to connect is left to others.
import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { OperatorError } from '../base/operator-error.ts';

export interface CaCertificates {
  /** Equal for equal sets of certificates, however they were written. */
  readonly key: string;
  readonly pem: string;
}

/** Base64 holds no dash, so that a text of many openings without an end is still read in linear time. */
const certificateBlock =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** Manifests are seen with PEM, its base64, and the base64 of that (`caBundle` is bytes, and people encode once more). */
const mostEncodings = 2;

/**
 * Certificates in PEM, or in base64 of PEM up to twice. What is not a certificate between them is passed over, as Go does.
 * Expired ones are kept: the handshake says so when it matters. Throws `InvalidCredential` when no certificate is found.
 */
export function parseCaCertificates(text: string): CaCertificates {
  let pem = text;
  for (let i = 0; i < mostEncodings && !pem.includes('-----BEGIN'); i++)
    pem = Buffer.from(pem, 'base64').toString('latin1');
  const byFingerprint = new Map<string, string>();
  for (const [block] of pem.matchAll(certificateBlock)) {
    const certificate = parseCertificate(block);
    if (certificate !== undefined) byFingerprint.set(certificate.fingerprint256, certificate.toString());
  }
  if (byFingerprint.size === 0) {
    throw new OperatorError(
      'InvalidCredential',
      'the CA holds no certificate: give PEM ("-----BEGIN CERTIFICATE-----") or base64 of PEM',
    );
  }
  const fingerprints = [...byFingerprint.keys()].sort();
  const key = createHash('sha256').update(fingerprints.join()).digest('hex');
  return { key, pem: fingerprints.map((fingerprint) => byFingerprint.get(fingerprint)).join('') };
}

/**
 * A TLS context that trusts the system's roots (Node's default set, `NODE_EXTRA_CA_CERTS` included) and the given
 * certificates. Without certificates it is the default one.
 */
export function trustContext(pem: string | undefined): SecureContext {
  if (pem === undefined) return createSecureContext();
  const context = createSecureContext();
  // `ca` replaces the roots, so they would have to be parsed once more for each CA: 1.3 MB and 11 ms (265 roots). The
  // native context adds to a copy of the shared store, with the roots themselves shared: 0.3 ms, no memory to speak of.
  // It is not documented, hence the second way.
  const native: unknown = context.context;
  if (!canAddCertificates(native)) return createSecureContext({ ca: [...getCACertificates('default'), pem] });
  for (const [block] of pem.matchAll(certificateBlock)) native.addCACert(block);
  return context;
}

function canAddCertificates(native: unknown): native is { addCACert(pem: string): void } {
  return (
    typeof native === 'object' && native !== null && 'addCACert' in native && typeof native.addCACert === 'function'
  );
}

function parseCertificate(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    // The error may quote the block; the caller says all that a user needs.
    return undefined;
  }
}
