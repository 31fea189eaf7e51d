import { describe, expect, it } from 'vitest';
import { OpenNamespaceError, type Referrer, referencedNamespace } from './references.ts';

const namespaced: Referrer = { kind: 'SecretStore', name: 's', namespace: 'shop', consumerNamespace: 'shop' };
const cluster: Referrer = { kind: 'ClusterSecretStore', name: 's', namespace: undefined, consumerNamespace: 'shop' };
const validated: Referrer = { ...cluster, consumerNamespace: undefined };

describe('referencedNamespace', () => {
  it.each<[why: string, referrer: Referrer, wanted: string | undefined, namespace: string]>([
    ['a SecretStore stays at home', namespaced, undefined, 'shop'],
    ['an empty field is none', namespaced, '', 'shop'],
    ['a SecretStore may name its own namespace', namespaced, 'shop', 'shop'],
    [
      'a consumer elsewhere does not move a SecretStore',
      { ...namespaced, consumerNamespace: 'other' },
      undefined,
      'shop',
    ],
    ['a cluster store names one', cluster, 'vault', 'vault'],
    ['a cluster store without one means that of the consumer', cluster, undefined, 'shop'],
    ['an empty field of a cluster store is none', cluster, '', 'shop'],
    ['a cluster store that names one needs no consumer', validated, 'vault', 'vault'],
  ])('resolves: %s', (_, referrer, wanted, namespace) => {
    expect(referencedNamespace(referrer, wanted, 'auth.x')).toBe(namespace);
  });

  it.each(['other', 'Shop', 'shop ', '*'])('refuses that a SecretStore reaches into %j', (wanted) => {
    expect(() => referencedNamespace(namespaced, wanted, 'auth.x')).toThrow(
      expect.objectContaining({ reason: 'ReferenceDenied', message: expect.stringContaining('auth.x') }),
    );
  });

  it.each([undefined, ''])('leaves open what a cluster store means by %j while nobody uses it', (wanted) => {
    expect(() => referencedNamespace(validated, wanted, 'auth.x')).toThrow(OpenNamespaceError);
  });
});
