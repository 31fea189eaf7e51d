import { describe, expect, it, onTestFinished } from 'vitest';
import { Collection } from '../../../test/support/collection.ts';
import { settle } from '../../../test/support/fake-clock.ts';
import { rawAnswer, rawServer } from '../../../test/support/raw-server.ts';
import { systemClock } from '../../base/clock.ts';
import { aborted, OperatorError } from '../../base/operator-error.ts';
import { Slots } from '../../base/slots.ts';
import { secretResource } from '../../credentials/store-credentials.ts';
import { createKube } from '../../kube/client.ts';
import type { Informer } from '../../kube/contract.ts';
import { reasonOf } from '../../kube/transport.fixture.ts';
import { createTransport } from '../../kube/transport.ts';
import type { KubeObject } from '../../kube/types.ts';
import { OwnWrites } from './own-writes.ts';
import { Writer, type Written } from './writer.ts';

const never = new AbortController().signal;
const name = { namespace: 'ns', name: 'a' };

const identity = ({ metadata }: KubeObject) => ({
  ...name,
  uid: metadata.uid ?? '',
  resourceVersion: metadata.resourceVersion ?? '',
});

/** A cache that has never seen anything. */
const nothingSeen: Informer<ReturnType<typeof identity>> = {
  get: () => undefined,
  values: () => [].values(),
  entries: () => [].values(),
  hasSynced: () => true,
  shownVersion: () => '1',
  subscribe: () => () => {},
  stop: () => {},
};

/** A writer at a server that keeps the first connection until its second call, which it ends without an answer. */
async function bench(second: string) {
  const server = await rawServer(({ socket, nth, connection }) => {
    if (connection > 1) socket.write(second);
    else if (nth === 1) socket.write(rawAnswer('{}'));
    else socket.end();
  });
  const transport = createTransport({ access: server.access, clock: systemClock, userAgent: 'escapement/test' });
  onTestFinished(async () => {
    transport.close();
    await server.close();
  });
  const kube = createKube(transport);
  await kube.get(secretResource, name, never); // the connection that is kept
  const counted: string[] = [];
  const written: Written<ReturnType<typeof identity>> = {
    resource: secretResource,
    view: new OwnWrites(nothingSeen),
    record: identity,
    count: (operation) => counted.push(operation),
  };
  const writer = new Writer({ kube, slots: new Slots(1), guard: () => {} });
  const create = () => writer.create(written, { metadata: name }, { fieldManager: 'm' }, never);
  return { create, counted, creates: () => server.calls.filter(({ text }) => text.startsWith('POST ')).length };
}

it('sends a create again whose connection ended instead of an answer', async () => {
  const answer = rawAnswer('{"metadata":{"namespace":"ns","name":"a","uid":"u","resourceVersion":"7"}}');
  const { create, counted, creates } = await bench(answer);
  expect(await create()).toEqual({ ...name, uid: 'u', resourceVersion: '7' });
  expect([creates(), counted]).toEqual([2, ['create']]);
});

it('throws Conflict when the first create was done after all', async () => {
  const body = '{"kind":"Status","reason":"AlreadyExists","code":409}';
  const answer = `HTTP/1.1 409 Conflict\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const { create, counted, creates } = await bench(answer);
  expect(await reasonOf(create())).toBe('Conflict');
  expect([creates(), counted]).toEqual([2, []]);
});

/** A writer over a collection in memory, whose watch shows nothing until it is told to. */
function setUp({ slots = new Slots(2), guard = () => {} } = {}) {
  const secrets = new Collection((object) => ({ ...identity(object), labels: object.metadata.labels ?? {} }));
  const counted: string[] = [];
  const written: Written<ReturnType<typeof identity> & { readonly labels: object }> = {
    resource: secretResource,
    view: secrets.view,
    record: (answer) => ({ ...identity(answer), labels: answer.metadata.labels ?? {} }),
    count: (operation) => void counted.push(operation),
  };
  const writer = new Writer({ kube: secrets.client(), slots, guard });
  secrets.put('ns/a', {});
  const known = () => {
    const found = secrets.view.get('ns/a');
    if (found === undefined) throw new Error('it is not known');
    return found;
  };
  const put = (labels: Record<string, string>, from = known()) => {
    const { uid, resourceVersion } = from;
    const object = { metadata: { ...name, uid, resourceVersion, labels } };
    return writer.update(written, object, { fieldManager: 'm' }, never);
  };
  return { secrets, counted, written, writer, known, put };
}

describe('a write', () => {
  it('is known at once, and counted, though the watch has not shown it', async () => {
    const { secrets, counted, known, put } = setUp();
    secrets.holdBack();
    await put({ tier: 'one' });
    await put({ tier: 'two' });
    expect([known().labels, counted]).toEqual([{ tier: 'two' }, ['update', 'update']]);
  });

  it('of what has changed is a conflict, and is not counted', async () => {
    const { secrets, counted, known, put } = setUp();
    const before = known();
    secrets.put('ns/a', { metadata: { labels: { by: 'somebody' } } });
    expect(await reasonOf(put({ tier: 'one' }, before))).toBe('Conflict');
    expect(counted).toEqual([]);
  });

  it('of what is gone is a conflict, and it is known to be gone before the watch says so', async () => {
    const { secrets, known, put } = setUp();
    const before = known();
    secrets.holdBack();
    secrets.remove('ns/a');
    expect(await reasonOf(put({ tier: 'one' }, before))).toBe('Conflict');
    expect(secrets.view.get('ns/a')).toBeUndefined();
  });

  it('without a precondition is a fault of ours, and never leaves', async () => {
    const { secrets, written, writer } = setUp();
    const object = { metadata: name };
    expect(await reasonOf(writer.update(written, object, { fieldManager: 'm' }, never))).toBe('Internal');
    expect(secrets.calls).toEqual([]);
  });

  it('is refused once this replica no longer leads, whatever it is', async () => {
    const guard = () => {
      throw aborted();
    };
    const { secrets, written, writer, known, put } = setUp({ guard });
    const tries = [
      put({}),
      writer.create(written, { metadata: { ...name, name: 'b' } }, { fieldManager: 'm' }, never),
      writer.delete(written, known(), never),
      writer.patchStatus(written, known(), {}, 'm', never),
      writer.patchFinalizers(written, known(), [], 'm', never),
    ];
    expect(await Promise.all(tries.map(reasonOf))).toEqual(tries.map(() => 'Aborted'));
    expect(secrets.calls).toEqual([]);
  });

  it('that fails keeps its own reason', async () => {
    const { secrets, put } = setUp();
    secrets.faults.push(new OperatorError('TargetRejected', 'an admission webhook said no'));
    expect(await reasonOf(put({}))).toBe('TargetRejected');
  });
});

describe('a delete', () => {
  it('is of just this version, and a second one is no failure', async () => {
    const { secrets, written, writer, known, counted } = setUp();
    const before = known();
    secrets.put('ns/a', { metadata: { labels: { by: 'somebody' } } });
    expect(await reasonOf(writer.delete(written, before, never))).toBe('Conflict');
    const now = known();
    secrets.holdBack();
    await writer.delete(written, now, never);
    expect(secrets.view.get('ns/a')).toBeUndefined();
    await writer.delete(written, now, never);
    expect(counted).toEqual(['delete', 'delete']);
  });
});

describe('a status', () => {
  it('is merged into the version that is known, and the finalizers are set likewise', async () => {
    const { secrets, written, writer, known } = setUp();
    await writer.patchStatus(written, known(), { said: 'yes' }, 'm', never);
    await writer.patchFinalizers(written, known(), ['f'], 'm', never);
    expect(secrets.get('ns/a')).toMatchObject({ status: { said: 'yes' }, metadata: { finalizers: ['f'] } });
    const before = known();
    secrets.put('ns/a', { metadata: { labels: { by: 'somebody' } } });
    expect(await reasonOf(writer.patchStatus(written, before, { said: 'no' }, 'm', never))).toBe('Conflict');
  });
});

describe('a turn', () => {
  it('is given to so many at a time, the urgent first, and given back when the work fails', async () => {
    const { writer } = setUp({ slots: new Slots(1) });
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = writer.inTurn(1, never, () => gate.promise);
    const late = writer.inTurn(5, never, async () => void order.push('late'));
    const urgent = writer.inTurn(0, never, async () => void order.push('urgent'));
    await settle();
    expect(order).toEqual([]);
    gate.reject(new OperatorError('Conflict', 'changed'));
    expect(await reasonOf(first)).toBe('Conflict');
    await Promise.all([late, urgent]);
    expect(order).toEqual(['urgent', 'late']);
  });

  it('for what may wait is given back at once when this replica no longer leads', async () => {
    const slots = new Slots(1);
    const guard = () => {
      throw aborted();
    };
    const { writer } = setUp({ slots, guard });
    expect(await reasonOf(writer.idleTurn(never))).toBe('Aborted');
    expect(slots.inUse).toBe(0);
  });
});
