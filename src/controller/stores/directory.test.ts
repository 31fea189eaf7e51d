import { describe, expect, it } from 'vitest';
import { Collection } from '../../../test/support/collection.ts';
import { storeRecord } from '../records.ts';
import { StoreDirectory, storeKeysOf } from './directory.ts';

const spec = (value: string) => ({ provider: { fake: { data: [{ key: 'k', value }] } } });
const ref = { kind: 'SecretStore', name: 's' } as const;
const clusterRef = { kind: 'ClusterSecretStore', name: 'shared' } as const;

function setUp() {
  const stores = new Collection(storeRecord('SecretStore'));
  const clusterStores = new Collection(storeRecord('ClusterSecretStore'));
  const directory = new StoreDirectory({ SecretStore: stores, ClusterSecretStore: clusterStores });
  const heard: string[] = [];
  directory.subscribe((change, key) => void heard.push(`${change} ${key}`));
  return { stores, clusterStores, directory, heard };
}

describe('what became of a store', () => {
  it('is told: new, edited, gone', () => {
    const { stores, clusterStores, heard } = setUp();
    stores.put('team/s', { spec: spec('one') });
    stores.put('team/s', { spec: spec('two') });
    clusterStores.put('shared', { spec: spec('one') });
    stores.remove('team/s');
    expect(heard).toEqual([
      'new SecretStore/team/s',
      'edited SecretStore/team/s',
      'new ClusterSecretStore/shared',
      'gone SecretStore/team/s',
    ]);
  });

  it('is nothing when only its status or its labels changed', () => {
    const { stores, heard } = setUp();
    stores.put('team/s', { spec: spec('one') });
    stores.put('team/s', { status: { conditions: [] } });
    stores.put('team/s', { metadata: { labels: { tier: 'one' } } });
    expect(heard).toEqual(['new SecretStore/team/s']);
  });

  it('is a replacement when another one of the name appears, even if nobody saw that it was gone', () => {
    const { stores, heard } = setUp();
    stores.put('team/s', { spec: spec('one') });
    stores.put('team/s', { spec: spec('one'), metadata: { uid: 'another' } });
    expect(heard.at(-1)).toBe('replaced SecretStore/team/s');
  });

  it('is heard in the order of the listeners, until they leave', () => {
    const { stores, directory } = setUp();
    const order: string[] = [];
    const leave = directory.subscribe(() => void order.push('first'));
    directory.subscribe(() => void order.push('second'));
    stores.put('team/s', { spec: spec('one') });
    leave();
    stores.put('team/s', { spec: spec('two') });
    expect(order).toEqual(['first', 'second', 'second']);
  });

  it('is not told after the end', () => {
    const { stores, directory, heard } = setUp();
    directory.close();
    stores.put('team/s', { spec: spec('one') });
    expect(heard).toEqual([]);
  });
});

describe('the version of stores, as a namespace sees them', () => {
  it('stays while they stay, and changes with an edit, a replacement and the end', () => {
    const { stores, directory } = setUp();
    const versions = [directory.versionOf([ref], 'team')];
    const look = () => versions.push(directory.versionOf([ref], 'team'));
    stores.put('team/s', { spec: spec('one') });
    look();
    stores.put('team/s', { status: { conditions: [] } });
    expect(directory.versionOf([ref], 'team')).toBe(versions.at(-1));
    stores.put('team/s', { spec: spec('two') });
    look();
    stores.put('team/s', { metadata: { uid: 'another' } });
    look();
    expect(new Set(versions).size).toBe(versions.length);
    stores.remove('team/s');
    expect(directory.versionOf([ref], 'team')).toBe(versions[0]);
  });

  it('is that of its own namespace', () => {
    const { stores, directory } = setUp();
    stores.put('team/s', { spec: spec('one') });
    expect(directory.versionOf([ref], 'other')).toBe('none');
  });

  it('changes with the labels of the namespace where a cluster store is among them, and there only', () => {
    const { stores, clusterStores, directory } = setUp();
    stores.put('team/s', { spec: spec('one') });
    clusterStores.put('shared', { spec: spec('one') });
    const own = directory.versionOf([ref], 'team');
    const both = directory.versionOf([ref, clusterRef], 'team');
    const elsewhere = directory.versionOf([clusterRef], 'other');
    directory.namespaceChanged('team');
    expect(directory.versionOf([ref], 'team')).toBe(own);
    expect(directory.versionOf([ref, clusterRef], 'team')).not.toBe(both);
    expect(directory.versionOf([clusterRef], 'other')).toBe(elsewhere);
  });

  it('changes with what the store gives the values of, until the store itself is gone', () => {
    const { stores, directory } = setUp();
    stores.put('team/s', { spec: spec('one') });
    const before = directory.versionOf([ref], 'team');
    directory.sourceChanged('SecretStore/team/s');
    expect(directory.versionOf([ref], 'team')).toBe(`${before}+1`);
    stores.remove('team/s');
    stores.put('team/s', { spec: spec('one') });
    expect(directory.versionOf([ref], 'team')).not.toContain('+');
  });
});

it('finds stores of both kinds, and none of a kind that is not served', () => {
  const { stores, clusterStores, directory } = setUp();
  stores.put('team/s', { spec: spec('one') });
  clusterStores.put('shared', { spec: spec('one') });
  expect([...directory.values()].map(({ kind, name }) => `${kind}/${name}`)).toEqual([
    'SecretStore/s',
    'ClusterSecretStore/shared',
  ]);
  expect(directory.get('SecretStore', 'team/s')?.name).toBe('s');
  expect(new StoreDirectory({ SecretStore: stores }).get('ClusterSecretStore', 'shared')).toBeUndefined();
  expect(storeKeysOf([ref, clusterRef], 'team')).toEqual(['SecretStore/team/s', 'ClusterSecretStore/shared']);
});
