// A kind and a provider that nobody needs, each added by its folder and its row alone: what works for them works for the next.
import { describe, expect, it } from 'vitest';
import { verbsOf } from '../scripts/chart/rbac.ts';
import { OperatorError } from '../src/base/operator-error.ts';
import { controlledKinds, createControllers } from '../src/controller/controllers.ts';
import type { RunNotes } from '../src/controller/desk.ts';
import { kinds } from '../src/controller/kinds.ts';
import { exposeQueues } from '../src/controller/queue-series.ts';
import { customResourceDefinition } from '../src/crds/custom-resource.ts';
import { referencePage } from '../src/crds/reference-page.ts';
import { noRunNotes } from '../src/operator/run-notes.ts';
import { ScopeNews } from '../src/providers/shared/scope-news.ts';
import { providersByName } from '../src/providers/table.ts';
import { Collection } from './support/collection.ts';
import { controllerPorts } from './support/controller-ports.ts';
import { noteKind, openNotes } from './support/stub/kind.ts';
import { createStubProvider, Shelf } from './support/stub/provider.ts';

describe('a kind that has a row', () => {
  function setUp(runNotes?: RunNotes) {
    const notes = new Collection((object) => noteKind.record(object));
    const bench = controllerPorts([...Object.values(kinds), noteKind], { notes }, runNotes);
    const note = { row: noteKind, open: openNotes.bind(undefined, notes) };
    const controllers = createControllers(bench.ports, [...controlledKinds, note]);
    controllers.start();
    return { ...bench, notes, controllers };
  }

  it('is served: its status is written, an event told, a failure tried again', async () => {
    const { notes, clock, events, lines } = setUp();
    notes.put('team/a', { spec: { text: 'hello' } });
    await clock.advance(100);
    expect(notes.get('team/a')?.status).toMatchObject({
      said: 'HELLO',
      conditions: [{ type: 'Ready', status: 'True' }],
    });
    expect(events).toMatchObject([
      { reason: 'Said', component: 'note', subject: { kind: 'Note', apiVersion: 'stub.test/v1alpha1' } },
    ]);
    notes.put('team/a', { spec: { text: '' } });
    await clock.advance(100);
    expect(notes.get('team/a')?.status).toMatchObject({ said: '', observedGeneration: 2 });
    expect(lines).toMatchObject([{ level: 'warn', fields: { kind: 'Note', name: 'a', reason: 'InvalidSpec' } }]);
  });

  it('writes once for many looks at what stays', async () => {
    const { notes, clock } = setUp();
    notes.put('team/a', { spec: { text: 'hello' } });
    await clock.advance(100);
    notes.put('team/a', { spec: { text: 'hello' }, metadata: { labels: { tier: 'one' } } });
    await clock.advance(600_000);
    expect(notes.calls).toEqual(['status team/a']);
  });

  it('meets a conflict and a fault of the API server as every kind does', async () => {
    const { notes, clock, lines } = setUp();
    notes.faults.push(new OperatorError('Conflict', 'changed'), new OperatorError('ApiUnavailable', 'HTTP 500'));
    notes.put('team/a', { spec: { text: 'hello' } });
    await clock.advance(60_000);
    expect(notes.get('team/a')?.status).toMatchObject({ said: 'HELLO' });
    expect(notes.calls).toHaveLength(3);
    expect(lines.map(({ level }) => level)).not.toContain('error');
  });

  it('waits when the process died of working on its object, and is let out by an edit', async () => {
    const begin: RunNotes['begin'] = ({ key, generation }) => {
      if (key === 'Note/team/a' && generation === 1) throw new OperatorError('Quarantined', 'it died twice');
      return noRunNotes.begin({ key, generation });
    };
    const { notes, clock } = setUp({ begin });
    for (const key of ['team/a', 'team/b']) notes.put(key, { spec: { text: 'hello' } });
    await clock.advance(100);
    expect(notes.get('team/a')?.status).toMatchObject({
      conditions: [{ type: 'Stalled' }, { type: 'Ready', status: 'False' }],
    });
    expect(notes.get('team/a')?.status).not.toHaveProperty('said');
    expect(notes.get('team/b')?.status).toMatchObject({ said: 'HELLO' });
    notes.put('team/a', { spec: { text: 'hi' } });
    await clock.advance(100);
    expect(notes.get('team/a')?.status).toMatchObject({ said: 'HI', conditions: [{ status: 'True' }] });
  });

  it('is measured under its own names, as long as its object lives', async () => {
    const { notes, clock, exposed, ports, controllers } = setUp();
    exposeQueues(ports.metrics, () => controllers.loads());
    notes.put('team/a', { spec: { text: 'hello' } });
    await clock.advance(100);
    expect(exposed('note_status_condition')).toContain(
      'note_status_condition{name="a",namespace="team",condition="Ready",status="True"} 1',
    );
    expect(exposed('controller_runtime_reconcile_total')).toContain(
      'controller_runtime_reconcile_total{controller="note",result="success"} 1',
    );
    expect(exposed('escapement_status_writes_total')).toContain('escapement_status_writes_total{kind="Note"} 1');
    expect(exposed('escapement_queue_depth')).toContain('escapement_queue_depth{kind="Note"} 0');
    notes.remove('team/a');
    expect(exposed('note_status_condition')).toEqual([]);
  });

  it('has a CRD in its own version only, a page, and its rights', () => {
    const { metadata, spec } = customResourceDefinition(noteKind.definition);
    expect([metadata.name, spec.versions.map(({ name }) => name)]).toEqual(['notes.stub.test', ['v1alpha1']]);
    expect(referencePage([noteKind.definition])).toContain('Note');
    expect(verbsOf([noteKind]).map(({ group, resource, verb }) => `${group}/${resource}:${verb}`)).toEqual([
      'stub.test/notes:list',
      'stub.test/notes/status:patch',
    ]);
  });
});

describe('a provider that has a row', () => {
  it('serves ExternalSecrets, and is let go with its store', async () => {
    const { ports, clock, externalSecrets, stores, secrets } = controllerPorts(Object.values(kinds));
    const shelf = new Shelf();
    const news = new ScopeNews();
    const fake = createStubProvider(shelf, clock, news);
    const provider = providersByName({ infisical: undefined, pulumi: undefined, esc: undefined, fake });
    const controllers = createControllers({ ...ports, news, connect: { ...ports.connect, provider } });
    controllers.start();
    shelf.values.set('greeting', 'hello');
    stores.put('team/shelf', { spec: { provider: { fake: { data: [] } } } });
    externalSecrets.put('team/app', {
      spec: {
        refreshInterval: '1h',
        secretStoreRef: { name: 'shelf' },
        data: [
          { secretKey: 'text', remoteRef: { key: 'greeting' } },
          { secretKey: 'late', remoteRef: { key: 'late' } },
        ],
      },
    });
    await clock.advance(2_000);
    expect(secrets.get('team/app')).toBeUndefined();
    expect(externalSecrets.get('team/app')?.status).toMatchObject({
      conditions: [{ type: 'Ready', status: 'False' }],
    });
    shelf.values.set('late', 'at last');
    await clock.advance(3_600_000);
    const data = (secrets.get('team/app') as { data?: Record<string, string> } | undefined)?.data ?? {};
    expect(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()])).toEqual([
      ['text', 'hello'],
      ['late', 'at last'],
    ]);
    expect(stores.get('team/shelf')?.status).toMatchObject({ capabilities: 'ReadOnly' });
    expect(shelf.holders.size).toBe(1);
    stores.remove('team/shelf');
    await clock.advance(10_000);
    expect(shelf.holders.size).toBe(0);
    await controllers.stop(0);
  });
});
