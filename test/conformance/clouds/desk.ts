// Opens Environments of namespace `shop` through the operator's own client: the real door, every provider, and a cluster whose
// tokens of ServiceAccounts are given. A server in the place of a cloud is reached by the cloud's own names.
import { match, strictEqual } from 'node:assert';
import type { Credentials } from '../../../src/auth/contract.ts';
import { gatherPulumiPrincipal, pulumiLogin } from '../../../src/auth/pulumi/table.ts';
import { Sessions } from '../../../src/auth/session.ts';
import { type Clock, systemClock, type Timer } from '../../../src/base/clock.ts';
import { asOperatorError, OperatorError } from '../../../src/base/operator-error.ts';
import { plainJson } from '../../../src/core/esc/export.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { UpstreamDoor } from '../../../src/http/contract.ts';
import { createEgressPolicy } from '../../../src/http/egress.ts';
import { createProxyRules, type ProxySettings } from '../../../src/http/proxy.ts';
import { createUpstreamDoor } from '../../../src/http/upstream.ts';
import { clusterOf, openInline } from '../../../src/providers/esc/esc.fixture.ts';
import { escProviders } from '../../../src/providers/esc/open/table.ts';
import { createPulumiEnvironments } from '../../../src/providers/pulumi/access.ts';
import { startCloudHosts } from '../../support/cloud/cloud-hosts.ts';
import type { Routes } from '../../support/cloud/routed-door.ts';

export interface DeskOptions {
  /** Roots of servers by the host whose place they take; other hosts are then not reached. Absent: the hosts themselves. */
  readonly routes?: Routes | undefined;
  /** Addresses that documents name and that may be spoken to without TLS. */
  readonly plain?: readonly string[];
  /** Token of a ServiceAccount, whatever audience is asked for. */
  readonly token?: string | undefined;
}

export interface CloudDesk {
  readonly door: UpstreamDoor;
  readonly sessions: Sessions;
  readonly clock: Clock;
  /** All values as plain JSON, secrets laid open, of a wave of their own. Throws what opening throws. */
  values(values: object): Promise<unknown>;
  /** What several documents open to at the same time, in one wave. */
  together(...documents: readonly object[]): Promise<readonly unknown[]>;
  /** The same desk, where the token of every ServiceAccount is another one. */
  as(token: string): CloudDesk;
  /** How long what a document opens to is good for. */
  lifetimeMs(values: object): Promise<number | undefined>;
  /** Throws unless opening fails for the reason, in such words. */
  fails(values: object, reason: string, says: RegExp): Promise<void>;
  /** Requests that have left, of logins and of reads. */
  sent(): number;
  stop(): Promise<void>;
}

const { signal } = new AbortController();

function none(): never {
  throw new OperatorError('Internal', 'none here');
}

export async function cloudDesk({ routes, plain = [], token }: DeskOptions): Promise<CloudDesk> {
  const hosts = routes === undefined ? undefined : await startCloudHosts(routes);
  const { door, sent } = countingDoor(plain, hosts);
  const { clock, end } = endingClock();
  const sessions = new Sessions({ clock });
  const login = { gatherPrincipal: gatherPulumiPrincipal, loginOf: pulumiLogin };
  const pulumi = createPulumiEnvironments({ door, sessions, clock, ...login });
  const infisical = { login: none, reader: none };
  const providers = escProviders({ infisical, pulumi, door, clock, sessions });
  const opened = (values: object, credentials: Credentials, notBeforeMs: number) => {
    const cluster = { ...clusterOf({ environments: { 'shop/app': { values } } }), credentialsIn: () => credentials };
    const order = { name: 'shop/app', consumer: 'shop', holder: 'store', notBeforeMs };
    return openInline(order, { cluster, providers }, signal);
  };
  const deskOf = (credentials: Credentials): CloudDesk => {
    const open = (values: object, notBeforeMs = performance.now()) => opened(values, credentials, notBeforeMs);
    const plainOf = async (values: object, notBeforeMs?: number) =>
      plainJson((await open(values, notBeforeMs)).value, { redact: false });
    return {
      door,
      sessions,
      clock,
      sent,
      as: (other) => deskOf(accountsWith(other)),
      values: (values) => plainOf(values),
      async together(...documents) {
        const notBeforeMs = performance.now();
        return await Promise.all(documents.map((each) => plainOf(each, notBeforeMs)));
      },
      lifetimeMs: async (values) => (await open(values)).lifetimeMs,
      async fails(values, reason, says) {
        const failure = await open(values).then(() => new OperatorError('Internal', 'it was opened'), asOperatorError);
        strictEqual(failure.reason, reason, failure.message);
        match(failure.message, says);
      },
      async stop() {
        end();
        door.close();
        await hosts?.stop();
      },
    };
  };
  return deskOf(accountsWith(token));
}

/** The system's, until its timers are ended: what providers keep for an hour would hold the process as long. */
function endingClock(): { readonly clock: Clock; end(): void } {
  const timers = new Set<Timer>();
  const clock: Clock = {
    ...systemClock,
    after(delayMs, run) {
      const timer = systemClock.after(delayMs, run);
      timers.add(timer);
      return timer;
    },
  };
  const end = () => {
    for (const timer of timers) timer.cancel();
  };
  return { clock, end };
}

const noProxy = { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined };

/** The way out of whoever asks the cloud itself. */
function ownProxy(): ProxySettings {
  const of = (name: string) => process.env[name] ?? process.env[name.toLowerCase()];
  return { httpProxy: of('HTTP_PROXY'), httpsProxy: of('HTTPS_PROXY'), noProxy: of('NO_PROXY') };
}

function countingDoor(plain: readonly string[], hosts?: { readonly caPem: string; readonly proxyUrl: string }) {
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: plain.map((url) => new URL(url).host) }),
    proxy: createProxyRules(hosts === undefined ? ownProxy() : { ...noProxy, httpsProxy: hosts.proxyUrl }),
    userAgent: 'escapement/test',
    clock: systemClock,
  });
  let count = 0;
  const counting: UpstreamDoor = {
    open(options) {
      const upstream = door.open(hosts === undefined ? options : { caPem: hosts.caPem, ...options });
      return {
        send(request, sendSignal) {
          count += 1;
          return upstream.send(request, sendSignal);
        },
      };
    },
    close: () => door.close(),
  };
  return { door: counting, sent: () => count };
}

function accountsWith(token: string | undefined): Credentials {
  return {
    secretKey: () => Promise.reject(new OperatorError('ReferenceNotFound', 'none here')),
    ambient: none,
    async serviceAccount({ name, audiences = [] }) {
      const mint = async () => new SecretValue(token ?? none());
      return { name: `shop/${name}`, audiences, mint };
    },
  };
}
