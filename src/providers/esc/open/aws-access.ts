// AWS for providers of `fn::open`: what is asked at the same time, or was asked since the wave began, is one request; the
// credentials of a role are given again until they are renewed or refused; who was told to slow down does.

import { TokenRejected } from '../../../auth/contract.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { UpstreamAnswer } from '../../../http/contract.ts';
import { digestOf } from '../../shared/digest.ts';
import { Pauses } from '../../shared/pauses.ts';
import { overheadBytes, Snapshots } from '../../shared/snapshots.ts';
import { naming } from './aws-errors.ts';
import { serviceEndpoint } from './aws-regions.ts';
import { type AwsCall, assumeRole, type RoleOrder, type RoleProof, sendCall } from './aws-requests.ts';
import type { AwsCredentials, RoleCredentials } from './aws-wire.ts';
import { anySite, type HostPorts, type OpenContext } from './contract.ts';
import { KeptLogins, type LoggedIn } from './kept-logins.ts';

export interface AwsAccess {
  /** Throws what getting the proof and STS throw: `LoginRejected`, `UpstreamThrottled`, `UpstreamUnavailable` … */
  login(order: RoleOrder, identity: RoleIdentity, context: AwsContext, signal: AbortSignal): Promise<GivenRole>;
  /** The answer of a call that was served. Throws `SecretNotFound`, `AccessDenied`, TokenRejected … */
  call(call: AwsCall, context: AwsContext, signal: AbortSignal): Promise<UpstreamAnswer>;
}

/** Who assumes a role. */
export interface RoleIdentity {
  readonly method: 'ambient' | 'oidc';
  /** Equal for equal identities; holds no secret. */
  readonly key: string;
  proof(signal: AbortSignal): Promise<RoleProof>;
}

type AwsContext = Pick<OpenContext, 'namespace' | 'notBeforeMs'>;

/** The id of the key stands for the credentials where they are refused. */
interface GivenRole extends LoggedIn {
  readonly credentials: RoleCredentials;
  /** How long they are good for, from now on. */
  readonly lifetimeMs: number;
}

/** An answer is there for those who open in the same wave. */
const keepAnswersMs = 60_000;

export function createAwsAccess(ports: HostPorts): AwsAccess {
  const { account, door, clock, checkSite = anySite, shares } = ports;
  const roles = new KeptLogins<GivenRole>({ ...ports, provider: 'aws' });
  const memory = account && { account, sizeOf: ({ body }: UpstreamAnswer) => body.length + overheadBytes };
  const answers = new Snapshots<UpstreamAnswer>({ clock, keepMs: keepAnswersMs, memory, shares });
  const pauses = new Pauses({ clock });

  return {
    async login(order, identity, { namespace }, signal) {
      const sts = naming(`aws-login: role "${order.roleArn}"`, () => serviceEndpoint('sts', order.region));
      await checkSite(namespace, sts, signal);
      const { method } = identity;
      const key = digestOf('role', method, identity.key, order);
      const place = `sts ${order.region} ${namespace}`;
      const lane = { group: key, turn: namespace };
      const logIn = (waiting: AbortSignal) =>
        pauses.around(place, async () => {
          const proof = await identity.proof(waiting);
          const ports = { upstream: door.open({}), nowMs: () => clock.nowMs(), lane };
          const { credentials, answer } = await assumeRole(order, proof, ports, waiting);
          // By AWS's own clock where the answer tells it: ours may be off.
          const answeredAtMs = Date.parse(answer.headers['date'] ?? '');
          const nowMs = Number.isNaN(answeredAtMs) ? clock.nowMs() : answeredAtMs;
          const lifetimeMs = Math.max(0, credentials.expiresAtMs - nowMs);
          return { token: new SecretValue(credentials.accessKeyId), credentials, lifetimeMs };
        });
      return await roles.get({ key, origin: place, keeper: namespace, method, login: logIn }, signal);
    },
    async call(call, { namespace, notBeforeMs }, signal) {
      const { credentials, input, region, service, target } = call;
      await checkSite(
        namespace,
        naming(call.what, () => serviceEndpoint(service, region)),
        signal,
      );
      const group = digestOf('identity', ...partsOf(credentials));
      const key = digestOf('call', group, service, region, target, input);
      const place = `${service} ${region} ${namespace}`;
      const fetch = (waiting: AbortSignal) =>
        // A namespace that was told to wait at a host asks nothing there meanwhile.
        pauses.around(place, () => {
          const lane = { group, turn: namespace };
          return sendCall(call, { upstream: door.open({}), nowMs: clock.nowMs(), lane }, waiting);
        });
      return await answers
        .get(
          {
            key,
            origin: place,
            holder: namespace,
            notBeforeMs,
            fetch: async (_, waiting) => ({ value: await fetch(waiting) }),
          },
          signal,
        )
        .catch((thrown: unknown) => {
          if (thrown instanceof TokenRejected) roles.refuse(new SecretValue(credentials.accessKeyId));
          throw thrown;
        });
    },
  };
}

function partsOf({ accessKeyId, secretAccessKey, sessionToken }: AwsCredentials): string[] {
  return [accessKeyId, secretAccessKey.text(), sessionToken?.text() ?? ''];
}
