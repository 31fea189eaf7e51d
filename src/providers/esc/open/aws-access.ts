// AWS for providers of `fn::open`: what is asked at the same time, or was asked since the wave began, is one request; the
// credentials of a role are given again until they are renewed or refused; who was told to slow down does.
import { createHash } from 'node:crypto';
import { type ServiceAccountTokens, TokenRejected } from '../../../auth/contract.ts';
import type { Clock } from '../../../base/clock.ts';
import { asOperatorError } from '../../../base/operator-error.ts';
import { renewAtMs } from '../../../core/renewal.ts';
import type { UpstreamAnswer, UpstreamDoor } from '../../../http/contract.ts';
import { Pauses } from '../../shared/pauses.ts';
import { Snapshots } from '../../shared/snapshots.ts';
import { naming } from './aws-errors.ts';
import { serviceEndpoint } from './aws-regions.ts';
import { type AwsCall, assumeRole, type RoleOrder, sendCall } from './aws-requests.ts';
import type { AwsCredentials, RoleCredentials } from './aws-wire.ts';
import type { OpenContext } from './contract.ts';
import { anySite, type CheckSite } from './infisical.ts';

export interface AwsAccess {
  /** Throws what minting and STS throw: `LoginRejected`, `UpstreamThrottled`, `UpstreamUnavailable` … */
  login(
    order: RoleOrder,
    tokens: ServiceAccountTokens,
    context: AwsContext,
    signal: AbortSignal,
  ): Promise<GivenCredentials>;
  /** The answer of a call that was served. Throws `SecretNotFound`, `AccessDenied`, TokenRejected … */
  call(call: AwsCall, context: AwsContext, signal: AbortSignal): Promise<UpstreamAnswer>;
}

type AwsContext = Pick<OpenContext, 'namespace' | 'notBeforeMs'>;

export interface GivenCredentials {
  readonly credentials: RoleCredentials;
  /** How long they are good for, from now on. */
  readonly lifetimeMs: number;
}

interface KeptRole {
  readonly credentials: RoleCredentials;
  /** Monotonic. */
  readonly endsAtMs: number;
  readonly renewAtMs: number | undefined;
}

/** Credentials outlive the usual interval between two refreshes, so that what they are written to does not change. */
const keepRolesMs = 3_600_000;
/** An answer is there for those who open in the same wave. */
const keepAnswersMs = 60_000;
/** Refused credentials that are remembered; the oldest are forgotten first. */
const mostRefused = 1_000;

export function createAwsAccess({
  door,
  clock,
  checkSite = anySite,
}: {
  readonly door: UpstreamDoor;
  readonly clock: Clock;
  /** Whether the namespace of an Environment may reach a host. */
  readonly checkSite?: CheckSite | undefined;
}): AwsAccess {
  const roles = new Snapshots<KeptRole>({ clock, keepMs: keepRolesMs });
  const answers = new Snapshots<UpstreamAnswer>({ clock, keepMs: keepAnswersMs });
  const pauses = new Pauses({ clock });
  const refused = new Set<string>();

  /** A namespace that was told to wait at a host asks nothing there meanwhile. */
  const pausing = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    pauses.check(key);
    try {
      return await work();
    } catch (thrown) {
      pauses.note(key, asOperatorError(thrown));
      throw thrown;
    }
  };

  return {
    async login(order, tokens, { namespace }, signal) {
      const sts = naming(`aws-login: role "${order.roleArn}"`, () => serviceEndpoint('sts', order.region));
      await checkSite(namespace, sts, signal);
      const key = digest(['role', tokens.name, JSON.stringify([order, tokens.audiences])]);
      const place = `sts ${order.region} ${namespace}`;
      const lane = { group: key, turn: namespace };
      const fetchRole = (waiting: AbortSignal) =>
        pausing(place, async () => {
          const token = await tokens.mint(waiting);
          const askedAtMs = clock.monotonicMs();
          const { credentials, answer } = await assumeRole(order, token, { upstream: door.open({}), lane }, waiting);
          // By AWS's own clock where the answer tells it: ours may be off.
          const answeredAtMs = Date.parse(answer.headers['date'] ?? '');
          const nowMs = Number.isNaN(answeredAtMs) ? clock.nowMs() : answeredAtMs;
          const lifetimeMs = Math.max(0, credentials.expiresAtMs - nowMs);
          return { credentials, endsAtMs: askedAtMs + lifetimeMs, renewAtMs: renewAtMs(askedAtMs, lifetimeMs) };
        });
      const get = (notBeforeMs: number) =>
        roles.get(
          { key, origin: place, notBeforeMs, fetch: async (_, waiting) => ({ value: await fetchRole(waiting) }) },
          signal,
        );
      const kept = await get(0);
      const isDue = kept.renewAtMs === undefined || kept.renewAtMs <= clock.monotonicMs();
      const role = isDue || refused.has(kept.credentials.accessKeyId) ? await get(clock.monotonicMs()) : kept;
      return { credentials: role.credentials, lifetimeMs: role.endsAtMs - clock.monotonicMs() };
    },
    async call(call, { namespace, notBeforeMs }, signal) {
      const { credentials, input, region, service, target } = call;
      await checkSite(
        namespace,
        naming(call.what, () => serviceEndpoint(service, region)),
        signal,
      );
      const group = digest(['identity', ...partsOf(credentials)]);
      const key = digest(['call', group, service, region, target, JSON.stringify(input)]);
      const place = `${service} ${region} ${namespace}`;
      const fetch = (waiting: AbortSignal) =>
        pausing(place, () => {
          const lane = { group, turn: namespace };
          return sendCall(call, { upstream: door.open({}), nowMs: clock.nowMs(), lane }, waiting);
        });
      return await answers
        .get(
          { key, origin: place, notBeforeMs, fetch: async (_, waiting) => ({ value: await fetch(waiting) }) },
          signal,
        )
        .catch((thrown: unknown) => {
          if (thrown instanceof TokenRejected) remember(refused, credentials.accessKeyId);
          throw thrown;
        });
    },
  };
}

function partsOf({ accessKeyId, secretAccessKey, sessionToken }: AwsCredentials): string[] {
  return [accessKeyId, secretAccessKey.text(), sessionToken?.text() ?? ''];
}

/** Tells them from others, without saying them. */
function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

function remember(refused: Set<string>, accessKeyId: string): void {
  refused.add(accessKeyId);
  for (const oldest of refused) if (refused.size > mostRefused) refused.delete(oldest);
}
