import { expect, it } from 'vitest';
import { type AnyObject, Collection } from '../../../test/support/collection.ts';
import { createdByLabel, managedLabel, managedLabelValue } from '../../core/contract-names.ts';
import { hashOwner } from '../../core/object-hash.ts';
import { externalSecretRecord, keptTargetRecord } from '../records.ts';
import { OwnedTargets } from './owned-targets.ts';

const owner = (uid = 'es-uid', name = 'app') => [
  { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name, uid, controller: true },
];

function externalSecret(target: string) {
  return externalSecretRecord({
    metadata: { namespace: 'team', name: 'app', uid: 'es-uid', resourceVersion: '1', generation: 1 },
    spec: { refreshInterval: '1h', secretStoreRef: { name: 's' }, target: { name: target } },
  } as AnyObject);
}

function setUp() {
  const secrets = new Collection((object) => keptTargetRecord(object));
  const put = (name: string, ownerReferences = owner()) =>
    secrets.put(`team/${name}`, {
      metadata: {
        labels: { [managedLabel]: managedLabelValue, [createdByLabel]: hashOwner('team/app') },
        ownerReferences,
      },
    });
  const open = () => new OwnedTargets(secrets.informer, secrets.view);
  const orphans = (owned: OwnedTargets, target: string) =>
    owned.orphansOf('team/app', externalSecret(target)).map(({ name }) => name);
  return { secrets, put, open, orphans };
}

it('finds Secrets of earlier target names, those that were there before it began among them', () => {
  const { put, open, orphans } = setUp();
  put('before');
  const owned = open();
  put('after');
  put('now');
  expect(orphans(owned, 'now').sort()).toEqual(['after', 'before']);
});

it('finds the one that has the name of the ExternalSecret itself', () => {
  const { put, open, orphans } = setUp();
  put('app');
  put('now');
  expect(orphans(open(), 'now')).toEqual(['app']);
});

it('leaves out the present target, those of others, and those of an earlier ExternalSecret of the name', () => {
  const { put, open, orphans } = setUp();
  put('now');
  put('of-another', owner('other-uid', 'other'));
  put('of-the-dead', owner('dead-uid'));
  expect(orphans(open(), 'now')).toEqual([]);
});

it('forgets what is deleted, and what is owned no more', () => {
  const { secrets, put, open, orphans } = setUp();
  const owned = open();
  put('deleted');
  put('stripped');
  put('kept');
  secrets.remove('team/deleted');
  put('stripped', []);
  expect(orphans(owned, 'now')).toEqual(['kept']);
});

it('hears no more after the end', () => {
  const { put, open, orphans } = setUp();
  const owned = open();
  owned.close();
  put('late');
  expect(orphans(owned, 'now')).toEqual([]);
});
