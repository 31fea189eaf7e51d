// The login methods of Infisical: one line each. A method's block in a manifest is `<method>AuthCredentials`.
import type * as z from 'zod/mini';
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

export const infisicalAuthSpecs = {
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

/** What each method is configured with. */
export type InfisicalAuthSpecs = { [M in keyof typeof infisicalAuthSpecs]: z.infer<(typeof infisicalAuthSpecs)[M]> };

export type InfisicalAuthMethod = keyof InfisicalAuthSpecs;
