// What happened on the recorded server between exchanges: an administrator's hand, time passing, requests that were sent
// but not recorded. Keyed by scenario and by the exchange before which it happens.

import type { FakeClock } from '../../support/fake-clock.ts';
import type { Generation } from '../../support/infisical-double/api-error.ts';
import type { InfisicalDouble } from '../../support/infisical-double/double.ts';
import type { Exchange } from './recordings.ts';
import { project } from './world.ts';

export interface Stage {
  readonly double: InfisicalDouble;
  readonly clock: FakeClock;
  /** Makes the live token for the one that the exchange carries, so that time can pass over it. */
  readonly prepareToken: () => Promise<unknown>;
  /** Sends the exchange's request this many times and drops the answers. */
  readonly repeat: (times: number) => Promise<void>;
  readonly exchange: Exchange;
}

export type Step = (stage: Stage) => void | Promise<void>;

const wait =
  (seconds: number): Step =>
  ({ clock }) =>
    clock.advance(seconds * 1000);

const tokenThenWait =
  (seconds: number): Step =>
  async ({ prepareToken, clock }) => {
    await prepareToken();
    await clock.advance(seconds * 1000);
  };

/** Requests that were not recorded, and the time that they took. */
function sendThenWait(times: number, seconds: number): Step {
  return async ({ repeat, clock }) => {
    await repeat(times);
    await clock.advance(seconds * 1000);
  };
}

const freshLimits: Step = ({ double }) => double.limits.reset();

const changing = 'changing';

/** The recorded allowances show that one more request went before, which is not among the exchanges. */
const oneUnrecorded: Step = ({ repeat }) => repeat(1);

type Steps = Readonly<Record<string, Readonly<Record<string, Step>>>>;

const common: Steps = {
  'auth-universal': { 'expired client secret (ttl 1 s)': wait(2) },
  'token-lifecycle': {
    'shortTtl: renew at 1.9 s': wait(1.9),
    'shortTtl: at 3.9 s, alive because renewed': wait(2),
    'shortTtl: renew at 4.4 s': wait(0.5),
    'shortTtl: at 6 s, alive': wait(1.6),
    'shortTtl: at 3.6 s, never renewed': tokenThenWait(3.6),
    'shortTtl: renew as first use after expiry': tokenThenWait(3.6),
    "jwtExp: past the jwt's exp": tokenThenWait(3),
  },
  'identity-changes': {
    'client secret revoked: the token lives on': ({ double: { identities } }) =>
      identities.revokeClientSecret(changing, identities.get(changing).clientSecret),
    'new client secret: login': ({ double, exchange }) => {
      double.identities.addClientSecret(changing, { secret: String(Object(exchange.request.body).clientSecret) });
    },
    'role set to no-access': ({ double }) => double.identities.setAccess(changing, project, { role: 'no-access' }),
    'role given back': ({ double }) => double.identities.setAccess(changing, project, { role: 'viewer' }),
    'removed from the project': ({ double }) => double.identities.setAccess(changing, project, undefined),
    'added again': ({ double }) => double.identities.setAccess(changing, project, { role: 'viewer' }),
    'universal auth taken off the identity': ({ double }) => double.identities.removeMethods(changing),
    'identity deleted': async ({ double, prepareToken }) => {
      await prepareToken();
      double.identities.remove('deleted');
    },
    'temporary role, within its time': ({ double, clock }) =>
      double.identities.setAccess('temporary', project, { role: 'viewer', roleUntilMs: clock.nowMs() + 2000 }),
    'temporary role, past its time': wait(3),
  },
  // After each outage the recorder began a new window.
  'dependency-outage': {
    'postgres back: list, same token': freshLimits,
    'postgres back: login': freshLimits,
    'postgres thawed: list': freshLimits,
    'redis back: list, same token': freshLimits,
    'redis back: login': freshLimits,
  },
  'write-batch': {
    'create two': ({ double }) => {
      double.projects.addFolder({ project, environment: 'dev', path: '/write-batch' });
    },
  },
};

/** What happened on one of the two servers only. */
const ofAge: Readonly<Record<Generation, Steps>> = {
  '2024-10': {
    'bearer-errors': { 'trailing space': oneUnrecorded },
    imports: { 'scoped identity: the same import one level up is filtered': oneUnrecorded },
    'rate-limit': {
      '40th: the last one let through': ({ repeat }) => repeat(37),
      'login: past its allowance, good credentials': ({ repeat }) => repeat(199),
      'folders: 61st': ({ repeat }) => repeat(59),
    },
  },
  // Its limiter had counted before, and the recorder's requests took their time.
  '2025-06': {
    'rate-limit': {
      'first list call in a window': sendThenWait(23, 38),
      '40th: the last one let through': sendThenWait(37, 3),
      'same route, other query: same allowance': wait(1),
      'login: past its allowance, good credentials': sendThenWait(199, 1),
      'folders: 61st': sendThenWait(59, 8),
    },
  },
  newest: {},
};

/** The step before an exchange on a server of that age. */
export function stepBefore(scenario: string, exchange: string, age: Generation): Step | undefined {
  return ofAge[age][scenario]?.[exchange] ?? common[scenario]?.[exchange];
}
