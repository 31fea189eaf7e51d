// Logins, and what can be done with an access token afterwards.
import { broken } from './api-error.ts';
import type { LoginBody, ProofMethod } from './identities.ts';
import { type Call, type Route, read } from './router.ts';
import { type Fields, text, textMembers, textOr, trimmed } from './validation.ts';

/** Fields of each login by somebody else's proof. Kubernetes and OIDC trim their jwt, Azure and GCP do not. */
const proofFields: Readonly<Record<ProofMethod, Fields>> = {
  kubernetes: { identityId: text, jwt: trimmed },
  oidc: { identityId: text, jwt: trimmed },
  aws: { identityId: text, iamHttpRequestMethod: textOr('POST'), iamRequestBody: text, iamRequestHeaders: text },
  azure: { identityId: text, jwt: text },
  gcp: { identityId: text, jwt: text },
  jwt: { identityId: text, jwt: trimmed },
  ldap: { identityId: text, username: text, password: text },
  oci: { identityId: text, userOcid: text, headers: textMembers },
};

const newerMethods: readonly ProofMethod[] = ['jwt', 'ldap', 'oci'];
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const loginRoutes: readonly Route[] = [
  {
    method: 'POST',
    pattern: '/api/v1/auth/universal-auth/login',
    kind: 'login',
    limit: 'write',
    isOpen: true,
    handle: (call) => {
      const { clientId, clientSecret } = read(call, call.body, { clientId: trimmed, clientSecret: trimmed });
      return call.backend.identities.loginUniversal(clientId, clientSecret);
    },
  },
  ...(Object.keys(proofFields) as ProofMethod[]).map(proofRoute), // the type lists the keys
  tokenRoute('renew', ({ backend }, token) => backend.tokens.renew(token)),
  tokenRoute('revoke', ({ backend }, token) => {
    backend.tokens.revoke(token);
    return { message: 'Successfully revoked access token' };
  }),
];

function proofRoute(method: ProofMethod): Route {
  return {
    method: 'POST',
    pattern: `/api/v1/auth/${method}-auth/login`,
    kind: 'login',
    limit: 'write',
    isOpen: true,
    ...(newerMethods.includes(method) && { since: '2025-06' }),
    handle: (call) => {
      const body = read(call, call.body, proofFields[method]);
      const identityId = typeof body['identityId'] === 'string' ? body['identityId'] : '';
      // A signed request's headers are an object in some methods: what was sent goes to the verifier unchanged.
      const whole: LoginBody = { ...Object(call.body), ...body, identityId };
      if (!uuid.test(whole.identityId)) throw broken('Find one');
      return call.backend.identities.loginByProof(method, whole);
    },
  };
}

function tokenRoute(kind: 'renew' | 'revoke', act: (call: Call, token: string) => unknown): Route {
  const fields = { accessToken: trimmed } satisfies Fields;
  return {
    method: 'POST',
    pattern: `/api/v1/auth/token/${kind}`,
    kind,
    limit: 'write',
    isOpen: true,
    handle: (call) => act(call, read(call, call.body, fields).accessToken),
  };
}
