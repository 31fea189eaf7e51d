import { describe, expect, it } from 'vitest';
import { collectionPath, objectPath, withQuery } from './path.ts';
import { reasonIn } from './transport.fixture.ts';
import type { Resource } from './types.ts';

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
const stores: Resource = { group: 'g.io', version: 'v1', plural: 'stores', kind: 'Store', namespaced: false };

describe('paths', () => {
  it('lead to one namespace, or to all when none is named', () => {
    expect(collectionPath(secrets, 'ns')).toBe('/api/v1/namespaces/ns/secrets');
    expect(collectionPath(secrets)).toBe('/api/v1/secrets');
    expect(collectionPath(stores, 'ns')).toBe('/apis/g.io/v1/stores');
  });

  it('lead to one object and its subresource, whatever its name holds', () => {
    expect(objectPath(secrets, { namespace: 'n/s', name: 'a?b' }, 'status')).toBe(
      '/api/v1/namespaces/n%2Fs/secrets/a%3Fb/status',
    );
    expect(objectPath(stores, { name: 's' })).toBe('/apis/g.io/v1/stores/s');
  });

  it('leave out what is undefined of a query', () => {
    expect(withQuery('/x', { a: 'b c', d: undefined })).toBe('/x?a=b%20c');
    expect(withQuery('/x', { d: undefined })).toBe('/x');
  });

  it.each<[what: string, path: () => string]>([
    ['an empty namespace, which is not all of them', () => collectionPath(secrets, '')],
    ['an object in an empty namespace', () => objectPath(secrets, { namespace: '', name: 'a' })],
    ['an object without the namespace that its kind has', () => objectPath(secrets, { name: 'a' })],
    ['an empty name, which would be the collection', () => objectPath(secrets, { namespace: 'ns', name: '' })],
  ])('refuse %s', (_what, path) => {
    let reason = 'none';
    try {
      path();
    } catch (thrown) {
      reason = reasonIn(thrown);
    }
    expect(reason).toBe('Internal');
  });
});
