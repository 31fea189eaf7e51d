// Random worlds: whatever users, faults and chance do, and whenever, the cluster is right seconds after the last event, and
// nothing is written once it is.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelCluster, readyOf, specOf, storeSpec, textIn } from '../../test/support/model-cluster.ts';

const names = ['a', 'b'];
const stores = ['s', 't'];

const step = fc.record({
  event: fc.constantFrom('edit', 'mark', 'remove', 'store', 'replace', 'drift', 'strip', 'vanish', 'deafen', 'restart'),
  name: fc.constantFrom(...names),
  store: fc.constantFrom(...stores),
  target: fc.constantFrom('', '2'),
  fault: fc.constantFrom(undefined, undefined, undefined, 'refuse', 'lose', 'conflict'),
  pauseMs: fc.oneof(fc.nat(60), fc.nat(1_500)),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function doStep(cluster: ModelCluster, { event, name, store, target }: Step, n: number): void | Promise<void> {
  switch (event) {
    case 'edit':
      return cluster.apply('ExternalSecret', name, { spec: specOf([store], { target: `${name}${target}` }) });
    case 'mark':
      if (cluster.get('ExternalSecret', name) !== undefined)
        cluster.apply('ExternalSecret', name, { labels: { tier: `${n % 3}` } });
      return;
    case 'remove':
      return cluster.remove('ExternalSecret', name);
    case 'store':
      return cluster.apply('SecretStore', store, { spec: storeSpec({ k: `${store}-${n}` }) });
    case 'replace':
      cluster.remove('SecretStore', store);
      return cluster.apply('SecretStore', store, { spec: storeSpec({ k: `${store}-${n}` }) });
    case 'drift':
      return cluster.edit('Secret', name, (secret) => ({
        ...secret,
        data: Object.fromEntries(Object.keys(secret.data ?? {}).map((key) => [key, 'ZHJpZnQ='])),
      }));
    case 'strip':
      return cluster.edit('Secret', name, ({ metadata, ...secret }) => ({
        ...secret,
        metadata: { ...metadata, ownerReferences: [] },
      }));
    case 'vanish':
      return cluster.remove('Secret', `${name}${target}`);
    case 'deafen':
      cluster.deafen('Secret');
      cluster.clock.after(200 + n * 10, () => cluster.hear('Secret'));
      return;
    default:
      return cluster.stop().then(() => cluster.start());
  }
}

function problemsOf(cluster: ModelCluster): string[] {
  const wanted = new Map<string, string | undefined>();
  const problems = cluster.all('ExternalSecret').flatMap((object) => {
    const { name, uid, generation, labels } = object.metadata;
    const { secretStoreRef, target } = object.spec as ReturnType<typeof specOf>;
    wanted.set(target.name, uid);
    const store = cluster.get('SecretStore', secretStoreRef.name)?.spec as ReturnType<typeof storeSpec> | undefined;
    const secret = cluster.get('Secret', target.name);
    const ready = readyOf(object);
    return [
      textIn(secret, secretStoreRef.name) === store?.provider.fake.data[0]?.value ? '' : `${name} has old data`,
      ready?.status === 'True' && ready.observedGeneration === generation ? '' : `${name} is not green`,
      // The model keeps no managed fields, by which labels of an earlier object of the name would go.
      secret?.metadata.labels?.['tier'] === (labels?.['tier'] ?? secret?.metadata.labels?.['tier'])
        ? ''
        : `${name} has an old label`,
      secret?.metadata.ownerReferences?.[0]?.uid === uid ? '' : `${name} does not own its Secret`,
      object.status?.binding?.name === target.name ? '' : `${name} is not bound`,
    ];
  });
  // A Secret whose owner was stripped before the rename is nobody's: only what is owned is deleted.
  const leftOver = cluster
    .all('Secret')
    .map(({ metadata: { name, ownerReferences: [owner] = [] } }) =>
      owner === undefined || wanted.get(name) === owner.uid ? '' : `${name} is left over`,
    );
  return [...problems, ...leftOver].filter((problem) => problem !== '');
}

describe('any world', () => {
  it('is right 12 s after its last event, and quiet from then on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 18, size: 'max' }),
        fc.array(fc.nat(999), { minLength: 5 }),
        async (steps, chance) => {
          let draws = 0;
          const cluster = new ModelCluster({ random: () => (chance[draws++ % chance.length] ?? 0) / 1_000 });
          for (const store of stores) cluster.apply('SecretStore', store, { spec: storeSpec({ k: `${store}-start` }) });
          cluster.start();
          for (const [n, each] of steps.entries()) {
            cluster.fault = () => each.fault;
            await doStep(cluster, each, n);
            await cluster.clock.advance(each.pauseMs);
          }
          cluster.fault = () => undefined;
          await cluster.clock.advance(12_000);
          const problems = problemsOf(cluster);
          cluster.calls.length = 0;
          await cluster.clock.advance(60_000);
          await cluster.stop();
          expect({ problems, faults: cluster.faults, calls: cluster.calls }).toEqual({
            problems: [],
            faults: [],
            calls: [],
          });
        },
      ),
      { numRuns: Number(process.env['WORLDS'] ?? 300) },
    );
  }, 60_000);
});
