// The ways to the clouds: one to metadata services, never through a proxy, and one to the clouds' public APIs. Both are
// apart from the way to the providers, so nothing that belongs to one can travel to the other.
import type { DoorClock, Upstream } from '../../http/contract.ts';
import type { ProxyRules } from '../../http/proxy.ts';
import { createUpstreamDoor } from '../../http/upstream.ts';
import { cloudApiPolicy, metadataPolicy } from './endpoints.ts';
import type { CloudEnvironment } from './environment.ts';

export interface CloudDoors {
  readonly metadata: Upstream;
  readonly upstream: Upstream;
  close(): void;
}

/** A metadata service is one hop away: what does not answer at once is not there. */
const metadataLimits = { connectMs: 2_000, wholeMs: 10_000 };

export function openCloudDoors(options: {
  readonly environment: CloudEnvironment;
  readonly proxy: ProxyRules;
  readonly userAgent: string;
  readonly clock: DoorClock;
}): CloudDoors {
  const { environment, proxy, ...rest } = options;
  const metadata = createUpstreamDoor({
    ...rest,
    policy: metadataPolicy(environment),
    proxy: () => undefined,
    limits: metadataLimits,
  });
  const upstream = createUpstreamDoor({ ...rest, policy: cloudApiPolicy(environment), proxy });
  return {
    metadata: metadata.open({}),
    upstream: upstream.open({}),
    close() {
      metadata.close();
      upstream.close();
    },
  };
}
