// What every source of AWS credentials gives, and what it is given.
import { OperatorError } from '../../../base/operator-error.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { Upstream } from '../../../http/contract.ts';
import type { CloudEnvironment } from '../environment.ts';
import type { ReadFile } from '../files.ts';

export interface AwsPorts {
  readonly environment: CloudEnvironment;
  readonly metadata: Upstream;
  readonly upstream: Upstream;
  readonly readFile: ReadFile;
}

export interface FoundCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretValue;
  readonly sessionToken?: SecretValue;
  /** Epoch ms; absent for keys without an end. */
  readonly expiresAtMs?: number;
  /** Which source, and whose; no secret. */
  readonly principal: string;
}

/** Undefined when nothing is configured there; one that is configured and fails throws, and no later one is asked. */
export type AwsSource = (ports: AwsPorts, signal: AbortSignal) => Promise<FoundCredentials | undefined>;

interface RawCredentials {
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken?: string | undefined;
  /** ISO 8601. */
  readonly expiration?: string | undefined;
}

/** Checks the parts. Throws InvalidCredential saying where one of a pair is missing, and UpstreamInvalid for an odd date. */
export function foundCredentials(raw: RawCredentials, principal: string): FoundCredentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = raw;
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? 'secret access key' : 'access key id';
    throw new OperatorError('InvalidCredential', `AWS credentials of ${principal}: the ${missing} is missing`);
  }
  // It stands in the Authorization header, where anything else would be part of the syntax.
  if (!/^\w{4,128}$/.test(accessKeyId)) {
    throw new OperatorError('InvalidCredential', `AWS credentials of ${principal}: the access key id is malformed`);
  }
  const expiresAtMs = expiration === undefined ? undefined : Date.parse(expiration);
  if (Number.isNaN(expiresAtMs)) {
    throw new OperatorError('UpstreamInvalid', `AWS credentials of ${principal}: the expiration is no date`);
  }
  return {
    accessKeyId,
    secretAccessKey: new SecretValue(secretAccessKey),
    ...(sessionToken ? { sessionToken: new SecretValue(sessionToken) } : {}),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    principal,
  };
}
