// `infisical-login`: a token of Infisical. `oidc` and `static` are published; every other login method of a store stands beside
// them under the name of its block, with values in place of references. `oidc` and `kubernetes` log in with a token of a
// ServiceAccount of the Environment's own namespace: `serviceAccount` (default `default`) and `audience` (default the site, or
// the API server) are additions, as is `caBundle`, PEM of a private CA.
// https://www.pulumi.com/docs/esc/integrations/dynamic-login-credentials/infisical-login/

import type { Credentials } from '../../../auth/contract.ts';
import type { Schema } from '../../../core/esc/schema.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { InfisicalAuthMethod } from '../../../crds/auth/infisical/table.ts';
import { type InfisicalAuth, infisicalSpec } from '../../../crds/infisical.ts';
import type { InfisicalAccess } from '../../infisical/access.ts';
import { parseHostApi } from '../../infisical/host.ts';
import { anySite, type EscProvider } from './contract.ts';
import { cloudSite } from './infisical-secrets.ts';
import { caPemOf, chosenOf, member, textOf } from './inputs.ts';

const string = { type: 'string', minLength: 1 } as const;

interface Login {
  /** The login method of a store. */
  readonly method: InfisicalAuthMethod;
  /** Inputs, under the names that the method's block has for them. */
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  /** A ServiceAccount logs in, unless this input is there. */
  readonly accountUnless?: string;
  /** Who its tokens are for unless `audience` says it; absent means the API server. */
  readonly isForSite?: true;
}

/** Typed by the table of methods: one that is added there must be served here. */
const logins: Readonly<Record<Exclude<InfisicalAuthMethod, 'universal'> | 'static', Login>> = {
  oidc: { method: 'oidc', required: ['identityId'], optional: ['jwt'], accountUnless: 'jwt', isForSite: true },
  static: { method: 'universal', required: ['clientId', 'clientSecret'] },
  aws: { method: 'aws', required: ['identityId'] },
  azure: { method: 'azure', required: ['identityId'], optional: ['resource'] },
  gcpIam: { method: 'gcpIam', required: ['identityId', 'serviceAccountKeyFilePath'] },
  gcpIdToken: { method: 'gcpIdToken', required: ['identityId'] },
  jwt: { method: 'jwt', required: ['identityId', 'jwt'] },
  kubernetes: {
    method: 'kubernetes',
    required: ['identityId'],
    optional: ['serviceAccountTokenPath'],
    accountUnless: 'serviceAccountTokenPath',
  },
  ldap: { method: 'ldap', required: ['identityId', 'ldapUsername', 'ldapPassword'] },
  oci: {
    method: 'oci',
    required: ['identityId', 'privateKey', 'fingerprint', 'userId', 'tenancyId', 'region'],
    optional: ['privateKeyPassphrase'],
  },
  token: { method: 'token', required: ['accessToken'] },
};

/** The keys of the table, as the types know them. */
const names = Object.keys(logins) as readonly (keyof typeof logins)[];

export function infisicalLogin(access: InfisicalAccess, checkSite = anySite): EscProvider {
  const blocks = Object.entries(logins).map(([name, login]) => [name, inputsOf(login)] as const);
  return {
    inputs: {
      type: 'object',
      properties: { siteUrl: string, caBundle: string, ...Object.fromEntries(blocks) },
      exactlyOne: names,
    },
    outputs: {
      type: 'object',
      properties: { accessToken: string, siteUrl: string, caBundle: string },
      required: ['accessToken'],
    },
    secret: true,
    async open(inputs, context, signal) {
      const siteUrl = textOf(inputs, 'siteUrl') ?? cloudSite;
      await checkSite(context.namespace, new URL(parseHostApi(siteUrl).origin), signal);
      const { auth, credentials } = loginOf(inputs, siteUrl, context.credentials);
      const caPem = caPemOf(inputs, 'infisical-login');
      const order = { siteUrl, caPem, auth, credentials, holder: context.holder, turn: context.namespace };
      const { token, lifetimeMs } = await access.login(order, signal);
      if (lifetimeMs !== undefined) context.noteLifetime?.(lifetimeMs);
      // What says where the token is good goes with it, so that `login: ${infisical.login}` reads there.
      const place = [...inputs.members].filter(([name]) => name === 'siteUrl' || name === 'caBundle');
      return objectValue([['accessToken', textValue(token.text(), { secret: true })], ...place]);
    },
  };
}

function inputsOf({ required, optional = [], accountUnless, isForSite }: Login): Schema {
  const texts = [...required, ...optional, ...(accountUnless === undefined ? [] : ['serviceAccount', 'audience'])];
  const properties = Object.fromEntries(texts.map((name) => [name, string]));
  const published = isForSite === true ? { subjectAttributes: { type: 'array', items: string } as const } : {};
  return { type: 'object', properties: { ...properties, ...published }, required };
}

/** What the inputs say, as a store's login block and the material that it names. */
function loginOf(
  inputs: EscValue,
  siteUrl: string,
  credentials: Credentials,
): { auth: InfisicalAuth; credentials: Credentials } {
  const name = chosenOf(inputs, names);
  const login = logins[name];
  const block = member(inputs, name);
  const texts = [...login.required, ...(login.optional ?? [])].filter((each) => block.members.has(each));
  const selectors = Object.fromEntries(texts.map((key) => [key, { name: 'inputs', key }]));
  const serviceAccountRef = accountOf(login, block, siteUrl);
  const spec = { ...selectors, ...(serviceAccountRef === undefined ? {} : { serviceAccountRef }) };
  return {
    auth: infisicalSpec.shape.auth.parse({ [`${login.method}AuthCredentials`]: spec }),
    credentials: {
      secretKey: async ({ key = '' }) => new SecretValue(textOf(block, key) ?? ''),
      serviceAccount: (selector, _, signal) =>
        credentials.serviceAccount(selector, `infisical-login: ${name}.serviceAccount`, signal),
      ambient: (host) => credentials.ambient(host, `infisical-login: ${name}`),
    },
  };
}

function accountOf({ accountUnless, isForSite }: Login, block: EscValue, siteUrl: string) {
  const account = textOf(block, 'serviceAccount');
  if (accountUnless === undefined || (block.members.has(accountUnless) && account === undefined)) return undefined;
  const audience = textOf(block, 'audience') ?? (isForSite === true ? siteUrl : undefined);
  return { name: account ?? 'default', ...(audience === undefined ? {} : { audiences: [audience] }) };
}
