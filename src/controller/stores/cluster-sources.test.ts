// What an Environment may draw on: the rules for the operator's own identity are those of a SecretStore of its namespace.
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { operatorIdentity } from '../../credentials/operator-identity.ts';
import { clusterSources } from './cluster-sources.ts';

const missing = () => Promise.reject(new OperatorError('InvalidCredential', 'not part of the test'));
const clouds = { aws: missing, azureToken: missing, gcpIdToken: missing, gcpSignedJwt: missing };
const rules = {
  ambientIdentityHosts: ['app.infisical.com'],
  ambientIdentityNamespaces: ['trusted'],
  credentialDirectories: [],
};
const sources = clusterSources('app', {
  objects: { read: async () => undefined },
  tokens: { createToken: async () => new SecretValue('t') },
  operator: operatorIdentity(rules, clouds, '/nowhere'),
});

describe('the operator’s own identity', () => {
  const ambient = (namespace: string, host: string) => () => sources.credentialsIn(namespace).ambient(host, 'aws');

  it('is for Environments of namespaces, and for hosts, that the administrator listed', () => {
    expect(ambient('trusted', 'app.infisical.com')).not.toThrow();
  });

  it.each([
    ['another namespace', 'shop', 'app.infisical.com', 'namespace "shop" may not use it: add "shop" to'],
    ['another host', 'trusted', 'evil.example', 'host "evil.example" may not see it'],
  ])('is denied to %s', (_, namespace, host, says) => {
    expect(ambient(namespace, host)).toThrow(says);
    expect(ambient(namespace, host)).toThrow(expect.objectContaining({ reason: 'IdentityDenied' }));
  });
});
