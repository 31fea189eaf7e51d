import { expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { inlineDesk, type Work, type Workplaces } from '../../core/jobs.ts';
import type { StoreReader } from '../../providers/contract.ts';
import { storeRecord } from '../records.ts';
import { notedReads } from './noted-reader.ts';

const { signal } = new AbortController();
const now = { notBeforeMs: 0 };
const reader: StoreReader = { phaseKey: 'p', origin: 'o', read: async () => [], validate: async () => 'valid' };

/** Places that refuse one key; what was begun, read and ended is counted. */
function watching(waiting = '') {
  const works: Work[] = [];
  const counts = { begun: 0, reading: 0, read: 0, ended: 0 };
  const workplaces: Workplaces = {
    begin(work) {
      works.push(work);
      if (work.object.key === waiting) throw new OperatorError('Quarantined', 'it waits');
      counts.begun++;
      const reads = () => {
        counts.reading++;
        return () => void counts.read++;
      };
      return { desk: () => inlineDesk(), reads, end: () => void counts.ended++ };
    },
  };
  return { workplaces, works, counts };
}

function storeOf(kind: 'SecretStore' | 'ClusterSecretStore') {
  const place = kind === 'SecretStore' ? { namespace: 'shop' } : {};
  const object = { metadata: { name: 'main', uid: 'u', generation: 4, ...place }, spec: { provider: {} } };
  return storeRecord(kind)(object);
}

it('a store is what is worked on, a cluster store for each namespace by itself', async () => {
  const { workplaces, works, counts } = watching();
  await notedReads(storeOf('SecretStore'), undefined, workplaces).around(reader).read([], now, signal);
  await notedReads(storeOf('ClusterSecretStore'), 'web', workplaces).around(reader).read([], now, signal);
  await notedReads(storeOf('ClusterSecretStore'), undefined, workplaces).around(reader).validate(now, signal);
  expect(works).toEqual([
    { tenant: 'shop', object: { key: 'SecretStore/shop/main', generation: 4 } },
    { tenant: 'web', object: { key: 'ClusterSecretStore/main for namespace web', generation: 4 } },
    { tenant: '', object: { key: 'ClusterSecretStore/main', generation: 4 } },
  ]);
  expect(counts).toEqual({ begun: 3, reading: 0, read: 0, ended: 3 });
});

it('a large answer is noted while it is read', () => {
  const { workplaces, counts } = watching();
  const end = notedReads(storeOf('SecretStore'), undefined, workplaces).readsLarge();
  expect(counts).toEqual({ begun: 1, reading: 1, read: 0, ended: 0 });
  end();
  expect(counts).toEqual({ begun: 1, reading: 1, read: 1, ended: 1 });
});

it('what waits for one namespace is read by the others', async () => {
  const { workplaces } = watching('ClusterSecretStore/main for namespace web');
  const readAs = (namespace: string) =>
    notedReads(storeOf('ClusterSecretStore'), namespace, workplaces).around(reader).read([], now, signal);
  await expect(readAs('web')).rejects.toMatchObject({ reason: 'Quarantined' });
  expect(await readAs('shop')).toEqual([]);
});
