import { expect, it, onTestFinished } from 'vitest';
import { rawAnswer, rawServer } from '../../../test/support/raw-server.ts';
import { systemClock } from '../../base/clock.ts';
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
