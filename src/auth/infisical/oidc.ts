// Infisical OIDC Auth: a token whose signature Infisical checks against the issuer's published keys. The cluster itself is
// such an issuer: then the token is minted for a ServiceAccount, and nobody has to be let into the cluster's API.
// https://infisical.com/docs/documentation/platform/identities/oidc-auth/general

import { OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod, Credentials } from '../contract.ts';
import { principalKey } from '../material.ts';
import { readIdentityId } from './identity-id.ts';
import { type JwtSource, loginByJwt, mintedJwt, storedJwt } from './jwt-login.ts';

type OidcSpec = InfisicalAuthSpecs['oidc'];

const block = 'infisical.auth.oidcAuthCredentials';
const path = '/v1/auth/oidc-auth/login';

export const oidc: AuthMethod<OidcSpec> = {
  async gather(spec, { credentials }, signal) {
    const [source, identityId] = await readAll([
      tokenSource(spec, credentials, signal),
      readIdentityId(credentials, spec.identityId, block, signal),
    ]);
    return {
      key: `${principalKey('oidc', [identityId])}:${source.key}`,
      revocable: true,
      login: (api, nowMs, loginSignal) => loginByJwt({ api, path, identityId, source }, nowMs, loginSignal),
    };
  },
};

/** Throws InvalidSpec unless exactly one source is set: the object may be older than the rule in its schema. */
async function tokenSource(
  { jwt, serviceAccountRef }: OidcSpec,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<JwtSource> {
  if (jwt !== undefined && serviceAccountRef === undefined) {
    return storedJwt(credentials, jwt, `${block}.jwt`, signal);
  }
  if (serviceAccountRef !== undefined && jwt === undefined) {
    return mintedJwt(await credentials.serviceAccount(serviceAccountRef, `${block}.serviceAccountRef`, signal));
  }
  throw new OperatorError(
    'InvalidSpec',
    `${block}: set exactly one of jwt (a token in a Secret) and serviceAccountRef (tokens are minted)`,
  );
}
