// Runs a generator Webhook: gathers its Secrets and its CA, has the call made up and the answer taken apart at the desk, and
// tells from the status of an answer what went wrong. Words of an answer are never repeated: they may hold what was sent.

import { OperatorError } from '../../base/operator-error.ts';
import { retryAfterMs } from '../../base/retry-after.ts';
import type { SendWebhook, WebhookAnswer, WebhookSecrets } from '../../core/generators/webhook.ts';
import type { Desk } from '../../core/jobs.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { WebhookSpec } from '../../crds/generators/webhook.ts';
import type { ConfigMap, Secret } from '../../kube/types.ts';

export interface WebhookPorts {
  readonly namespace: string;
  /** Objects of that namespace; undefined when there is none. */
  readonly readSecret: (name: string) => Promise<Secret | undefined>;
  readonly readConfigMap: (name: string) => Promise<ConfigMap | undefined>;
  readonly desk: Desk;
  readonly send: SendWebhook;
  readonly nowMs: number;
  /** 32 random bytes in hex. */
  readonly seed: string;
}

/**
 * Throws InvalidSpec, InvalidTemplate, Unsupported, ReferenceNotFound, ReferenceDenied, InvalidCredential, what sending
 * throws, what a refusal means, and InvalidValue or PropertyNotFound for what the answer has not.
 */
export async function runWebhook(
  spec: WebhookSpec,
  ports: WebhookPorts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SecretValue>> {
  if (spec.auth?.ntlm !== undefined)
    throw new OperatorError('Unsupported', 'spec.auth.ntlm is not served: log in with a header instead');
  const { nowMs, seed, desk, namespace } = ports;
  const secrets = await readSecrets(spec, ports);
  const caPem = spec.caBundle ? undefined : await readCa(spec, ports);
  const call = await desk.run('webhookCall', { spec, secrets, nowMs, seed });
  const answer = await ports.send({ ...call, namespace, caBundle: spec.caBundle, caPem }, signal);
  refuseFailure(answer, new URL(call.url).host);
  const values = await desk.run('webhookValues', {
    jsonPath: spec.result.jsonPath,
    text: answer.body.toString('utf8'),
  });
  return new Map([...values].map(([key, text]) => [key, new SecretValue(text)]));
}

/** Only what its owner has marked may be sent somewhere: https://external-secrets.io/latest/api/generator/webhook/ */
const typeLabel = 'external-secrets.io/type';
const mostSecrets = 32;

async function readSecrets({ secrets = [] }: WebhookSpec, ports: WebhookPorts): Promise<WebhookSecrets> {
  if (secrets.length > mostSecrets)
    throw new OperatorError('InvalidSpec', `spec.secrets: at most ${mostSecrets} Secrets may be used`);
  const read = new Map<string, Map<string, SecretValue>>();
  for (const [i, { name, secretRef }] of secrets.entries()) {
    const at = `spec.secrets[${i}].secretRef`;
    if (secretRef.name === undefined) throw new OperatorError('InvalidSpec', `${at}.name is required`);
    const secret = await ports.readSecret(secretRef.name);
    const where = `Secret "${secretRef.name}" in namespace "${ports.namespace}"`;
    if (secret === undefined) throw new OperatorError('ReferenceNotFound', `${at}: ${where} does not exist`);
    if (secret.metadata.labels?.[typeLabel] !== 'webhook')
      throw new OperatorError(
        'ReferenceDenied',
        `${at}: ${where} has not the label ${typeLabel}: webhook, without which it is sent nowhere`,
      );
    const values = read.get(name) ?? new Map<string, SecretValue>();
    for (const [key, text] of Object.entries(secret.data ?? {}))
      values.set(key, new SecretValue(Buffer.from(text, 'base64')));
    read.set(name, values);
  }
  return read;
}

async function readCa({ caProvider }: WebhookSpec, ports: WebhookPorts): Promise<string | undefined> {
  if (caProvider === undefined) return undefined;
  const { type, name, key, namespace } = caProvider;
  if (namespace !== undefined && namespace !== ports.namespace)
    throw new OperatorError(
      'ReferenceDenied',
      `spec.caProvider.namespace "${namespace}" is not allowed: only the namespace of the ExternalSecret, "${ports.namespace}", is read`,
    );
  if (key === undefined) throw new OperatorError('InvalidSpec', 'spec.caProvider.key is required');
  const at = `spec.caProvider: ${type} "${name}" in namespace "${ports.namespace}"`;
  const found = type === 'Secret' ? await ports.readSecret(name) : await ports.readConfigMap(name);
  if (found === undefined) throw new OperatorError('ReferenceNotFound', `${at} does not exist`);
  const text = found.data !== undefined && Object.hasOwn(found.data, key) ? found.data[key] : undefined;
  if (text === undefined || text === '') throw new OperatorError('InvalidCredential', `${at} has no key "${key}"`);
  return type === 'Secret' ? Buffer.from(text, 'base64').toString('utf8') : text;
}

/** Pause that a throttling answer asks for when it names none, and the bounds of one that is believed. */
const throttledMs = 60_000;
const shortestPauseMs = 1_000;
const longestPauseMs = 3_600_000;

function pauseOf({ headers }: WebhookAnswer): number {
  const asked = retryAfterMs(headers['retry-after'], Date.parse(headers['date'] ?? '')) ?? throttledMs;
  return Math.min(longestPauseMs, Math.max(shortestPauseMs, asked));
}

/** A 404 is no missing secret: a proxy answers so as well, and nothing is ever deleted on its word. */
function refuseFailure(answer: WebhookAnswer, host: string): void {
  const { status, headers } = answer;
  if (status >= 200 && status <= 299) return;
  const said = `host "${host}" answered HTTP ${status}`;
  if (status === 429 || (status >= 400 && headers['retry-after'] !== undefined))
    throw new OperatorError('UpstreamThrottled', `${said}: it limits the rate of requests`, {
      retryAfterMs: pauseOf(answer),
    });
  if (status >= 500) throw new OperatorError('UpstreamUnavailable', said);
  if (status === 401 || status === 403)
    throw new OperatorError('AccessDenied', `${said}: check what the headers log in with`);
  if (status >= 300 && status <= 399)
    throw new OperatorError(
      'UpstreamRejected',
      `${said}: redirects are not followed, as they would carry credentials along`,
    );
  throw new OperatorError('UpstreamRejected', `${said}: check spec.url, spec.method and spec.body`);
}
