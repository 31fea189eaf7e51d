import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { answer, type Script, scriptedApiServer, status, until } from '../../test/support/scripted-api-server.ts';
import { createEventRecorder, type EventDraft } from './events.ts';
import { createTransport } from './transport.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface WrittenEvent {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly involvedObject: { readonly name: string };
  readonly message: string;
  readonly count: number;
  readonly source: { readonly component: string };
  readonly lastTimestamp: string;
}

async function setUp(script: Script = (_request, response) => answer(response, 201, {})) {
  const server = await scriptedApiServer(script);
  const clock = new FakeClock();
  const transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test' });
  const slots = { free: true, waiting: [] as (() => void)[] };
  const slot = async (signal: AbortSignal) => {
    if (!slots.free) {
      await new Promise<void>((resolve, reject) => {
        slots.waiting.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    }
    return () => {};
  };
  const recorder = createEventRecorder({ transport, clock, slot, random: () => 0.5 });
  cleanUps.push(
    () => transport.close(),
    () => server.close(),
  );
  const written = () => server.requests.map(({ body }): WrittenEvent => JSON.parse(body));
  return { server, clock, recorder, slots, written };
}

function draft(over: Partial<EventDraft> & { uid?: string } = {}): EventDraft {
  const { uid = 'u1', ...rest } = over;
  const subject = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'app', namespace: 'ns', uid };
  return {
    subject,
    component: 'external-secrets',
    type: 'Normal',
    reason: 'Created',
    message: 'secret created',
    ...rest,
  };
}

describe('event recorder', () => {
  it('writes an event about the object, from the component', async () => {
    const { server, recorder, written } = await setUp();
    recorder.record(draft());
    await until(() => server.requests.length === 1);
    expect(server.requests[0]?.url.pathname).toBe('/api/v1/namespaces/ns/events');
    expect(written()[0]).toMatchObject({
      involvedObject: { name: 'app' },
      source: { component: 'external-secrets' },
      count: 1,
      lastTimestamp: '2023-11-14T22:13:20Z',
    });
  });

  it('counts a repeated event up instead of writing it again, once a minute at most', async () => {
    const { server, clock, recorder, written } = await setUp();
    recorder.record(draft());
    await until(() => server.requests.length === 1);
    await clock.advance(1_000);
    for (let i = 0; i < 20; i++) recorder.record(draft());
    await clock.advance(60_000);
    recorder.record(draft());
    await until(() => server.requests.length === 2);
    expect(server.requests[1]?.method).toBe('PATCH');
    expect(server.requests[1]?.url.pathname).toBe(`/api/v1/namespaces/ns/events/${written()[0]?.metadata.name}`);
    expect(written()[1]?.count).toBe(22);
  });

  it.each([-3_600_000, 3_600_000])('goes on telling what repeats when the wall clock is set by %i ms', async (byMs) => {
    const { server, clock, recorder, written } = await setUp();
    recorder.record(draft());
    await until(() => server.requests.length === 1);
    clock.setWall(byMs);
    recorder.record(draft());
    await until(() => server.requests.length === 2);
    expect(Date.parse(written()[1]?.lastTimestamp ?? '')).toBe(clock.nowMs());
  });

  it('takes its event for written when the answer is lost and the second try finds it there', async () => {
    let posts = 0;
    const { server, clock, recorder, written } = await setUp((_request, response) => {
      posts++;
      if (posts === 2) return void response.socket?.resetAndDestroy(); // the first on a kept connection
      return posts === 3 ? answer(response, 409, status(409, 'AlreadyExists')) : answer(response, 200, {});
    });
    recorder.record(draft());
    await until(() => server.requests.length === 1);
    await clock.advance(1);
    recorder.record(draft({ reason: 'Updated' }));
    await until(() => server.requests.length === 3);
    expect(written()[2]?.metadata.name).toBe(written()[1]?.metadata.name);
    await clock.advance(61_000);
    recorder.record(draft({ reason: 'Updated' }));
    await until(() => server.requests.length === 4);
    expect(server.requests[3]?.method).toBe('PATCH');
    expect(recorder.dropped()).toBe(0);
  });

  it('writes the same event anew after its window', async () => {
    const { server, clock, recorder } = await setUp();
    recorder.record(draft());
    await until(() => server.requests.length === 1);
    await clock.advance(11 * 60_000);
    recorder.record(draft());
    await until(() => server.requests.length === 2);
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });

  it('bounds how many different events one object may have, and spares the others', async () => {
    const { server, recorder, written } = await setUp();
    for (let i = 0; i < 50; i++) recorder.record(draft({ message: `message ${i}` }));
    recorder.record(draft({ uid: 'u2', message: 'of another' }));
    await until(() => written().some(({ message }) => message === 'of another'));
    expect(server.requests).toHaveLength(11);
    expect(recorder.dropped()).toBe(40);
  });

  it('waits for its slot and holds a bounded number of events meanwhile', async () => {
    const { server, recorder, slots } = await setUp();
    slots.free = false;
    for (let i = 0; i < 3_000; i++) recorder.record(draft({ uid: `u${i}` }));
    await until(() => slots.waiting.length === 1);
    expect(server.requests).toHaveLength(0);
    expect(recorder.dropped()).toBeGreaterThanOrEqual(1_900);
  });

  it('drops what the server refuses and goes on', async () => {
    let calls = 0;
    const { server, recorder } = await setUp((_request, response) =>
      calls++ === 0 ? answer(response, 403, status(403, 'Forbidden')) : answer(response, 201, {}),
    );
    recorder.record(draft());
    recorder.record(draft({ message: 'second' }));
    await until(() => server.requests.length === 2);
    expect(recorder.dropped()).toBe(1);
  });

  it('sends what waits when it stops, within a second, and drops the rest', async () => {
    const { clock, recorder, slots, server } = await setUp();
    slots.free = false;
    recorder.record(draft());
    recorder.record(draft({ message: 'second' }));
    const stopped = recorder.stop();
    await clock.advance(1_000);
    await stopped;
    recorder.record(draft({ message: 'late' }));
    expect([server.requests.length, recorder.dropped()]).toEqual([0, 2]);
  });

  it('keeps messages and names within the limits of the API', async () => {
    const { server, recorder, written } = await setUp();
    const subject = { ...draft().subject, name: 'n'.repeat(253) };
    recorder.record({ ...draft({ message: 'ü'.repeat(2_000) }), subject });
    await until(() => server.requests.length === 1);
    const [event] = written();
    expect(Buffer.byteLength(event?.message ?? '')).toBeLessThanOrEqual(1_024);
    expect(event?.metadata.name.length).toBeLessThanOrEqual(253);
  });

  it('puts events about cluster-scoped objects into default', async () => {
    const { server, recorder } = await setUp();
    const { namespace: _namespace, ...subject } = draft().subject;
    recorder.record({ ...draft(), subject });
    await until(() => server.requests.length === 1);
    expect(server.requests[0]?.url.pathname).toBe('/api/v1/namespaces/default/events');
  });
});
