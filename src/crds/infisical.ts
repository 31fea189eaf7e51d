// Provider block `infisical`: host, login and scope. ESO's fields, and login methods of ours beside them.
// Field reference of the compatible API: https://external-secrets.io/latest/provider/infisical/
import * as z from 'zod/mini';
import { type InfisicalAuthMethod, type InfisicalAuthSpecs, infisicalAuthSpecs } from './auth/infisical/table.ts';
import { about, bytes, defaulted, flag, optional, text } from './kit.ts';
import { caProvider } from './selectors.ts';

/** The blocks that a manifest may hold, by method: `{ universalAuthCredentials: …, … }`. */
export type InfisicalAuth = { [M in InfisicalAuthMethod as `${M}AuthCredentials`]?: InfisicalAuthSpecs[M] };

/** Every method with its block, in the order of the table. */
type AuthBlocks = {
  [M in InfisicalAuthMethod as `${M}AuthCredentials`]: z.ZodMiniExactOptional<(typeof infisicalAuthSpecs)[M]>;
};

const methods = Object.keys(infisicalAuthSpecs).filter(isMethod);

function isMethod(name: string): name is InfisicalAuthMethod {
  return Object.hasOwn(infisicalAuthSpecs, name);
}

// The checked edge: fromEntries forgets the names that the line above has just put in.
const authBlocks = Object.fromEntries(
  methods.map((method) => [`${method}AuthCredentials`, optional<z.ZodMiniType>(infisicalAuthSpecs[method])]),
) as unknown as AuthBlocks;

const secretsScope = about(
  'Where in Infisical the store reads.',
  z.object({
    projectSlug: text('Slug of the project; case-sensitive.'),
    environmentSlug: text('Slug of the environment, such as `prod`; case-sensitive.'),
    secretsPath: defaulted(text('Folder that keys without a folder are looked up in. Default `/`.'), '/'),
    recursive: defaulted(flag('Whether a search goes into the folders below. Default false.'), false),
    expandSecretReferences: defaulted(
      flag('Whether references to other secrets inside values are resolved. Default true.'),
      true,
    ),
    organizationSlug: optional(text('Sub-organization to log in to; absent means the one of the identity.')),
  }),
);

export const infisicalSpec = about(
  'Reads from Infisical.',
  z.object({
    auth: about('Login: set one block.', z.object(authBlocks)),
    secretsScope,
    hostAPI: defaulted(
      text('Address of Infisical, with or without `/api`. Default https://app.infisical.com/api.'),
      'https://app.infisical.com/api',
    ),
    caBundle: optional(
      bytes('PEM certificates, in base64, that the host is verified with beside the well-known ones.'),
    ),
    caProvider: optional(caProvider),
  }),
);

export type InfisicalSpec = z.infer<typeof infisicalSpec>;
export type SecretsScope = z.infer<typeof secretsScope>;

/** A login method and its block. */
export type InfisicalLogin = {
  [M in InfisicalAuthMethod]: { readonly method: M; readonly spec: InfisicalAuthSpecs[M] };
}[InfisicalAuthMethod];

/** The login blocks that are set, in the order of the table. More or fewer than one is for the caller to judge. */
export function infisicalLogins(auth: InfisicalAuth): InfisicalLogin[] {
  return methods.flatMap((method) => {
    const spec = auth[`${method}AuthCredentials`];
    // The checked edge: name and block come from the same row of the table.
    return spec === undefined ? [] : [{ method, spec } as InfisicalLogin];
  });
}
