// What the commands of `escapement env` reach beyond files: the cluster, and the upstreams of providers. Nothing is connected
// before it is needed; what was logged in for may be ended at the close.
import { systemClock } from '../../base/clock.ts';
import type { DeskSettings } from '../../config.ts';
import { contextNamespace } from '../../kube/config.ts';
import type { ClusterSources } from '../../providers/contract.ts';
import type { EscProviders } from '../../providers/esc/open/table.ts';
import { heapAccount } from '../../runtime/memory-account.ts';
import { openUpstreams, type Upstreams } from '../../upstreams/open.ts';
import { version } from '../../version.ts';
import { openDeskCluster } from './cluster.ts';

export interface World {
  /** Where names without a namespace belong: the flag's, else that of the context, else `default`. */
  readonly namespace: string;
  readonly cluster: ClusterSources;
  readonly providers: EscProviders;
  readonly pulumi: Awaited<ReturnType<Upstreams['pulumiDesk']>>;
  /** Who holds the sessions of this call. */
  readonly holder: string;
  /** `revoke` ends the tokens that were logged in for. */
  close(options: { readonly revoke: boolean }): Promise<void>;
}

export interface WorldOptions {
  readonly settings: DeskSettings;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
}

/** The end of a token is worth this much waiting. */
const revokeWithinMs = 3_000;
const userAgent = `escapement/${version}`;

export async function openWorld({ settings, context, namespace }: WorldOptions): Promise<World> {
  const { serviceHost: host, servicePort: port } = settings.cluster;
  const access = {
    kubeconfigPath: settings.cluster.kubeconfigPath,
    kubeconfigVariable: settings.cluster.kubeconfigEnv,
    home: settings.cluster.home,
    context,
    ...(host === undefined || port === undefined ? {} : { pod: { host, port } }),
  };
  const clock = systemClock;
  const cluster = openDeskCluster({ access, clock, userAgent });
  const nothing = () => {};
  const upstreams = openUpstreams(
    {
      hosts: { insecureHosts: settings.insecureUpstreamHosts },
      proxy: settings.proxy,
      cloud: settings.cloud,
      fakeProvider: false,
      userAgent,
    },
    {
      account: heapAccount(clock),
      clock,
      observe: { login: nothing, request: nothing, call: nothing, readsOf: () => nothing },
    },
  );
  return {
    namespace: namespace ?? (await contextNamespace(access)) ?? 'default',
    cluster: cluster.sources,
    providers: await upstreams.environmentProviders(),
    pulumi: await upstreams.pulumiDesk(settings.pulumi),
    holder: 'escapement env',
    async close({ revoke }) {
      if (revoke) await upstreams.sessions.close(AbortSignal.timeout(revokeWithinMs), { given: true });
      upstreams.close();
      cluster.close();
    },
  };
}
