// The way out for generators of kind Webhook: a door of their own, so that no call of theirs ever pauses the stores of the
// same host, with the egress policy, proxy and bounds that every upstream has.
import type { SendWebhook } from '../core/generators/webhook.ts';
import type { UpstreamDoor } from '../http/contract.ts';
import { decodeBundle } from '../providers/shared/ca.ts';
import { anyHost, type CheckHost } from './host-access.ts';

/** What a Secret can hold at most is all that an answer is good for. */
export const largestWebhookAnswer = 1_048_576;

export function webhookSender(door: UpstreamDoor, checkHost: CheckHost = anyHost): SendWebhook {
  return async ({ method, url, headers, body, timeoutMs, namespace, caBundle, caPem }, signal) => {
    const pem = caBundle ? decodeBundle('spec', caBundle) : caPem;
    await checkHost(namespace, new URL(url), signal);
    const upstream = door.open(pem === undefined ? {} : { caPem: pem });
    const request = { method, url: new URL(url), headers, wholeMs: timeoutMs, maxBytes: largestWebhookAnswer };
    const whose = { group: namespace, turn: namespace };
    return await upstream.send({ ...request, ...whose, ...(body === undefined ? {} : { body }) }, signal);
  };
}
