// What an ExternalSecret and its Secret look like from outside, to the letter of what the External Secrets Operator writes:
// so that either operator can take over from the other without rewriting anything.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createdByLabel,
  dataHash,
  esoFinalizer as finalizer,
  goMap,
  hashAnnotation,
  leaveAsEso,
  managedLabel,
  sha3,
} from '../support/eso-remains.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { kubectl } from '../support/kubectl.ts';
import { credentials, entry, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { startSentinel } from '../support/sentinel.ts';
import { condition, until } from '../support/wait.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('takeover', { operator: false });
  const reader = plantSample(scene);
  await scene.apply(credentials('credentials', reader), store({ name: 'store', hostAPI: scene.double.url }));
  const spec = {
    ...externalSecret({ name: 'from-eso' }).spec,
    target: { creationPolicy: 'Owner', deletionPolicy: 'Retain' },
  };
  const wrote = { data: { value: scene.value('api-key') } };
  const longAgo = '2024-01-01T00:00:00Z'; // so that a refresh is due
  await leaveAsEso(scene, { name: 'from-eso', labels: { team: 'payments' }, spec, wrote }, longAgo);
  await scene.startOperator();
});

afterAll(() => scene.end());

describe('a synced ExternalSecret', () => {
  it('writes a Secret with the marks of ESO', async () => {
    const labels = { team: 'payments' };
    await scene.apply(externalSecret({ name: 'marks', labels, annotations: { note: 'kept' } }));
    const es = await scene.whenSynced('marks');
    const secret = await secretNamed('marks');
    const value = scene.value('api-key');
    expect(decoded(secret)).toEqual({ value });
    expect(secret.type).toBe('Opaque');
    expect(secret.metadata.labels).toEqual({
      ...labels,
      [managedLabel]: 'true',
      [createdByLabel]: sha3(`${scene.namespace}/marks`),
    });
    expect(secret.metadata.annotations).toMatchObject({ note: 'kept', [hashAnnotation]: dataHash({ value }) });
    expect(secret.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'ExternalSecret',
        name: 'marks',
        uid: es.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(managersOf(secret)).toEqual(['externalsecrets.external-secrets.io/marks Update']);
  });

  it('writes under the hashed manager name when the plain one would be longer than 63 characters', async () => {
    const names = { plain: 'a'.repeat(27), hashed: 'b'.repeat(28) };
    await scene.apply(...Object.values(names).map((name) => externalSecret({ name })));
    await Promise.all(Object.values(names).map((name) => scene.whenSynced(name)));
    expect(managersOf(await secretNamed(names.plain))).toEqual([
      `externalsecrets.external-secrets.io/${names.plain} Update`,
    ]);
    expect(managersOf(await secretNamed(names.hashed))).toEqual([
      `externalsecrets.external-secrets.io/sha3/${sha3(names.hashed)} Update`,
    ]);
  });

  it('reports as ESO does, with the generation besides, and gets no finalizer', async () => {
    await scene.apply(
      externalSecret({ name: 'status', labels: { b: '2', a: '1' }, spec: { target: { name: 'elsewhere' } } }),
    );
    const { metadata, status } = await scene.whenSynced('status');
    const { annotations = {}, labels = {} } = metadata;
    const hash = sha3(`{annotations:${goMap(annotations)} labels:${goMap(labels)}}`);
    expect(status).toMatchObject({
      syncedResourceVersion: `1-${hash}`,
      binding: { name: 'elsewhere' },
      observedGeneration: 1,
      refreshTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    expect(status?.conditions).toEqual([
      {
        type: 'Ready',
        status: 'True',
        reason: 'SecretSynced',
        message: 'secret synced',
        lastTransitionTime: expect.stringMatching(/Z$/),
        observedGeneration: 1,
      },
    ]);
    expect(metadata.finalizers ?? []).toEqual([]);
  });

  it('shows in the columns that people and scripts know', async () => {
    await scene.apply(externalSecret({ name: 'columns', storeRef: { kind: 'SecretStore', name: 'store' } }));
    await scene.whenSynced('columns');
    const [header, row] = await table('es', 'columns');
    expect(header).toEqual(['NAME', 'STORETYPE', 'STORE', 'REFRESH INTERVAL', 'STATUS', 'READY', 'LAST SYNC']);
    expect(row?.slice(0, 6)).toEqual(['columns', 'SecretStore', 'store', '1h0m0s', 'SecretSynced', 'True']);
    await scene.stores.until('store', 'is valid', (one) => condition(one, 'Ready')?.status === 'True');
    const [storeHeader, storeRow] = await table('ss', 'store');
    expect(storeHeader).toEqual(['NAME', 'AGE', 'STATUS', 'CAPABILITIES', 'READY']);
    expect(storeRow?.slice(2)).toEqual(['Valid', 'ReadWrite', 'True']);
  });

  it('tells each change by one event: Created, then Updated', async () => {
    const key = 'EVENTFUL';
    const set = (value: string) => scene.double.secrets.set({ environment: 'dev', key, value: scene.value(value) });
    set('first');
    const spec = { refreshInterval: '1s', data: [entry('value', key)] };
    await scene.apply(externalSecret({ name: 'events', spec }));
    await scene.whenSynced('events');
    await (await startSentinel(scene)).follows(3); // at least two refreshes that change nothing
    set('second');
    await scene.secrets.until('events', 'has the new value', (one) => decoded(one)['value'] === scene.value('second'));
    const events = await until('two events', () => {
      const told = scene.eventsOf('ExternalSecret', 'events');
      return told.length >= 2 && told;
    });
    expect(events.map(({ type, reason, count, source }) => ({ type, reason, count, by: source?.component }))).toEqual([
      { type: 'Normal', reason: 'Created', count: 1, by: 'external-secrets' },
      { type: 'Normal', reason: 'Updated', count: 1, by: 'external-secrets' },
    ]);
  });
});

describe('what the External Secrets Operator left behind', () => {
  it('is taken over without a write to the Secret', async () => {
    await scene.whenSynced('from-eso');
    await until('the double was asked', () => scene.double.requests.counts().byKind.list > 0);
    const states = scene.secrets.history('from-eso');
    expect(new Set(states.map(({ object }) => object.metadata.resourceVersion)).size).toBe(1);
    expect(scene.eventsOf('ExternalSecret', 'from-eso')).toEqual([]);
  });

  it('keeps its finalizer until the object is deleted, and does not hold that up', async () => {
    expect(scene.externalSecrets.get('from-eso')?.metadata.finalizers).toEqual([finalizer]);
    await scene.api.delete(scene.address('ExternalSecret', 'from-eso'));
    await scene.externalSecrets.untilGone('from-eso');
  });

  it('leaves finalizers of others on an object that is being deleted', async () => {
    const finalizers = [finalizer, 'example.com/other'];
    const made = externalSecret({ name: 'two-finalizers' });
    await scene.apply({ ...made, metadata: { ...made.metadata, finalizers } });
    await scene.whenSynced('two-finalizers');
    await scene.api.delete(scene.address('ExternalSecret', 'two-finalizers'));
    const address = scene.address('ExternalSecret', 'two-finalizers');
    const left = await scene.externalSecrets.until('two-finalizers', 'has lost the one of ESO', ({ metadata }) => {
      return !(metadata.finalizers ?? []).includes(finalizer);
    });
    expect(left.metadata.finalizers).toEqual(['example.com/other']);
    await scene.api.patch(address, { metadata: { finalizers: null } });
    await scene.externalSecrets.untilGone('two-finalizers');
  });
});

describe('a Secret of the same name that nobody owns', () => {
  it('is adopted: its data is replaced, labels and annotations of others stay', async () => {
    const name = 'adopted';
    const metadata = { name, labels: { app: 'legacy' }, annotations: { 'example.com/by': 'hand' } };
    await scene.api.create(scene.address('Secret', name), { metadata, stringData: { old: scene.value('old') } });
    await scene.apply(externalSecret({ name }));
    await scene.whenSynced(name);
    const secret = await secretNamed(name);
    expect(decoded(secret)).toEqual({ value: scene.value('api-key') });
    expect(secret.metadata.labels).toMatchObject({ app: 'legacy', [managedLabel]: 'true' });
    expect(secret.metadata.annotations).toMatchObject({ 'example.com/by': 'hand' });
    expect(secret.metadata.ownerReferences).toMatchObject([{ kind: 'ExternalSecret', name }]);
    const events = await until('two events', () => {
      const told = scene.eventsOf('ExternalSecret', name);
      return told.length > 1 && told;
    });
    expect(events).toContainEqual(expect.objectContaining({ type: 'Normal', reason: 'Updated' }));
    const warning = { type: 'Warning', reason: 'TakenOver', message: expect.stringContaining('keys that went: "old"') };
    expect(events).toContainEqual(expect.objectContaining(warning));
  });
});

async function secretNamed(name: string): Promise<ApiObject> {
  const secret = await scene.api.get(scene.address('Secret', name));
  if (secret === undefined) throw new Error(`there is no Secret "${name}"`);
  return secret;
}

function managersOf({ metadata }: ApiObject): string[] {
  return (metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);
}

/** Header and first row of what `kubectl get` prints; columns are at least two blanks apart. */
async function table(kind: string, name: string): Promise<string[][]> {
  const { stdout } = await kubectl(['get', kind, name, '-n', scene.namespace], { kubeconfig: scene.kubeconfig });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/));
}
