// `infisical-login` and `infisical-secrets`, by the published schemas. In the cluster, `oidc` logs in with a token of a
// ServiceAccount of the Environment's own namespace: `serviceAccount` (default `default`) and `audience` (default the site)
// are additions to the schema. `retrieve` is an alias of `get`, and `secretKey` may hold a path, as announced.
// https://www.pulumi.com/docs/esc/integrations/dynamic-login-credentials/infisical-login/

import { type Credentials, TokenRejected } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { readAll } from '../../../base/read-all.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { InfisicalAuth } from '../../../crds/infisical.ts';
import type { ReadRequest } from '../../contract.ts';
import type { InfisicalAccess } from '../../infisical/access.ts';
import { parseHostApi } from '../../infisical/host.ts';
import { anySite, type EscProvider, type OpenContext } from './contract.ts';
import { mapOf, member, textOf } from './inputs.ts';

const cloudSite = 'https://app.infisical.com';

const string = { type: 'string', minLength: 1 } as const;

export function infisicalLogin(access: InfisicalAccess, checkSite = anySite): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        siteUrl: string,
        oidc: {
          type: 'object',
          properties: {
            identityId: string,
            subjectAttributes: { type: 'array', items: string },
            serviceAccount: string,
            audience: string,
          },
          required: ['identityId'],
        },
        static: {
          type: 'object',
          properties: { clientId: string, clientSecret: string },
          required: ['clientId', 'clientSecret'],
        },
      },
    },
    outputs: { type: 'object', properties: { accessToken: string, siteUrl: string }, required: ['accessToken'] },
    secret: true,
    async open(inputs, context, signal) {
      const siteUrl = textOf(inputs, 'siteUrl');
      await checkSite(context.namespace, new URL(parseHostApi(siteUrl ?? cloudSite).origin), signal);
      const { auth, credentials } = loginOf(inputs, context.credentials);
      const order = { siteUrl: siteUrl ?? cloudSite, auth, credentials, holder: context.holder };
      const { token, lifetimeMs } = await access.login(order, signal);
      if (lifetimeMs !== undefined) context.noteLifetime?.(lifetimeMs);
      return objectValue([
        ['accessToken', textValue(token.text(), { secret: true })],
        ...(siteUrl === undefined ? [] : [['siteUrl', textValue(siteUrl)] as const]),
      ]);
    },
  };
}

/** What the inputs say, as a store's login block and the material that it names. */
function loginOf(inputs: EscValue, credentials: Credentials): { auth: InfisicalAuth; credentials: Credentials } {
  const isOidc = inputs.members.has('oidc');
  if (isOidc === inputs.members.has('static')) {
    throw new OperatorError('InvalidSpec', 'infisical-login: set exactly one of oidc and static');
  }
  const block = member(inputs, isOidc ? 'oidc' : 'static');
  const own: Credentials = {
    secretKey: async ({ key = '' }) => new SecretValue(textOf(block, key) ?? ''),
    serviceAccount: (selector, _, signal) =>
      credentials.serviceAccount(selector, 'infisical-login: oidc.serviceAccount', signal),
    ambient() {
      throw new OperatorError('IdentityDenied', 'an Environment never logs in as the operator: use a ServiceAccount');
    },
  };
  const input = (key: string) => ({ name: 'inputs', key });
  if (!isOidc) {
    const universal = { clientId: input('clientId'), clientSecret: input('clientSecret') };
    return { auth: { universalAuthCredentials: universal }, credentials: own };
  }
  const audience = textOf(block, 'audience') ?? textOf(inputs, 'siteUrl') ?? cloudSite;
  const serviceAccountRef = { name: textOf(block, 'serviceAccount') ?? 'default', audiences: [audience] };
  return { auth: { oidcAuthCredentials: { identityId: input('identityId'), serviceAccountRef } }, credentials: own };
}

export function infisicalSecrets(access: InfisicalAccess, checkSite = anySite): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        login: { type: 'object', properties: { accessToken: string, siteUrl: string }, required: ['accessToken'] },
        get: mapOf({
          type: 'object',
          properties: { projectId: string, environment: string, secretKey: string, secretPath: string, type: string },
          required: ['projectId', 'environment', 'secretKey'],
        }),
      },
      required: ['login', 'get'],
    },
    outputs: { type: 'object', additionalProperties: { type: 'string' } },
    secret: true,
    aliases: { retrieve: 'get' },
    async open(inputs, context, signal) {
      const login = member(inputs, 'login');
      const site = {
        siteUrl: textOf(login, 'siteUrl') ?? cloudSite,
        token: new SecretValue(textOf(login, 'accessToken') ?? ''),
        turn: context.namespace,
      };
      await checkSite(context.namespace, new URL(parseHostApi(site.siteUrl).origin), signal);
      const places = Map.groupBy(member(inputs, 'get').members, ([, entry]) => JSON.stringify(placeOf(entry)));
      const reads = [...places.values()].map((entries) => readPlace(access, site, entries, context, signal));
      return objectValue((await readAll(reads)).flat());
    },
  };
}

interface Site {
  readonly siteUrl: string;
  readonly token: SecretValue;
  readonly turn: string;
}

type Entry = readonly [name: string, entry: EscValue];

/** Reads the entries of one folder. Throws what the first that failed says. */
async function readPlace(
  access: InfisicalAccess,
  site: Site,
  entries: readonly Entry[],
  { notBeforeMs }: OpenContext,
  signal: AbortSignal,
): Promise<Entry[]> {
  const [first] = entries;
  if (first === undefined) return [];
  const reader = access.reader({ ...site, ...placeOf(first[1]) });
  const requests = entries.map(([, entry]): ReadRequest => ({ kind: 'value', key: textOf(entry, 'secretKey') ?? '' }));
  const results = await reader.read(requests, { notBeforeMs }, signal);
  return entries.map(([name], at) => {
    const result = results[at];
    if (result === undefined) throw new OperatorError('Internal', 'a read was not answered');
    if ('error' in result) throw result.error instanceof TokenRejected ? result.error : result.error.within(name);
    const [value] = result.values.values();
    return [name, textValue(value?.text() ?? '', { secret: true })] as const;
  });
}

function placeOf(entry: EscValue) {
  const type = textOf(entry, 'type') ?? 'shared';
  if (type !== 'shared') {
    throw new OperatorError(
      'Unsupported',
      `type ${JSON.stringify(type)} is not served: machine identities have no personal secrets`,
    );
  }
  return {
    projectId: textOf(entry, 'projectId') ?? '',
    environment: textOf(entry, 'environment') ?? '',
    folder: textOf(entry, 'secretPath') ?? '/',
  };
}
