// Names the calls to Infisical as ESO's metric does, so that dashboards and alerts carry over.
// Source: ESO 2.9, pkg/metrics and providers/v1/infisical (https://github.com/external-secrets/external-secrets).
import type { InfisicalAuthMethod } from '../../crds/auth/infisical/table.ts';
import type { UpstreamRequest } from '../../http/contract.ts';

const logins: Readonly<Record<InfisicalAuthMethod, string>> = {
  universal: 'UniversalAuth',
  azure: 'AzureAuth',
  gcpIdToken: 'GcpIdTokenAuth',
  gcpIam: 'GcpServiceAccountAuth',
  jwt: 'JwtAuth',
  ldap: 'LdapAuth',
  oci: 'OciAuth',
  kubernetes: 'KubernetesAuth',
  aws: 'AwsAuth',
  token: 'TokenAuth',
  oidc: 'OidcAuth',
};

/** Its name there. `method` is how the store logs in, undefined for one that does not say. */
export function callName({ url: { pathname } }: UpstreamRequest, method: InfisicalAuthMethod | undefined): string {
  if (/\/v1\/auth\/[a-z]+-auth\/login$/.test(pathname)) {
    return `MachineIdentityLoginVia${method === undefined ? 'Other' : logins[method]}`;
  }
  if (pathname.endsWith('/v1/auth/token/revoke')) return 'RevokeAccessToken';
  return pathname.endsWith('/v3/secrets/raw') ? 'GetSecretsV3' : 'GetSecretByKeyV3';
}
