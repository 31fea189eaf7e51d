import { expect, it } from 'vitest';
import { openDoor, startHttp, type TestServer, until } from './door.fixture.ts';
import { createLargeAnswerTurns } from './large-answers.ts';
import { sendAndRead } from './send-and-read.ts';

const large = 'x'.repeat(2 * 2 ** 20);

/** A host whose large answers come whole at `/large`, never end at `/trickle`, and are small elsewhere. */
function startHost(): Promise<TestServer> {
  return startHttp((request, response) => {
    if (request.url === '/trickle') response.write(large);
    else response.end(request.url === '/large' ? large : 'small');
  });
}

async function world() {
  const { port } = await startHost();
  let heldBytes = 0;
  const bodies = {
    fly(bytes: number) {
      heldBytes += bytes;
      return true;
    },
  };
  const upstream = openDoor({ bodies, largeAnswers: createLargeAnswerTurns() }).door.open({});
  const reading: string[] = [];
  const stop = new AbortController();
  /** A request whose answer is read until `end` is called. */
  const start = (path: string, turn: string, signal = stop.signal) => {
    const { promise, resolve: end } = Promise.withResolvers<void>();
    const url = new URL(`http://127.0.0.1:${port}${path}`);
    const done = sendAndRead(
      upstream,
      { method: 'GET', url, turn },
      async ({ body }) => {
        reading.push(turn);
        await promise;
        return body.length;
      },
      signal,
    );
    done.catch(() => {}); // looked at where it is expected
    return { done, end };
  };
  return { start, reading, held: () => heldBytes, stop };
}

it('are read one at a time, whoever asks, and count until they were read', async () => {
  const { start, reading, held } = await world();
  const requests = ['a', 'b', 'c'].map((turn) => start('/large', turn));
  await until(() => held() === 3 * large.length);
  expect(reading).toHaveLength(1);
  for (const { end } of requests) end();
  expect(await Promise.all(requests.map(({ done }) => done))).toEqual(
    [large, large, large].map(({ length }) => length),
  );
  expect(held()).toBe(0);
});

it('of one turn are received one after another, and leave room to others', async () => {
  const { start, reading, stop, held } = await world();
  for (let i = 0; i < 8; i++) start('/trickle', 'greedy');
  await until(() => held() > large.length);
  const other = start('/large', 'other');
  await until(() => reading.length > 0);
  other.end();
  expect(await other.done).toBe(large.length);
  expect(held()).toBeLessThan(4 * large.length);
  stop.abort();
  await until(() => held() === 0);
});

it('hold up no small ones', async () => {
  const { start, reading } = await world();
  const first = start('/large', 'a');
  await until(() => reading.length === 1);
  const small = start('/small', 'b');
  small.end();
  expect(await small.done).toBe('small'.length);
  first.end();
  await first.done;
});

it('give their turn back when nobody waits any more', async () => {
  const { start } = await world();
  const gone = new AbortController();
  const requests = ['a', 'b', 'c', 'd'].map((turn) => start('/trickle', turn, gone.signal));
  gone.abort();
  for (const { done } of requests) await expect(done).rejects.toMatchObject({ reason: 'Aborted' });
  const next = ['a', 'b', 'c', 'd'].map((turn) => start('/large', turn));
  for (const { end } of next) end();
  expect(await Promise.all(next.map(({ done }) => done))).toHaveLength(4);
});

it('are given back when reading fails', async () => {
  const { port } = await startHost();
  const upstream = openDoor({ largeAnswers: createLargeAnswerTurns() }).door.open({});
  const { signal } = new AbortController();
  const request = { method: 'GET', url: new URL(`http://127.0.0.1:${port}/large`), turn: 'a' } as const;
  const failing = () => sendAndRead(upstream, request, () => Promise.reject(new Error('not read')), signal);
  await expect(failing()).rejects.toThrow('not read');
  await expect(failing()).rejects.toThrow('not read');
});

it('give back a turn that comes in the moment in which nobody waits any more', async () => {
  const { port } = await startHost();
  const stop = new AbortController();
  let given = 0;
  const largeAnswers = {
    async receive() {
      stop.abort();
      return () => void given++;
    },
    read: async () => () => {},
  };
  const upstream = openDoor({ largeAnswers }).door.open({});
  const request = { method: 'GET', url: new URL(`http://127.0.0.1:${port}/large`), turn: 'a' } as const;
  await expect(upstream.send(request, stop.signal)).rejects.toMatchObject({ reason: 'Aborted' });
  await until(() => given === 1);
});

it('count until they were read also where no time is left to ask again', async () => {
  const { port } = await startHttp((_, response) => response.writeHead(500).end('broken'));
  let heldBytes = 0;
  const fly = (bytes: number) => {
    heldBytes += bytes;
    return true;
  };
  const upstream = openDoor({ bodies: { fly } }).door.open({});
  const request = { method: 'GET', url: new URL(`http://127.0.0.1:${port}/`), wholeMs: 50 } as const;
  const held = await sendAndRead(upstream, request, async () => heldBytes, new AbortController().signal);
  expect([held, heldBytes]).toEqual(['broken'.length, 0]);
});
