import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { startNameServer } from '../../test/support/name-server.ts';
import { until } from './door.fixture.ts';
import { createNameResolver } from './names.ts';

async function world(
  table: Readonly<Record<string, string>>,
  { hosts = '', resolvConf = '' }: { readonly hosts?: string; readonly resolvConf?: string } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'names-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const files = { hosts: join(folder, 'hosts'), resolvConf: join(folder, 'resolv.conf') };
  await Promise.all([writeFile(files.hosts, hosts), writeFile(files.resolvConf, resolvConf)]);
  const { asked, server, close } = await startNameServer(table);
  onTestFinished(close);
  const clock = new FakeClock();
  const names = createNameResolver({ clock, files, servers: [server] });
  const addresses = async (name: string) => (await names.resolve(name)).map(({ address }) => address);
  return { names, addresses, asked, clock };
}

const inPod = { resolvConf: '# kubelet\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5 edns0\n' };

describe('a name', () => {
  it('is asked of the name server', async () => {
    const { names, asked } = await world({ 'app.example': '203.0.113.9' });
    expect(await names.resolve('App.Example')).toEqual([{ address: '203.0.113.9', family: 4 }]);
    expect(asked.sort()).toEqual(['A app.example', 'AAAA app.example']);
  });

  it.each([
    ['infisical', 'infisical.shop.svc.cluster.local'],
    ['infisical.shop', 'infisical.shop.svc.cluster.local'],
    ['app.example', 'app.example'],
    ['app.example.', 'app.example'],
  ])('such as %s is found in a pod as %s', async (name, whole) => {
    const { addresses } = await world({ [whole]: '10.1.2.3' }, inPod);
    expect(await addresses(name)).toEqual(['10.1.2.3']);
  });

  it('is looked for in the hosts file first, and asked of nobody then', async () => {
    const hosts = '127.0.0.1 localhost\n10.0.0.5\tdb.example  db # ours\nfd00::5 db\n';
    const { addresses, asked } = await world({ 'db.example': '192.0.2.1' }, { hosts });
    expect(await addresses('db.example')).toEqual(['10.0.0.5']);
    expect(await addresses('DB')).toEqual(['10.0.0.5', 'fd00::5']);
    expect(await addresses('a.localhost')).toEqual(['127.0.0.1', '::1']);
    expect(asked).toEqual([]);
  });

  it('that only has IPv4 does not wait for a server that is silent about IPv6', async () => {
    const { addresses, asked, clock } = await world({ 'four-only.example': '203.0.113.9' });
    const found = addresses('four-only.example');
    await until(() => asked.length >= 2);
    const ticking = setInterval(() => void clock.advance(100), 20);
    onTestFinished(() => clearInterval(ticking));
    expect(await found).toEqual(['203.0.113.9']);
  });
});

describe('a failed look-up', () => {
  it.each([
    ['absent.example', 'ENOTFOUND'],
    ['broken.example', 'EAI_FAIL'],
  ])('of %s says %s, and is not repeated for some seconds', async (name, code) => {
    const { names, asked, clock } = await world({ 'broken.example': 'SERVFAIL' });
    await expect(names.resolve(name)).rejects.toMatchObject({ code });
    const count = asked.length;
    await expect(names.resolve(name)).rejects.toMatchObject({ code });
    expect(asked.length).toBe(count);
    await clock.advance(5_001);
    await expect(names.resolve(name)).rejects.toMatchObject({ code });
    expect(asked.length).toBeGreaterThan(count);
  });

  it('ends with its deadline, however long the server is silent, and is shared by all who ask', async () => {
    const { names, asked, clock } = await world({});
    const failures = Array.from({ length: 20 }, () => names.resolve('a.silent').catch((error: unknown) => error));
    await until(() => asked.length >= 2);
    await clock.advance(4_501);
    for (const failure of failures) expect(await failure).toMatchObject({ code: 'EAI_AGAIN' });
    expect(new Set(asked).size).toBe(2);
  });

  it('of two hundred silent names keeps no other name waiting', async () => {
    const { names, addresses, asked, clock } = await world({ 'app.example': '203.0.113.9' });
    const silent = Array.from({ length: 200 }, (_, i) =>
      names.resolve(`n${i}.silent`).catch((error: unknown) => error),
    );
    await until(() => asked.length >= 200);
    const startedMs = performance.now();
    expect(await addresses('app.example')).toEqual(['203.0.113.9']);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await clock.advance(4_501);
    expect((await Promise.all(silent)).every((error) => error instanceof Error)).toBe(true);
  });
});
