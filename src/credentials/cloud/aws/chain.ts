// The operator's AWS credentials, found as the SDKs find them: the first source that is configured counts. Those with an
// end are kept until shortly before it, and fetched once for all who ask meanwhile.
import type { AwsCredentials } from '../../../auth/contract.ts';
import type { Clock } from '../../../base/clock.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { keptFetch } from '../kept-fetch.ts';
import { containerRole } from './container.ts';
import type { AwsPorts, AwsSource, FoundCredentials } from './found.ts';
import { instanceRole } from './instance.ts';
import { awsRegion } from './region.ts';
import { environmentKeys, profileKeys } from './static-keys.ts';
import { webIdentity } from './web-identity.ts';

/** The order of the SDK for Go. */
const sources: readonly AwsSource[] = [environmentKeys, webIdentity, profileKeys, containerRole, instanceRole];

/** Credentials with less life than this are fetched anew; AWS replaces an instance's at least five minutes before. */
const leastLifeMs = 300_000;

type WallClock = Pick<Clock, 'nowMs'>;

/**
 * Throws InvalidCredential (none configured, or a malformed file or variable), LoginRejected (AWS refused the identity),
 * UpstreamUnavailable, UpstreamInvalid.
 */
export function awsCredentialChain(
  ports: AwsPorts & { readonly clock: WallClock },
): (signal: AbortSignal) => Promise<AwsCredentials> {
  const { clock } = ports;
  const keep = ({ expiresAtMs = 0 }: FoundCredentials) => expiresAtMs - clock.nowMs() > leastLifeMs;
  const find = keptFetch((signal) => findFirst(ports, clock, signal), keep);
  return async (signal) => {
    const { expiresAtMs: _, ...found } = await find(signal);
    return { ...found, region: await awsRegion(ports, signal) };
  };
}

async function findFirst(ports: AwsPorts, clock: WallClock, signal: AbortSignal): Promise<FoundCredentials> {
  for (const source of sources) {
    const found = await source(ports, signal);
    if (found === undefined) continue;
    if (found.expiresAtMs === undefined || found.expiresAtMs > clock.nowMs()) return found;
    throw new OperatorError(
      'UpstreamInvalid',
      `AWS credentials of ${found.principal} have expired already: check the clock of the node`,
    );
  }
  throw new OperatorError(
    'InvalidCredential',
    'the operator has no AWS credentials: give its ServiceAccount a role (IRSA or EKS Pod Identity), or its node one',
  );
}
