// What a cluster tells others about its ServiceAccount tokens, asked of the real API server: TokenReview, and the keys and
// name of the issuer. Infisical asks the same for Kubernetes and OIDC Auth.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { JSONWebKeySet } from 'jose';
import { z } from 'zod';
import type { ReviewVerdict } from './infisical-double/verifiers.ts';
import type { ApiAccess } from './kube-api.ts';

const reviewAnswer = z.object({
  status: z.object({
    authenticated: z.boolean().optional(),
    user: z.object({ username: z.string().optional() }).optional(),
    audiences: z.array(z.string()).optional(),
    error: z.string().optional(),
  }),
});

/** A TokenReview with the rights of `access`; without audiences, the API server's own are asked for. */
export async function reviewToken(
  access: ApiAccess,
  token: string,
  audiences: readonly string[] = [],
): Promise<ReviewVerdict> {
  const spec = { token, ...(audiences.length === 0 ? {} : { audiences }) };
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
  const answer = await call(access, '/apis/authentication.k8s.io/v1/tokenreviews', review);
  const { status } = reviewAnswer.parse(answer);
  if (status.authenticated !== true) return { refused: status.error ?? 'not authenticated' };
  return { username: status.user?.username ?? '', audiences: status.audiences ?? [] };
}

/** Issuer and keys, as OIDC discovery publishes them; an empty token asks without a name, as Infisical does. */
export async function clusterIssuer(access: ApiAccess): Promise<{ issuer: string; keys: JSONWebKeySet }> {
  const discovery = await call(access, '/.well-known/openid-configuration');
  const { issuer, jwks_uri: keysUrl } = z.object({ issuer: z.string(), jwks_uri: z.string() }).parse(discovery);
  // Its host may be an address inside the cluster; the path is served here as well.
  const keys = await call(access, new URL(keysUrl).pathname);
  return { issuer, keys: z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }).parse(keys) };
}

/** GET, or POST of a body; the answer as JSON. Throws for any status but success. */
async function call({ server, caPem, token }: ApiAccess, path: string, body?: object): Promise<unknown> {
  const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
  const headers = { 'content-type': 'application/json', ...authorization };
  const sending = request(`${server}${path}`, { method: body === undefined ? 'GET' : 'POST', ca: caPem, headers });
  sending.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(sending, 'response')) as [IncomingMessage]; // what the event carries
  const answer = await text(response);
  if ((response.statusCode ?? 0) >= 300) throw new Error(`${path}: ${response.statusCode}: ${answer}`);
  return JSON.parse(answer);
}
