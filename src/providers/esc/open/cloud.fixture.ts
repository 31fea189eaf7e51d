// Environments that open what lies in clouds, on real sockets: the real door, led to doubles, and a cluster that mints tokens.
// Time of tokens is a clock that tests move; waiting is real.
import { afterEach } from 'vitest';
import { clusterToken } from '../../../../test/support/cloud/cluster-tokens.ts';
import { type Routes, routedDoor } from '../../../../test/support/cloud/routed-door.ts';
import type { AmbientSources, Credentials } from '../../../auth/contract.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../../base/operator-error.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { UpstreamDoor } from '../../../http/contract.ts';
import { clusterOf, openInline } from '../esc.fixture.ts';
import type { EscProvider } from './contract.ts';

const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});

/** Stops the double at the end of the test. */
export function ending<T extends { stop(): Promise<void> }>(double: T): T {
  open.push(() => double.stop());
  return double;
}

/** Time runs on, and jumps when told. */
export class JumpingClock implements Clock {
  #aheadMs = 0;

  jump(byMs: number): void {
    this.#aheadMs += byMs;
  }

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#aheadMs;
  }

  after(delayMs: number, run: () => void) {
    return systemClock.after(delayMs, run);
  }
}

export interface CloudBenchOptions {
  readonly clock: Clock;
  /** The way to the doubles; made of `routes` when absent. */
  readonly door?: UpstreamDoor;
  readonly routes?: Routes;
  readonly providers: (ports: {
    readonly door: UpstreamDoor;
    readonly clock: Clock;
  }) => readonly (readonly [string, EscProvider])[];
  readonly wholeMs?: number;
}

export interface OpenedOrNot {
  /** Secrets laid open. */
  readonly value?: unknown;
  readonly lifetimeMs?: number | undefined;
  readonly error?: OperatorError;
}

export interface CloudBench {
  /** How often a token was minted. */
  readonly minted: string[];
  /** The operator's own identity, and who may use it; nobody when absent. */
  operator: ((namespace: string, host: string, field: string) => AmbientSources) | undefined;
  /** Issuer that tokens name, and ServiceAccounts that are there by `namespace/name`. */
  issuer: string | undefined;
  readonly accounts: Set<string>;
  /** Opens `name` of these Environments; values of `notBeforeMs` above 0 name a refresh wave. */
  open(
    environments: Readonly<Record<string, object>>,
    order?: { readonly name?: string; readonly notBeforeMs?: number },
  ): Promise<OpenedOrNot>;
}

const signal = new AbortController().signal;

export function cloudBench({ clock, routes = {}, providers, wholeMs, ...ways }: CloudBenchOptions): CloudBench {
  const door = ways.door ?? routedDoor(routes, wholeMs === undefined ? {} : { wholeMs });
  open.push(() => door.close());
  const table = new Map(providers({ door, clock }));
  const bench: CloudBench = {
    minted: [],
    issuer: undefined,
    operator: undefined,
    accounts: new Set(['shop/default', 'shop/reader', 'other/default']),
    async open(environments, { name = 'shop/app', notBeforeMs = 0 } = {}) {
      const cluster = { ...clusterOf({ environments }), credentialsIn };
      const order = { name, consumer: name.split('/')[0], holder: 'store', notBeforeMs };
      try {
        const opened = await openInline(order, { cluster, providers: table }, signal);
        return { value: plainJson(opened.value, { redact: false }), lifetimeMs: opened.lifetimeMs };
      } catch (thrown) {
        return { error: asOperatorError(thrown) };
      }
    },
  };
  const credentialsIn = (namespace: string): Credentials => ({
    secretKey: () => Promise.reject(new OperatorError('ReferenceNotFound', 'none here')),
    ambient(host, field) {
      if (bench.operator === undefined) throw new OperatorError('IdentityDenied', 'none here');
      return bench.operator(namespace, host, field);
    },
    async serviceAccount({ name, audiences = [], expirationSeconds = 600 }, field) {
      const account = `${namespace}/${name}`;
      if (!bench.accounts.has(account)) {
        throw new OperatorError('ReferenceNotFound', `${field}: ServiceAccount "${account}" does not exist`);
      }
      return {
        name: account,
        audiences,
        async mint() {
          bench.minted.push(account);
          const issuer = bench.issuer === undefined ? {} : { issuer: bench.issuer };
          const order = { account, audiences, lifeSeconds: expirationSeconds, ...issuer };
          return new SecretValue(await clusterToken(clock, order));
        },
      };
    },
  });
  return bench;
}
