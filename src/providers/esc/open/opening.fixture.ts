// Opens one call of a provider as an Environment does, over the real door. For the tests beside this file.

import { onTestFinished } from 'vitest';
import type { Credentials } from '../../../auth/contract.ts';
import { Sessions } from '../../../auth/session.ts';
import { systemClock } from '../../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../../base/operator-error.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { createEgressPolicy } from '../../../http/egress.ts';
import { createUpstreamDoor } from '../../../http/upstream.ts';
import { clusterOf, openInline } from '../esc.fixture.ts';
import { type EscProviderPorts, type EscProviders, escProviders } from './table.ts';

const { signal } = new AbortController();

function none(): never {
  throw new OperatorError('Internal', 'none here');
}

/** Ports that no call of the test leads to. */
export const noOthers = { infisical: { login: none, reader: none }, pulumi: { open: none } };

/** The real door, to the hosts of doubles; gives up after a moment. */
export function doorTo(...urls: readonly string[]) {
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: urls.map((url) => new URL(url).host) }),
    proxy: () => undefined,
    userAgent: 'escapement/test',
    clock: systemClock,
    limits: { wholeMs: 2_000 },
  });
  onTestFinished(() => door.close());
  return door;
}

export interface Opening {
  readonly ports: Partial<EscProviderPorts> & Pick<EscProviderPorts, 'door'>;
  readonly credentials?: Credentials;
}

/** Providers keep what they share; openings by the same ports have the same ones. */
const providersByPorts = new WeakMap<object, EscProviders>();

function providersFor(ports: Opening['ports']): EscProviders {
  const clock = systemClock;
  const providers =
    providersByPorts.get(ports) ?? escProviders({ ...noOthers, clock, sessions: new Sessions({ clock }), ...ports });
  providersByPorts.set(ports, providers);
  return providers;
}

/** What the document opens. Throws what opening throws. */
export async function openValues(values: object, { ports, credentials }: Opening): ReturnType<typeof openInline> {
  // As the API server holds it: what is undefined is not there.
  const spec = { values: JSON.parse(JSON.stringify(values)) };
  const contents = clusterOf({ environments: { 'shop/app': spec } });
  const cluster = credentials === undefined ? contents : { ...contents, credentialsIn: () => credentials };
  const providers = providersFor(ports);
  const order = { name: 'shop/app', consumer: 'shop', holder: 'store', notBeforeMs: 0 };
  return await openInline(order, { cluster, providers }, signal);
}

/** The values as plain JSON, or the error. */
export async function opened(values: object, opening: Opening): Promise<unknown> {
  try {
    return plainJson((await openValues(values, opening)).value, { redact: false });
  } catch (thrown) {
    return asOperatorError(thrown);
  }
}
