// What 2,000 referenced names cost on a real API server: connections, memory, and the time until a change is heard of.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, inject, it, onTestFinished } from 'vitest';
import { forAll } from '../support/fleet.ts';
import { createKubeApi } from '../support/kube-api.ts';
import { timed, until } from '../support/wait.ts';

const namespaces = 100;
const names = 20;
const mostConnections = 50;
/** Beside the process that follows one name. TLS sessions, and what 2,000 small Secrets take. */
const mostMebibytes = { rss: 100, heap: 30 };

interface Line {
  readonly found?: number;
  readonly connections?: number;
  readonly tookMs?: number;
  readonly before?: { readonly rss: number; readonly heap: number };
  readonly after?: { readonly rss: number; readonly heap: number };
  readonly heard?: { readonly namespace: string; readonly name: string };
}

it('2,000 names are followed over a few connections, and each change is heard of', async () => {
  const api = createKubeApi(inject('controlPlane'));
  const prefix = `names-${Math.random().toString(36).slice(2, 8)}`;
  const places = Array.from({ length: namespaces }, (_, n) => `${prefix}-${n}`);
  onTestFinished(async () => {
    await forAll(places, (name) => api.delete({ kind: 'Namespace', name }));
    api.close();
  });
  await forAll(places, (name) => api.create({ kind: 'Namespace', name }, { metadata: { name } }));
  const all = places.flatMap((namespace) =>
    Array.from({ length: names }, (_, i) => ({ kind: 'Secret' as const, namespace, name: `credential-${i}` })),
  );
  await forAll(all, (address) =>
    api.create(address, { metadata: { name: address.name }, stringData: { clientId: 'id', clientSecret: 'secret' } }),
  );

  const script = join(import.meta.dirname, '..', '..', 'bench', 'support', 'follow-names.ts');
  const args = ['--expose-gc', script, inject('kubeconfigPath'), prefix, String(namespaces), String(names)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => void lines.push(JSON.parse(text)));
  const read = await until('all are read', () => lines.find(({ found }) => found !== undefined), 120_000);
  const { found, connections, tookMs, before = { rss: 0, heap: 0 }, after = { rss: 0, heap: 0 } } = read;
  const more = { rss: after.rss - before.rss, heap: after.heap - before.heap };

  // One of the first names, and one that a shared watch tells of.
  const heardMs: number[] = [];
  for (const address of [all[0], all[150], all.at(-1)]) {
    if (address === undefined) throw new Error('no names');
    const isHeard = () =>
      lines.some(({ heard }) => heard?.namespace === address.namespace && heard.name === address.name);
    await api.patch(address, { stringData: { clientSecret: 'rotated' } });
    heardMs.push(await timed(() => until(`${address.namespace} is heard of`, isHeard, 30_000)));
  }
  process.stdout.write(
    `references: ${found} names over at most ${connections} connections in ${tookMs} ms; ` +
      `${more.rss} MiB of memory more, ${more.heap} of them heap; changes are heard of after ${heardMs.join(', ')} ms\n`,
  );
  expect(found).toBe(namespaces * names);
  expect(connections).toBeLessThanOrEqual(mostConnections);
  expect(more.rss).toBeLessThanOrEqual(mostMebibytes.rss);
  expect(more.heap).toBeLessThanOrEqual(mostMebibytes.heap);
}, 240_000);
