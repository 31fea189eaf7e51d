// Login to Infisical by OpenID Connect: Infisical checks the token's signature against the issuer and calls nobody back.
import * as z from 'zod/mini';
import { about, optional, ruled } from '../../kit.ts';
import { secretKeyRef, serviceAccountRef } from '../../selectors.ts';

export const oidc = ruled(
  about(
    'OIDC Auth: a token of an OpenID Connect issuer, such as the cluster itself.',
    z.object({
      identityId: secretKeyRef('Id of the machine identity.'),
      jwt: optional(secretKeyRef('A token kept in a Secret.')),
      serviceAccountRef: optional(serviceAccountRef('ServiceAccount whose token is minted for this login.')),
    }),
  ),
  {
    rule: 'has(self.jwt) != has(self.serviceAccountRef)',
    message: "exactly one of 'jwt' and 'serviceAccountRef' must be set",
    holds: ({ jwt, serviceAccountRef }) => (jwt === undefined) !== (serviceAccountRef === undefined),
  },
);
