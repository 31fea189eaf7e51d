// The logins of Pulumi Cloud, by the name that the schema gives them, and the choice of the one that a store sets. Typed by
// the schema: a login that is added there must be served here.
import { OperatorError } from '../../base/operator-error.ts';
import type { PulumiAuth, PulumiSpec } from '../../crds/pulumi.ts';
import type { LoginSite, Principal } from '../contract.ts';
import { accessToken } from './access-token.ts';
import { oidcConfig } from './oidc-config.ts';

/** Where a login to Pulumi goes. */
export interface PulumiSite extends LoginSite {
  /** Address of the service without the path of its ESC API: audience of tokens whose reference names none. */
  readonly baseUrl: string;
}

/** A login method of Pulumi; `block` is its path in the manifest. */
export interface PulumiMethod<Spec> {
  gather(spec: Spec, block: string, site: PulumiSite, signal: AbortSignal): Promise<Principal>;
}

export type PulumiLogin = keyof PulumiAuth;

const methods: { readonly [M in PulumiLogin]-?: PulumiMethod<NonNullable<PulumiAuth[M]>> } = {
  accessToken,
  oidcConfig,
};

/** The login that is set, by name; undefined for none or several. */
export function pulumiLogin({ auth, accessToken: older }: PulumiSpec): PulumiLogin | undefined {
  if (older !== undefined) return auth === undefined ? 'accessToken' : undefined;
  if (auth?.accessToken !== undefined) return auth.oidcConfig === undefined ? 'accessToken' : undefined;
  return auth?.oidcConfig === undefined ? undefined : 'oidcConfig';
}

/** The identity of the one login that is set. Throws InvalidSpec for none or several, and what the method throws. */
export async function gatherPulumiPrincipal(
  spec: PulumiSpec,
  site: PulumiSite,
  signal: AbortSignal,
): Promise<Principal> {
  const { auth, accessToken: older } = spec;
  if (pulumiLogin(spec) === undefined) {
    throw new OperatorError('InvalidSpec', 'pulumi.auth: set exactly one of accessToken and oidcConfig');
  }
  if (auth?.oidcConfig !== undefined) {
    return methods.oidcConfig.gather(auth.oidcConfig, 'pulumi.auth.oidcConfig', site, signal);
  }
  const block = older === undefined ? 'pulumi.auth.accessToken' : 'pulumi.accessToken';
  return methods.accessToken.gather(older ?? auth?.accessToken ?? {}, block, site, signal);
}
