// `infisical-secrets`, by the published schema: secrets of Infisical by the token that a login gave. `retrieve` is an alias of
// `get`, and `secretKey` may hold a path, as announced; `login.caBundle`, PEM of a private CA, is an addition.
// https://www.pulumi.com/docs/esc/integrations/dynamic-secrets/infisical-secrets/

import { TokenRejected } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { readAll } from '../../../base/read-all.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { ReadRequest } from '../../contract.ts';
import type { InfisicalAccess } from '../../infisical/access.ts';
import { parseHostApi } from '../../infisical/host.ts';
import { anySite, type EscProvider, type OpenContext } from './contract.ts';
import { caPemOf, mapOf, member, textOf } from './inputs.ts';

/** Where those who name no site have their secrets. */
export const cloudSite = 'https://app.infisical.com';

const string = { type: 'string', minLength: 1 } as const;

export function infisicalSecrets(access: InfisicalAccess, checkSite = anySite): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        login: {
          type: 'object',
          properties: { accessToken: string, siteUrl: string, caBundle: string },
          required: ['accessToken'],
        },
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
        caPem: caPemOf(login, 'login'),
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
  readonly caPem: string | undefined;
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
