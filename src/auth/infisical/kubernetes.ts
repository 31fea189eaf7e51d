// Infisical Kubernetes Auth: a ServiceAccount token that Infisical has reviewed by the cluster. It is minted for the store
// (`serviceAccountRef`), or read from a file of the operator's pod, which is the operator's own identity and follows the
// rules for that.
// https://infisical.com/docs/documentation/platform/identities/kubernetes-auth

import { OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AmbientSources, AuthMethod, LoginSite } from '../contract.ts';
import { describeKey, principalKey, readTrimmed } from '../material.ts';
import { readIdentityId } from './identity-id.ts';
import { type JwtSource, loginByJwt, mintedJwt } from './jwt-login.ts';

type KubernetesSpec = InfisicalAuthSpecs['kubernetes'];

const block = 'infisical.auth.kubernetesAuthCredentials';
const path = '/v1/auth/kubernetes-auth/login';

export const kubernetes: AuthMethod<KubernetesSpec> = {
  async gather(spec, site, signal) {
    const [source, identityId] = await readAll([
      tokenSource(spec, site, signal),
      readIdentityId(site.credentials, spec.identityId, block, signal),
    ]);
    return {
      key: `${principalKey('kubernetes', [identityId])}:${source.key}`,
      revocable: true,
      login: (api, nowMs, loginSignal) => loginByJwt({ api, path, identityId, source }, nowMs, loginSignal),
    };
  },
};

async function tokenSource(spec: KubernetesSpec, site: LoginSite, signal: AbortSignal): Promise<JwtSource> {
  const { serviceAccountRef, serviceAccountTokenPath: selector } = spec;
  const { credentials } = site;
  if (serviceAccountRef !== undefined) {
    if (selector !== undefined) {
      throw new OperatorError(
        'InvalidSpec',
        `${block}: serviceAccountRef and serviceAccountTokenPath are both set; keep the one that is meant`,
      );
    }
    return mintedJwt(await credentials.serviceAccount(serviceAccountRef, `${block}.serviceAccountRef`, signal));
  }
  const ambient = ambientOf(site);
  if (selector === undefined) {
    const token = (loginSignal: AbortSignal) => ambient.serviceAccountTokenFile(undefined, block, loginSignal);
    return { key: 'own', what: "the operator's own ServiceAccount token", token };
  }
  const field = `${block}.serviceAccountTokenPath`;
  const file = await readTrimmed(credentials, selector, field, signal);
  const what = `${field}: ${describeKey(selector)}`;
  return {
    key: principalKey('file', [file]),
    what: `the token file of ${what}`,
    token: (loginSignal) => ambient.serviceAccountTokenFile(file.text(), what, loginSignal),
  };
}

/** Throws IdentityDenied that also names the way which needs nobody's permission. */
function ambientOf({ credentials, host }: LoginSite): AmbientSources {
  try {
    return credentials.ambient(host, block);
  } catch (thrown) {
    if (!(thrown instanceof OperatorError) || thrown.reason !== 'IdentityDenied') throw thrown;
    const message = `${thrown.message}; or set serviceAccountRef, which uses a ServiceAccount of the store's namespace in its place`;
    throw new OperatorError('IdentityDenied', message, { cause: thrown });
  }
}
