import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { asOperatorError } from '../base/operator-error.ts';
import { openDoor, startHttp, until } from './door.fixture.ts';
import { createTenantBounds } from './tenant-bounds.ts';

const { signal: never } = new AbortController();

function world(limits: { readonly hosts?: number; readonly requests?: number } = {}) {
  const clock = new FakeClock();
  const bounds = createTenantBounds(clock, { hosts: 2, requests: 2, ...limits });
  const ask = (turn: string, host: string) => {
    try {
      bounds.ask(turn, host);
      return 'asked';
    } catch (thrown) {
      return asOperatorError(thrown).reason;
    }
  };
  return { clock, bounds, ask };
}

it('lets a turn ask so many hosts, each as often as it likes', () => {
  const { bounds, ask } = world();
  expect(['a', 'b', 'a', 'c', 'b'].map((host) => ask('greedy', host))).toEqual([
    'asked',
    'asked',
    'asked',
    'QuotaExceeded',
    'asked',
  ]);
  expect(ask('other', 'c')).toBe('asked');
  expect(bounds.hosts).toEqual({ all: 3, greatest: 2, bound: 2 });
});

it('counts a host no more that was not asked for ten minutes', async () => {
  const { clock, bounds, ask } = world();
  ask('ns', 'a');
  await clock.advance(300_000);
  ask('ns', 'b');
  await clock.advance(300_000);
  expect([ask('ns', 'c'), ask('ns', 'd')]).toEqual(['asked', 'QuotaExceeded']);
  await clock.advance(600_000);
  expect(bounds.hosts).toMatchObject({ all: 0, greatest: 0 });
});

it('bounds nobody without a bound, nor what is nobody’s', async () => {
  const { ask, bounds } = world({ hosts: Number.POSITIVE_INFINITY, requests: Number.POSITIVE_INFINITY });
  for (let i = 0; i < 1_000; i++) {
    expect(ask('ns', `host-${i}`)).toBe('asked');
    await bounds.send('ns', never);
  }
  expect(bounds.hosts).toEqual({ all: 1_000, greatest: 1_000, bound: 0 });
  const { ask: askBounded } = world();
  expect(['a', 'b', 'c'].map((host) => askBounded('', host))).toEqual(['asked', 'asked', 'asked']);
});

it('lets requests of a turn wait beyond its bound, at whatever hosts, and those of others pass', async () => {
  const silent = await startHttp(() => {});
  const good = await startHttp((_, response) => response.end('good'));
  const { bounds } = world();
  const upstream = openDoor({ tenants: bounds }).door.open({});
  const stop = new AbortController();
  const send = (port: number, turn: string) =>
    upstream.send({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/`), turn }, stop.signal);
  const hanging = Array.from({ length: 5 }, () => send(silent.port, 'greedy').catch(() => 'stopped'));
  await until(() => silent.connections.open === 2);
  const own = send(good.port, 'greedy').catch(() => 'stopped');
  expect((await send(good.port, 'other')).body.toString()).toBe('good');
  expect([silent.connections.open, bounds.requests.greatest]).toEqual([2, 2]);
  stop.abort();
  expect(await Promise.all([...hanging, own])).toEqual(Array(6).fill('stopped'));
  await until(() => bounds.requests.all === 0);
});
