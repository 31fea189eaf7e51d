// The login methods of Infisical, by the name that the schemas give them, and the choice of the one that a store sets.
// Typed by the table of schemas: a method that is added there must be served here.
import { OperatorError } from '../../base/operator-error.ts';
import type { InfisicalAuthMethod, InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import { type InfisicalAuth, infisicalLogins } from '../../crds/infisical.ts';
import type { AuthMethod, LoginSite, Principal } from '../contract.ts';
import { aws } from './aws.ts';
import { azure } from './azure.ts';
import { gcpIam } from './gcp-iam.ts';
import { gcpIdToken } from './gcp-id-token.ts';
import { jwt } from './jwt.ts';
import { kubernetes } from './kubernetes.ts';
import { ldap } from './ldap.ts';
import { oci } from './oci.ts';
import { oidc } from './oidc.ts';
import { token } from './token.ts';
import { universal } from './universal.ts';

type Methods = { readonly [M in InfisicalAuthMethod]: AuthMethod<InfisicalAuthSpecs[M]> };

const methods: Methods = {
  universal,
  azure,
  gcpIdToken,
  gcpIam,
  jwt,
  ldap,
  oci,
  kubernetes,
  aws,
  token,
  oidc,
};

/**
 * The identity of the one login block that is set. Throws InvalidSpec for none or several (naming them), and what the
 * method throws.
 */
export async function gatherInfisicalPrincipal(
  auth: InfisicalAuth,
  site: LoginSite,
  signal: AbortSignal,
): Promise<Principal> {
  const logins = infisicalLogins(auth);
  const [login] = logins;
  if (login === undefined) {
    const blocks = Object.keys(methods).map(blockOf).join(', ');
    throw new OperatorError('InvalidSpec', `infisical.auth: no login block is set; set one of ${blocks}`);
  }
  if (logins.length > 1) {
    const blocks = logins.map(({ method }) => blockOf(method)).join(', ');
    throw new OperatorError('InvalidSpec', `infisical.auth: ${blocks} are all set; keep the one that is meant`);
  }
  return gather(login.method, login.spec, site, signal);
}

function gather<M extends InfisicalAuthMethod>(
  name: M,
  spec: InfisicalAuthSpecs[M],
  site: LoginSite,
  signal: AbortSignal,
): Promise<Principal> {
  const method: AuthMethod<InfisicalAuthSpecs[M]> = methods[name];
  return method.gather(spec, site, signal);
}

function blockOf(method: string): string {
  return `${method}AuthCredentials`;
}
