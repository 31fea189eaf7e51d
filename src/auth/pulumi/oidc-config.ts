// OIDC login to Pulumi Cloud: a token that the cluster minted for a ServiceAccount is exchanged for one of the organization
// (RFC 8693). https://www.pulumi.com/docs/administration/access-identity/oidc-client/
import * as z from 'zod/mini';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { PulumiAuth } from '../../crds/pulumi.ts';
import type { PulumiMethod } from './table.ts';

const tokenPath = '/api/oauth/token';

const replySchema = z.object({ access_token: z.string().check(z.minLength(1)), expires_in: z.number().check(z.gt(0)) });

export const oidcConfig: PulumiMethod<NonNullable<PulumiAuth['oidcConfig']>> = {
  async gather({ organization, serviceAccountRef, expirationSeconds }, block, { baseUrl, credentials }, signal) {
    if (organization.trim() === '') throw new OperatorError('InvalidSpec', `${block}.organization is empty`);
    const audiences = serviceAccountRef.audiences?.length ? serviceAccountRef.audiences : [baseUrl];
    const field = `${block}.serviceAccountRef`;
    const account = await credentials.serviceAccount(
      { ...serviceAccountRef, audiences, expirationSeconds },
      field,
      signal,
    );
    return {
      key: `oidcConfig:${JSON.stringify([organization, expirationSeconds, account.name, account.audiences])}`,
      revocable: false,
      async login(api, nowMs, loginSignal) {
        const subject = await account.mint(loginSignal);
        const body = exchangeOf({ organization: organization.trim(), subject, expirationSeconds });
        const { token, lifeMs } = await api.post(tokenPath, body, parseReply, loginSignal);
        return { token, expiresAtMs: nowMs + lifeMs };
      },
    };
  },
};

interface Exchange {
  readonly organization: string;
  readonly subject: SecretValue;
  readonly expirationSeconds: number;
}

function exchangeOf({ organization, subject, expirationSeconds }: Exchange) {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    requested_token_type: 'urn:pulumi:token-type:access_token:organization',
    audience: `urn:pulumi:org:${organization}`,
    subject_token: subject.text(),
    expiration: expirationSeconds,
    scope: '',
  };
}

function parseReply(json: unknown): { readonly token: SecretValue; readonly lifeMs: number } {
  const parsed = replySchema.safeParse(json);
  if (parsed.success)
    return { token: new SecretValue(parsed.data.access_token), lifeMs: parsed.data.expires_in * 1_000 };
  throw new OperatorError('UpstreamInvalid', 'the answer holds no access token with a life');
}
