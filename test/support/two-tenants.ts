// A tenant who attacks, and one who wants to be left alone, under one operator with the heap of the image and, where this
// machine lets us, the memory of the chart's container. The victim's objects are refreshed every second from a host that the
// attacker may name too; what an attack costs them and the process is measured, told, and held against the promises.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { forAll } from './fleet.ts';
import type { ApiCondition, ApiObject } from './kube-api.ts';
import { createNamespace } from './kubectl.ts';
import { createMemoryCgroup } from './memory-cgroup.ts';
import { type NameServer, startNameServer } from './name-server.ts';
import { credentials, entry, externalSecret, plantSample, type SampleManifest, store } from './samples.ts';
import { createScene, type Scene } from './scene.ts';
import { type SharedHost, startSharedHost } from './shared-host.ts';
import { type VitalSigns, watchVitals } from './vitals.ts';
import { condition, follow, isReady, timed } from './wait.ts';

/** The promises, for a machine that lets the operator run: on a busy one they last as much longer as its event loop took. */
const longestHealthMs = 100;
const longestGapMs = 5_000;
/** The limit of the chart. */
const containerBytes = 256 * 2 ** 20;

export const victimHost = 'victim.test';
const victims = ['victim-0', 'victim-1', 'victim-2', 'victim-3', 'victim-4'];

const setNames = pathToFileURL(join(import.meta.dirname, 'set-names.mjs')).href;

export interface TwoTenants {
  /** Of the victim, with the operator. */
  readonly scene: Scene;
  /** Namespace of the attacker. */
  readonly attacker: string;
  readonly names: NameServer;
  readonly sharedHost: SharedHost;
  /** Creates objects of the attacker, one after another. */
  plant(...manifests: readonly SampleManifest[]): Promise<void>;
  /** The first Ready condition of an ExternalSecret of the attacker that is a verdict. */
  verdict(name: string): Promise<ApiCondition | undefined>;
  /** Changes a value of the victim, and waits until the Secret has it. */
  expectFollows(label: string): Promise<void>;
  /**
   * Attacks with eyes on victim and process, and expects both to do well; `outageMs` is how long the attack also keeps the
   * victim from its own host.
   */
  underAttack(label: string, attack: () => Promise<void>, outageMs?: number): Promise<void>;
  /** Takes the attacker's ExternalSecrets away. */
  clear(): Promise<void>;
  /** Says something in the run's output. */
  tell(text: string): void;
  /** Memory at its highest, of the container where there is one. */
  peak(): string;
  end(): Promise<void>;
}

export async function createTwoTenants(): Promise<TwoTenants> {
  const names = await startNameServer({ [victimHost]: '127.0.0.1' });
  const scene = await createScene('tenant-b', { values: { scopedNamespace: '' }, operator: false });
  const { api, namespace, kubeconfig } = scene;
  const sharedHost = await startSharedHost(scene.double.url);
  const attacker = await createNamespace('tenant-a', { kubeconfig });
  const attackers = await follow(api, 'ExternalSecret', attacker);
  await plantVictim(scene, sharedHost);
  const cgroup = createMemoryCgroup(containerBytes);
  const operator = await scene.startOperator(
    [
      `--namespace=${attacker},${namespace}`,
      '--heartbeat-interval=0',
      `--insecure-upstream-hosts=127.0.0.1,${victimHost}`,
      '--ambient-identity-hosts=127.0.0.1',
      '--hosts-per-namespace=100', // the attacks name more than the default, and not all are about it
    ],
    {
      env: { NODE_OPTIONS: `${imageHeap()} --import=${setNames}`, ESCAPEMENT_TEST_NAMES: names.server },
      launcher: cgroup?.launcher,
    },
  );
  const vitals = await watchVitals(operator);
  for (const name of victims) await scene.whenSynced(name);
  const tell = (text: string) => void process.stdout.write(`hostile tenant: ${text}\n`);
  tell(cgroup === undefined ? 'the heap of the image; no right to make a cgroup' : 'the heap of the image in 256 MiB');

  async function expectFollows(label: string): Promise<void> {
    const fresh = scene.value(label);
    scene.double.secrets.set({ environment: 'dev', path: '/', key: 'API_KEY', value: fresh });
    const isThere = ({ data }: ApiObject) => data?.['value'] === Buffer.from(fresh).toString('base64');
    await Promise.all(victims.map((name) => scene.secrets.until(name, 'follows', isThere, 60_000)));
  }

  async function clear(): Promise<void> {
    const { items } = await api.list('ExternalSecret', attacker);
    await forAll(items, ({ metadata: { name } }) => api.delete({ kind: 'ExternalSecret', namespace: attacker, name }));
  }

  return {
    scene,
    attacker,
    names,
    sharedHost,
    expectFollows,
    tell,
    async plant(...manifests) {
      for (const manifest of manifests) {
        const { kind, metadata } = manifest;
        await api.create({ kind, namespace: attacker, name: metadata.name }, manifest);
      }
    },
    async verdict(name) {
      const isTold = (one: ApiObject) => isReady(one) || condition(one, 'Ready')?.status === 'False';
      return condition(await attackers.until(name, 'has a verdict', isTold, 60_000), 'Ready');
    },
    clear,
    async underAttack(label, attack, outageMs = 0) {
      await vitals.take();
      const sinceMs = performance.now();
      await attack();
      const followedMs = await timed(() => expectFollows(`under-${label}`));
      const gapMs = longestGap(scene, sinceMs);
      const signs = await vitals.take();
      tell(`${label}: ${inWords(signs)}, victim refreshed every ${ms(gapMs)} at most, a change took ${ms(followedMs)}`);
      expect(signs.failed).toBe(0);
      expect(signs.longestOwnMs).toBeLessThan(longestHealthMs * signs.slowdown);
      expect(gapMs - outageMs).toBeLessThan(longestGapMs * signs.slowdown);
    },
    peak: () => (cgroup === undefined ? 'not limited' : `${Math.round(cgroup.peakBytes() / 2 ** 20)} MiB of 256 MiB`),
    async end() {
      await vitals.stop();
      attackers.stop();
      await api.delete({ kind: 'Namespace', name: attacker });
      await scene.end();
      cgroup?.remove();
      await Promise.all([sharedHost.down(), names.close()]);
    },
  };
}

/** Open sockets of a process. */
export function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const isSocket = (name: string) => {
    try {
      return readlinkSync(join(folder, name)).startsWith('socket:');
    } catch {
      return false; // closed meanwhile
    }
  };
  return readdirSync(folder).filter(isSocket).length;
}

async function plantVictim(scene: Scene, { port }: SharedHost): Promise<void> {
  const reader = plantSample(scene);
  await scene.put(
    credentials('credentials', reader),
    store({ name: 'store', hostAPI: `http://${victimHost}:${port}` }),
    ...victims.map((name) =>
      externalSecret({ name, spec: { refreshInterval: '1s', data: [entry('value', 'API_KEY')] } }),
    ),
  );
}

/** The flag that bounds the heap in the image. */
function imageHeap(): string {
  const dockerfile = readFileSync(join(import.meta.dirname, '..', '..', 'Dockerfile'), 'utf8');
  const [, flag] = /^ENV NODE_OPTIONS="(--max-old-space-size=\d+)"/m.exec(dockerfile) ?? [];
  if (flag === undefined) throw new Error('the image sets no heap');
  return flag;
}

/** Longest time since then in which `refreshTime` of one of the victim's objects stood still. */
function longestGap({ externalSecrets }: Scene, sinceMs: number): number {
  const gaps = victims.flatMap((name) => {
    let last = '';
    const refreshed = externalSecrets.history(name).flatMap(({ object, atMs }) => {
      const time = object.status?.refreshTime ?? '';
      const isNew = time !== last;
      last = time;
      return isNew ? [atMs] : [];
    });
    const times = [...refreshed.filter((atMs) => atMs > sinceMs), performance.now()];
    return times.map((atMs, i) => atMs - (times[i - 1] ?? sinceMs));
  });
  return Math.max(...gaps);
}

const ms = (duration: number) => `${Math.round(duration)} ms`;

function inWords({ count, longestOwnMs, longestMs, longestPauseMs, peakMebibytes, slowdown }: VitalSigns): string {
  const health = `${count} answers of /healthz within ${ms(longestOwnMs)} (${ms(longestMs)} with waits for a processor)`;
  return `${health}, loop held up ${ms(longestPauseMs)} at a slowdown of ${slowdown.toFixed(1)}, ${peakMebibytes} MiB resident`;
}
