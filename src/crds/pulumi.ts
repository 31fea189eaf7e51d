// Provider block `pulumi`: one ESC environment of Pulumi Cloud. ESO's fields, and a certificate authority beside them.
// Field reference of the compatible API: https://external-secrets.io/latest/provider/pulumi/
import * as z from 'zod/mini';
import { about, bytes, defaulted, int64, optional, ruled, text } from './kit.ts';
import { caProvider, secretKeyRef, serviceAccountRef } from './selectors.ts';

const tokenHolder = z.object({ secretRef: optional(secretKeyRef('Key of a Secret that holds the token.')) });

const oidcConfig = z.object({
  organization: text('Pulumi organization whose OIDC issuer settings accept the token.'),
  serviceAccountRef: serviceAccountRef('ServiceAccount whose token is exchanged.'),
  expirationSeconds: defaulted(
    int64('Life of both tokens in seconds, at least 600. Default 600.').check(z.minimum(600)),
    600,
  ),
});

const auth = ruled(
  about(
    'Login to Pulumi Cloud: set one member.',
    z.object({
      accessToken: optional(about('A Pulumi access token.', tokenHolder)),
      oidcConfig: optional(about('Exchange of a ServiceAccount token for a Pulumi token.', oidcConfig)),
    }),
  ),
  {
    rule: 'has(self.accessToken) != has(self.oidcConfig)',
    message: "Exactly one of 'accessToken' or 'oidcConfig' must be specified",
    holds: ({ accessToken, oidcConfig }) => (accessToken === undefined) !== (oidcConfig === undefined),
  },
);

export const pulumiSpec = ruled(
  about(
    'Reads from an environment of Pulumi ESC.',
    z.object({
      apiUrl: defaulted(
        text('Address of the ESC API. Default https://api.pulumi.com/api/esc.'),
        'https://api.pulumi.com/api/esc',
      ),
      organization: text('Organization that owns the environment.'),
      project: text('Project of the environment.'),
      environment: text('Name of the environment.'),
      auth: optional(auth),
      accessToken: optional(about('Older place of `auth.accessToken`.', tokenHolder)),
      caBundle: optional(
        bytes('PEM certificates, in base64, that the host is verified with beside the well-known ones.'),
      ),
      caProvider: optional(caProvider),
    }),
  ),
  {
    rule: 'has(self.auth) != has(self.accessToken)',
    message: "Exactly one of 'auth' or deprecated 'accessToken' must be specified",
    holds: ({ auth, accessToken }) => (auth === undefined) !== (accessToken === undefined),
  },
);

export type PulumiSpec = z.infer<typeof pulumiSpec>;
export type PulumiAuth = z.infer<typeof auth>;
