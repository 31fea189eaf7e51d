import { describe, expect, it } from 'vitest';
import { Collection } from '../../test/support/collection.ts';
import { controllerPorts } from '../../test/support/controller-ports.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { Verdict } from '../core/sync-status.ts';
import type { KubeObject } from '../kube/types.ts';
import { kinds } from './kinds.ts';
import { clusterExternalSecretRecord } from './records.ts';
import { failedVerdict, Reporter } from './report.ts';

const never = new AbortController().signal;
const good: Verdict = { ready: 'True', reason: 'Synced', message: 'in step' };
const nothing = { fields: {}, isDue: false };

function setUp({ extended = true } = {}) {
  const objects = new Collection((object) => kinds.SecretStore.record(object));
  const { ports, clock, events } = controllerPorts([kinds.SecretStore], { secretstores: objects });
  const counted: string[] = [];
  const written = {
    resource: kinds.SecretStore.definition.resource,
    view: objects.view,
    record: (answer: KubeObject) => kinds.SecretStore.record(answer),
    count: (operation: string) => void counted.push(operation),
  };
  const reporter = new Reporter(
    { written, eventComponent: 'secret-store', fieldManager: 'escapement' },
    { writer: ports.writer, events: ports.events, clock, dialect: { extended } },
  );
  objects.put('team/s', { spec: { provider: { fake: { data: [] } } } });
  const store = () => {
    const found = objects.view.get('team/s');
    if (found === undefined) throw new Error('there is no store');
    return found;
  };
  return { objects, clock, events, counted, reporter, store };
}

describe('a status', () => {
  it('is written once for what stays', async () => {
    const { counted, reporter, store, clock } = setUp();
    expect(await reporter.writeStatus(store(), good, nothing, never)).toBeDefined();
    await clock.advance(60_000);
    expect(await reporter.writeStatus(store(), good, nothing, never)).toBeUndefined();
    expect(counted).toEqual(['status']);
  });

  it('is written again for another verdict, another generation, and fields that are due', async () => {
    const { objects, counted, reporter, store } = setUp();
    await reporter.writeStatus(store(), good, nothing, never);
    await reporter.writeStatus(store(), { ...good, message: 'still in step' }, nothing, never);
    objects.put('team/s', { spec: { provider: { fake: { data: [{ key: 'k', value: 'v' }] } } } });
    await reporter.writeStatus(store(), { ...good, message: 'still in step' }, nothing, never);
    await reporter.writeStatus(
      store(),
      { ...good, message: 'still in step' },
      { fields: { a: 1 }, isDue: true },
      never,
    );
    expect(counted).toHaveLength(4);
    expect(objects.get('team/s')?.status).toMatchObject({ observedGeneration: 2, a: 1 });
  });

  it('carries fields along with a change, and never by themselves', async () => {
    const { objects, reporter, store } = setUp();
    await reporter.writeStatus(store(), good, { fields: { a: 1 }, isDue: false }, never);
    expect(await reporter.writeStatus(store(), good, { fields: { a: 2 }, isDue: false }, never)).toBeUndefined();
    expect(objects.get('team/s')?.status).toMatchObject({ a: 1 });
  });

  it("holds no more than ESO's own CRDs take where these are served", async () => {
    const { objects, reporter, store } = setUp({ extended: false });
    const stalled = failedVerdict('InvalidProviderConfig', new OperatorError('InvalidSpec', 'a field is wrong'));
    await reporter.writeStatus(store(), stalled, nothing, never);
    const status = objects.get('team/s')?.status as { conditions: { type: string }[]; observedGeneration?: number };
    expect([status.conditions.map(({ type }) => type), status.observedGeneration]).toEqual([['Ready'], undefined]);
  });

  it('of an object that changed meanwhile is a conflict', async () => {
    const { objects, reporter, store } = setUp();
    const before = store();
    objects.put('team/s', { metadata: { labels: { tier: 'one' } } });
    await expect(reporter.writeStatus(before, good, nothing, never)).rejects.toMatchObject({ reason: 'Conflict' });
  });
});

describe('an event', () => {
  it('names the object as its kind is served, and who speaks', () => {
    const { events, reporter, store } = setUp();
    reporter.event(store(), 'Warning', 'InvalidProviderConfig', 'the login is refused');
    expect(events).toEqual([
      {
        subject: {
          apiVersion: 'external-secrets.io/v1',
          kind: 'SecretStore',
          namespace: 'team',
          name: 's',
          uid: store().uid,
        },
        type: 'Warning',
        reason: 'InvalidProviderConfig',
        message: 'the login is refused',
        component: 'secret-store',
      },
    ]);
  });

  it('of an object that has no namespace names none', () => {
    const objects = new Collection(clusterExternalSecretRecord);
    const { ports, clock, events } = controllerPorts([]);
    const { resource } = kinds.ClusterExternalSecret.definition;
    const written = { resource, view: objects.view, record: clusterExternalSecretRecord, count: () => {} };
    const reporter = new Reporter(
      { written, eventComponent: 'cluster-external-secret', fieldManager: 'escapement' },
      { writer: ports.writer, events: ports.events, clock, dialect: { extended: true } },
    );
    objects.put('all', { spec: {} });
    const record = objects.view.get('all');
    if (record === undefined) throw new Error('there is none');
    reporter.event(record, 'Normal', 'Updated', 'provisioned');
    expect(events[0]?.subject).not.toHaveProperty('namespace');
  });
});

describe('the verdict of a failure', () => {
  it('is Stalled besides where nothing but a change helps, and says what to do', () => {
    const stalled = failedVerdict('InvalidProviderConfig', new OperatorError('InvalidSpec', 'a field is wrong'));
    expect(stalled).toMatchObject({ ready: 'False', besides: { type: 'Stalled', reason: 'InvalidSpec' } });
    expect(stalled.message.startsWith('a field is wrong')).toBe(true);
    const passing = failedVerdict('SecretSyncedError', new OperatorError('UpstreamUnavailable', 'no answer'));
    expect(passing.besides).toBeUndefined();
  });
});
