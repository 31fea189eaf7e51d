import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import type { InfisicalAuthMethod } from '../../crds/auth/infisical/table.ts';
import { counted } from '../shared/counted.ts';
import { callName } from './call-count.ts';

const { signal } = new AbortController();

async function seen(path: string, status: number | 'down', method?: InfisicalAuthMethod): Promise<readonly string[]> {
  const calls: string[] = [];
  const upstream = counted(
    {
      async send() {
        if (status === 'down') throw new OperatorError('UpstreamUnavailable', 'down');
        return { status, headers: {}, body: Buffer.alloc(0) };
      },
    },
    (request) => callName(request, method),
    (call, outcome) => calls.push(`${call} ${outcome}`),
  );
  await upstream.send({ method: 'GET', url: new URL(`https://host/api${path}`) }, signal).catch(() => {});
  return calls;
}

describe('calls to Infisical', () => {
  it.each([
    ['/v1/auth/token/revoke', 200, 'RevokeAccessToken success'],
    ['/v3/secrets/raw', 304, 'GetSecretsV3 success'],
    ['/v3/secrets/raw/API_KEY', 404, 'GetSecretByKeyV3 error'],
    ['/v3/secrets/raw', 'down', 'GetSecretsV3 error'],
  ] as const)('%s answered by %s counts as %s', async (path, status, wanted) => {
    expect(await seen(path, status)).toEqual([wanted]);
  });

  it.each([
    ['universal', 'universal', 200, 'MachineIdentityLoginViaUniversalAuth success'],
    ['kubernetes', 'kubernetes', 401, 'MachineIdentityLoginViaKubernetesAuth error'],
    ['gcpIdToken', 'gcp', 200, 'MachineIdentityLoginViaGcpIdTokenAuth success'],
    ['gcpIam', 'gcp', 200, 'MachineIdentityLoginViaGcpServiceAccountAuth success'],
  ] as const)('a login by %s counts as that, wherever it is sent', async (method, path, status, wanted) => {
    expect(await seen(`/v1/auth/${path}-auth/login`, status, method)).toEqual([wanted]);
  });
});
