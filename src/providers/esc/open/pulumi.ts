// `pulumi-environment`: an environment of Pulumi Cloud in one of the cluster, secrets as they are flagged there. It is ours:
// Pulumi's own documents import what they need. Logs in by an access token, or by the exchange of a ServiceAccount's token.
//
//   fn::open::pulumi-environment:
//     environment: acme/shop/prod@stable
//     oidc: { serviceAccount: default }

import type { Credentials } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import type { EscValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { PulumiAuth } from '../../../crds/pulumi.ts';
import type { PulumiEnvironments } from '../../pulumi/access.ts';
import { parseApiUrl } from '../../pulumi/address.ts';
import type { EnvironmentScope } from '../../pulumi/api.ts';
import { readScope } from '../../pulumi/provider.ts';
import { anySite, type EscProvider } from './contract.ts';
import { caPemOf, chosenOf, member, textOf } from './inputs.ts';

const string = { type: 'string', minLength: 1 } as const;
const leastExpirationSeconds = 600;
/** Ways to log in, of which one is set. */
const ways = ['oidc', 'static'] as const;

export function pulumiEnvironment(environments: PulumiEnvironments, checkSite = anySite): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        environment: string,
        apiUrl: string,
        caBundle: string,
        oidc: {
          type: 'object',
          properties: {
            organization: string,
            serviceAccount: string,
            audience: string,
            expirationSeconds: { type: 'number', minimum: leastExpirationSeconds, multipleOf: 1 },
          },
        },
        static: { type: 'object', properties: { accessToken: string }, required: ['accessToken'] },
      },
      required: ['environment'],
      exactlyOne: ways,
    },
    outputs: { type: 'object', additionalProperties: true },
    secret: true,
    async open(inputs, { credentials, holder, namespace, notBeforeMs }, signal) {
      const scope = scopeOf(textOf(inputs, 'environment') ?? '');
      const login = loginOf(inputs, scope, credentials);
      const apiUrl = textOf(inputs, 'apiUrl') ?? '';
      await checkSite(namespace, new URL(parseApiUrl(apiUrl).origin), signal);
      const place = { apiUrl, scope, caPem: caPemOf(inputs, 'pulumi-environment') };
      return await environments.open({ ...place, ...login, holder, turn: namespace, notBeforeMs }, signal);
    },
  };
}

/** `organization/project/environment`, perhaps with `@version`. */
function scopeOf(text: string): EnvironmentScope {
  const [name = '', version, ...more] = text.trim().split('@');
  const [organization = '', project = '', environment = '', ...rest] = name.split('/');
  const isVersion = version === undefined || (/^[\w.-]{1,255}$/.test(version) && !/^\.+$/.test(version));
  if (environment === '' || rest.length > 0 || more.length > 0 || !isVersion) {
    throw new OperatorError('InvalidSpec', 'environment: write organization/project/environment, or with @version');
  }
  return { ...readScope({ organization, project, environment }), version };
}

/** What a header can carry. */
const visible = /^[\x21-\x7e]+$/;

function loginOf(
  inputs: EscValue,
  { organization }: EnvironmentScope,
  credentials: Credentials,
): { readonly auth: PulumiAuth; readonly credentials: Credentials } {
  const way = chosenOf(inputs, ways);
  const isOidc = way === 'oidc';
  const block = member(inputs, way);
  const token = textOf(block, 'accessToken')?.trim() ?? '';
  if (!isOidc && !visible.test(token)) {
    throw new OperatorError(
      'InvalidCredential',
      'static.accessToken is no token: it is blank, or holds what none does',
    );
  }
  const own: Credentials = {
    secretKey: async () => new SecretValue(token),
    serviceAccount: (selector, _, signal) => credentials.serviceAccount(selector, 'oidc.serviceAccount', signal),
    ambient() {
      throw new OperatorError('IdentityDenied', 'an Environment never logs in as the operator: use a ServiceAccount');
    },
  };
  if (!isOidc)
    return { auth: { accessToken: { secretRef: { name: 'inputs', key: 'accessToken' } } }, credentials: own };
  const audience = textOf(block, 'audience');
  const expiration = block.members.get('expirationSeconds')?.data;
  const oidcConfig = {
    organization: textOf(block, 'organization') ?? organization,
    serviceAccountRef: {
      name: textOf(block, 'serviceAccount') ?? 'default',
      ...(audience === undefined ? {} : { audiences: [audience] }),
    },
    expirationSeconds: expiration?.kind === 'number' ? Number(expiration.text) : leastExpirationSeconds,
  };
  return { auth: { oidcConfig }, credentials: own };
}
