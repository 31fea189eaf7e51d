// Tokens of ServiceAccounts, minted by the API server for an audience.
// https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
import { OperatorError } from '../base/operator-error.ts';
import { SecretValue } from '../core/secret-value.ts';
import { callApi } from './call.ts';
import { objectPath } from './path.ts';
import type { Transport } from './transport.ts';
import { keyOf, type Resource } from './types.ts';

export interface TokenOrder {
  readonly namespace: string;
  /** The ServiceAccount. */
  readonly name: string;
  /** Empty for the API server's own audience. */
  readonly audiences: readonly string[];
  /** At least 600; the server may answer with less than was asked. */
  readonly expirationSeconds: number;
}

export interface MintedToken {
  readonly token: SecretValue;
  readonly expiresAtMs: number;
}

const serviceAccounts: Resource = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};

interface TokenAnswer {
  readonly status?: { readonly token?: string; readonly expirationTimestamp?: string };
}

/** Throws `ReferenceNotFound` when the ServiceAccount is missing, `ApiDenied` without the right to mint for it. */
export async function createToken(transport: Transport, order: TokenOrder, signal: AbortSignal): Promise<MintedToken> {
  const { namespace, name, audiences, expirationSeconds } = order;
  const spec = { expirationSeconds, ...(audiences.length === 0 ? {} : { audiences }) };
  const attempt = { verb: 'create', plural: 'serviceaccounts/token', key: keyOf({ namespace, name }) };
  const answer = await callApi<TokenAnswer>(
    transport,
    {
      method: 'POST',
      path: objectPath(serviceAccounts, { namespace, name }, 'token'),
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }),
      mayReplay: true, // a token that nobody has received harms nobody, and runs out
      attempt,
    },
    signal,
  );
  const { token, expirationTimestamp } = answer.status ?? {};
  const expiresAtMs = Date.parse(expirationTimestamp ?? '');
  if (token === undefined || token === '' || Number.isNaN(expiresAtMs)) {
    throw new OperatorError(
      'ApiUnavailable',
      `${attempt.verb} ${attempt.plural} "${attempt.key}": no token in the answer`,
    );
  }
  return { token: new SecretValue(token), expiresAtMs };
}
