import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../core/operator-error.ts';
import { counted } from './call-count.ts';

const { signal } = new AbortController();

async function seen(path: string, status: number | 'down'): Promise<readonly string[]> {
  const calls: string[] = [];
  const upstream = counted(
    {
      async send() {
        if (status === 'down') throw new OperatorError('UpstreamUnavailable', 'down');
        return { status, headers: {}, body: Buffer.alloc(0) };
      },
    },
    (call, outcome) => calls.push(`${call} ${outcome}`),
  );
  await upstream.send({ method: 'GET', url: new URL(`https://host/api${path}`) }, signal).catch(() => {});
  return calls;
}

describe('calls to Infisical', () => {
  it.each([
    ['/v1/auth/universal-auth/login', 200, 'MachineIdentityLoginViaUniversalAuth success'],
    ['/v1/auth/kubernetes-auth/login', 401, 'MachineIdentityLoginViaKubernetesAuth error'],
    ['/v1/auth/token/revoke', 200, 'RevokeAccessToken success'],
    ['/v3/secrets/raw', 304, 'GetSecretsV3 success'],
    ['/v3/secrets/raw/API_KEY', 404, 'GetSecretByKeyV3 error'],
    ['/v3/secrets/raw', 'down', 'GetSecretsV3 error'],
  ] as const)('%s answered by %s counts as %s', async (path, status, wanted) => {
    expect(await seen(path, status)).toEqual([wanted]);
  });
});
