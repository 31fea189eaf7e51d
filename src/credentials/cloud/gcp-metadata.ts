// Identity tokens of the operator's own identity on Google Cloud: from the metadata server of the machine, or from the
// service account key that GOOGLE_APPLICATION_CREDENTIALS names.
// https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity

import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { Upstream } from '../../http/contract.ts';
import { ask, refusal, unexpected } from './answers.ts';
import { googleMetadata } from './endpoints.ts';
import type { CloudEnvironment } from './environment.ts';
import { type ReadFile, readNamedFile } from './files.ts';
import { fetchGoogleIdToken, parseServiceAccountKey, serviceAccountType } from './gcp-service-account.ts';

export interface GooglePorts {
  readonly environment: CloudEnvironment;
  readonly metadata: Upstream;
  readonly upstream: Upstream;
  readonly readFile: ReadFile;
  readonly clock: Pick<Clock, 'nowMs'>;
}

const what = 'Google metadata server';
const jwtForm = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * An identity token for an audience. Throws InvalidCredential (a malformed variable or file), LoginRejected (no service
 * account, or it is refused), UpstreamUnavailable, UpstreamInvalid.
 */
export async function gcpIdToken(ports: GooglePorts, audience: string, signal: AbortSignal): Promise<SecretValue> {
  const variable = 'GOOGLE_APPLICATION_CREDENTIALS';
  const path = ports.environment[variable];
  if (!path) return metadataToken(ports, audience, signal);
  const file = await readNamedFile(ports.readFile, { variable, path }, signal);
  // Files of other types (federation, a person's login) cannot give such a token; the machine may.
  if (serviceAccountType(file) === 'other') return metadataToken(ports, audience, signal);
  const key = parseServiceAccountKey(file, variable);
  return fetchGoogleIdToken(ports, key, audience, signal);
}

async function metadataToken(
  { environment, metadata }: GooglePorts,
  audience: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  const root = googleMetadata(environment);
  const url = new URL('computeMetadata/v1/instance/service-accounts/default/identity', root);
  url.searchParams.set('audience', audience);
  url.searchParams.set('format', 'full');
  const headers = { 'metadata-flavor': 'Google' };
  const answer = await ask(metadata, what, { method: 'GET', url, headers }, signal);
  if (answer.status === 404) {
    const hint =
      'the machine has no service account: attach one, or bind the ServiceAccount to one (Workload Identity)';
    throw new OperatorError('LoginRejected', `${what} answered HTTP 404: ${hint}`);
  }
  if (answer.status !== 200) throw refusal(answer, what, { hint: 'check the service account of the operator' });
  const token = answer.body.toString('utf8').trim();
  // The real one says who it is; a captive portal or a proxy does not.
  if (answer.headers['metadata-flavor'] !== 'Google' || !jwtForm.test(token)) throw unexpected(what);
  return new SecretValue(token);
}
