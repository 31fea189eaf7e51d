// Everything that speaks to the world outside the cluster, put together: doors, sessions, the table of providers and the
// sources of cloud credentials. Whoever opens it says what is allowed and who counts; it needs neither operator nor cluster.

import type { ObserveLogin } from '../auth/contract.ts';
import { gatherInfisicalPrincipal } from '../auth/infisical/table.ts';
import { Sessions } from '../auth/session.ts';
import type { Clock } from '../base/clock.ts';
import { OnDemand } from '../base/on-demand.ts';
import { type ShareCounts, Shares } from '../base/shares.ts';
import type { SendWebhook } from '../core/generators/webhook.ts';
import { readBoundedFile } from '../credentials/bounded-file.ts';
import { openCloudDoors } from '../credentials/cloud/doors.ts';
import type { CloudEnvironment } from '../credentials/cloud/environment.ts';
import { type CloudSources, createCloudSources } from '../credentials/cloud/sources.ts';
import { createEgressPolicy, type HostRules } from '../http/egress.ts';
import { createLargeAnswerTurns } from '../http/large-answers.ts';
import { createProxyRules, type ProxySettings } from '../http/proxy.ts';
import { createTenantBounds, type TenantLimits } from '../http/tenant-bounds.ts';
import { createUpstreamDoor, type RequestObservation } from '../http/upstream.ts';
import type { EnvironmentEvaluation } from '../providers/esc/check.ts';
import type { EscProviders } from '../providers/esc/open/table.ts';
import type { LastingText } from '../providers/esc/open/vault-leases.ts';
import type { EscPorts } from '../providers/esc/provider.ts';
import { fakeProvider } from '../providers/fake/provider.ts';
import { createInfisicalAccess } from '../providers/infisical/access.ts';
import { parseHostApi } from '../providers/infisical/host.ts';
import { createInfisicalProvider, createInfisicalReads } from '../providers/infisical/provider.ts';
import { parseApiUrl } from '../providers/pulumi/address.ts';
import type { PulumiDesk } from '../providers/pulumi/desk.ts';
import { ScopeNews } from '../providers/shared/scope-news.ts';
import type { SnapshotRead } from '../providers/shared/snapshots.ts';
import { type ProviderByName, providersByName } from '../providers/table.ts';
import type { MemoryAccount } from '../runtime/memory-account.ts';
import { anyHost, type CheckHost, withHostCheck } from './host-access.ts';
import { providerOnDemand } from './provider-on-demand.ts';
import type { PulumiLogin } from './pulumi.ts';
import { webhookSender } from './webhook-calls.ts';

/** Who counts what goes out; each is told once per event. */
export interface UpstreamObservers {
  readonly login: ObserveLogin;
  readonly request: (provider: string, request: RequestObservation) => void;
  /** A call by the name that the provider gives it. */
  readonly call: (provider: string, call: string, status: 'success' | 'error') => void;
  /** How reads of a provider's scopes were answered; asked once per provider. */
  readonly readsOf: (provider: string) => (result: SnapshotRead) => void;
}

export interface UpstreamSettings {
  readonly hosts: HostRules;
  /** Which hosts a namespace may name; absent allows any. */
  readonly checkHost?: CheckHost;
  readonly proxy: ProxySettings;
  readonly cloud: CloudEnvironment;
  /** Whether stores of provider `fake` are served. */
  readonly fakeProvider: boolean;
  /** What one namespace may have of each; absent bounds nothing. */
  readonly perNamespace?: TenantLimits & { readonly snapshots: number };
  /** `name/version` of who asks. */
  readonly userAgent: string;
}

export interface Upstreams {
  readonly provider: ProviderByName;
  readonly sessions: Sessions;
  /** Providers of `fn::open`, for who evaluates without a store. */
  readonly environmentProviders: () => Promise<EscProviders>;
  /** Pulumi Cloud for a person with a token of their own. */
  readonly pulumiDesk: (login: PulumiLogin) => Promise<PulumiDesk>;
  /** Tells which scopes were read anew. */
  readonly news: ScopeNews;
  readonly clouds: CloudSources;
  /** What namespaces have of hosts, requests under way and kept answers. */
  shares(): { readonly [what in 'hosts' | 'requests' | 'snapshots']: ShareCounts };
  /** The way out for generators of kind Webhook. */
  readonly sendWebhook: SendWebhook;
  /** Environments of the cluster, for who looks after them. */
  readonly evaluation: EnvironmentEvaluation;
  /** Ends the connections; sessions are ended before by whoever opened this. */
  close(): void;
}

const unbounded = {
  hosts: Number.POSITIVE_INFINITY,
  requests: Number.POSITIVE_INFINITY,
  snapshots: Number.POSITIVE_INFINITY,
};

/** More than this is read of no answer, however large the heap. */
const largestAnswerBytes = 32 * 2 ** 20;

export function openUpstreams(
  settings: UpstreamSettings,
  {
    account,
    clock,
    observe,
    workplaces,
    lastingLeases,
  }: {
    readonly account: MemoryAccount;
    readonly clock: Clock;
    readonly observe: UpstreamObservers;
    /** Where Environments are evaluated; absent means at once. */
    readonly workplaces?: EscPorts['workplaces'];
    /** Where credentials that are leased are kept for the next process; absent keeps them for this one. */
    readonly lastingLeases?: LastingText | undefined;
  },
): Upstreams {
  const { userAgent, checkHost = anyHost, perNamespace = unbounded } = settings;
  const tenants = createTenantBounds(clock, perNamespace);
  const shares = new Shares(perNamespace.snapshots);
  const keeping = { account, shares };
  const sessions = new Sessions({ clock, observeLogin: observe.login });
  const proxy = createProxyRules(settings.proxy);
  const largeAnswers = createLargeAnswerTurns();
  const doorOf = (provider: string) =>
    createUpstreamDoor({
      policy: createEgressPolicy(settings.hosts),
      proxy,
      userAgent,
      clock,
      bodies: account,
      largeAnswers,
      tenants,
      limits: { maxBytes: Math.min(largestAnswerBytes, account.answerMostBytes) },
      observe: (request) => observe.request(provider, request),
    });
  const doors = {
    infisical: doorOf('infisical'),
    pulumi: doorOf('pulumi'),
    webhook: doorOf('webhook'),
    esc: doorOf('esc'),
  };
  const cloudDoors = openCloudDoors({ environment: settings.cloud, proxy, userAgent, clock });
  const news = new ScopeNews();
  const toInfisical = {
    door: doors.infisical,
    sessions,
    clock,
    gatherPrincipal: gatherInfisicalPrincipal,
    observeCall: (call: string, status: 'success' | 'error') => observe.call('infisical', call, status),
    reads: createInfisicalReads({ ...keeping, clock, news, observeRead: observe.readsOf('infisical') }),
  };
  // Their series begin at zero now, whenever the parts are loaded.
  const readsOf = { pulumi: observe.readsOf('pulumi'), esc: observe.readsOf('esc') };
  const pulumi = new OnDemand('Pulumi ESC', async () =>
    (await import('./pulumi.ts')).openPulumi({
      ...keeping,
      door: doors.pulumi,
      sessions,
      clock,
      observeCall: (call, status) => observe.call('pulumi', call, status),
      observeRead: readsOf.pulumi,
      news,
    }),
  );
  const environments = new OnDemand('the evaluation of Environments', async () =>
    (await import('./environments.ts')).openEnvironments({
      infisical: createInfisicalAccess(toInfisical),
      pulumi: { open: async (order, signal) => (await pulumi.load()).environments.open(order, signal) },
      door: doors.esc,
      clock,
      checkSite: checkHost,
      observeLogin: observe.login,
      sessions,
      ...keeping,
      workplaces,
      lastingLeases,
      release: (holder) => sessions.release(holder),
      observeRead: readsOf.esc,
    }),
  );
  const readOnly = { capabilities: 'ReadOnly' } as const;
  return {
    sessions,
    environmentProviders: async () => (await environments.load()).providers,
    pulumiDesk: async (login) => (await pulumi.load()).desk(login),
    news,
    provider: providersByName({
      infisical: withHostCheck(
        createInfisicalProvider(toInfisical),
        ({ hostAPI }) => parseHostApi(hostAPI).origin,
        checkHost,
      ),
      pulumi: withHostCheck(providerOnDemand(readOnly, pulumi), ({ apiUrl }) => parseApiUrl(apiUrl).origin, checkHost),
      fake: settings.fakeProvider ? fakeProvider : undefined,
      esc: providerOnDemand({ ...readOnly, followsObjects: true }, environments),
    }),
    sendWebhook: webhookSender(doors.webhook, checkHost),
    evaluation: {
      check: async (...order) => (await environments.load()).evaluation.check(...order),
      open: async (...order) => (await environments.load()).evaluation.open(...order),
      release: (holder) => environments.ifLoaded?.evaluation.release(holder),
    },
    clouds: createCloudSources({ ...cloudDoors, environment: settings.cloud, readFile: readBoundedFile, clock }),
    shares: () => ({ hosts: tenants.hosts, requests: tenants.requests, snapshots: shares.counts }),
    close() {
      for (const door of Object.values(doors)) door.close();
      cloudDoors.close();
    },
  };
}
