// The operator's own identities in the clouds, as one set of sources. Who may use them, and which host may see what they
// give, is decided before they are handed out.
import type { AmbientSources } from '../../auth/contract.ts';
import type { Clock } from '../../base/clock.ts';
import type { Upstream } from '../../http/contract.ts';
import { awsCredentialChain } from './aws/chain.ts';
import { azureToken } from './azure.ts';
import type { CloudEnvironment } from './environment.ts';
import type { ReadFile } from './files.ts';
import { gcpIdToken } from './gcp-metadata.ts';
import { gcpSignedJwt } from './gcp-service-account.ts';

export type CloudSources = Pick<AmbientSources, 'aws' | 'azureToken' | 'gcpIdToken' | 'gcpSignedJwt'>;

export interface CloudPorts {
  readonly environment: CloudEnvironment;
  /** The way to metadata services, and to nothing else. */
  readonly metadata: Upstream;
  /** The way to the clouds' public APIs. */
  readonly upstream: Upstream;
  readonly readFile: ReadFile;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Asks nobody before it is used. */
export function createCloudSources(ports: CloudPorts): CloudSources {
  return {
    aws: awsCredentialChain(ports),
    azureToken: (resource, signal) => azureToken(ports, resource, signal),
    gcpIdToken: (audience, signal) => gcpIdToken(ports, audience, signal),
    gcpSignedJwt: (keyFile, request, signal) => gcpSignedJwt(ports, keyFile, request, signal),
  };
}
