import { describe, expect, it } from 'vitest';
import { signingKeys } from '../../../../test/support/cloud/signing-keys.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { doorTo, opened } from './opening.fixture.ts';

const host = 'https://elsewhere.test:8443';
const ref = 'op://Shop/Database/password';
const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'b' };
const awsHost = 'https://secretsmanager.eu-west-1.amazonaws.com';
const calls: readonly [provider: string, inputs: object, host?: string][] = [
  ['aws-secrets', { region: 'eu-west-1', login: keys, get: { it: { secretId: 's' } } }, awsHost],
  ['1password-secrets', { login: { connectHost: host, connectToken: 't' }, get: { it: { ref } } }],
  ['gh-login', { appId: 1, privateKey: signingKeys('github-app-1').privatePem, owner: 'acme', ghe: { host } }],
  ['infisical-login', { siteUrl: host, static: { clientId: 'a', clientSecret: 'b' } }],
  ['pulumi-environment', { environment: 'a/b/c', apiUrl: `${host}/api/esc`, static: { accessToken: 't' } }],
];

describe('a host that the namespace may not name', () => {
  it.each(calls)('is refused to %s before anything is sent', async (provider, inputs, named = host) => {
    const asked: string[] = [];
    const checkSite = async (namespace: string, { href }: URL) => {
      asked.push(`${namespace} ${href}`);
      throw new OperatorError('HostDenied', 'not for this namespace');
    };
    const ports = { door: doorTo(host), checkSite };
    expect(await opened({ it: { [`fn::open::${provider}`]: inputs } }, { ports })).toMatchObject({
      reason: 'HostDenied',
    });
    expect(asked).toEqual([`shop ${named}/`]);
  });
});
