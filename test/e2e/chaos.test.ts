// Random worlds on the real API server, behind a proxy that refuses, delays and cuts calls and loses answers, with an operator
// that is killed in between. Whatever happens: it ends right, no Secret ever loses a key or a value, and no ExternalSecret says
// Ready for what its Secret is not.
//   CHAOS_WORLDS=50 CHAOS_SEED=7 vitest run --project cluster test/e2e/chaos.test.ts
import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, inject, it, onTestFinished } from 'vitest';
import { kubeconfigWith } from '../support/account-kubeconfig.ts';
import { startFaultyApi } from '../support/faulty-api.ts';
import { type ApiObject, ApiRefusal } from '../support/kube-api.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { collectedWithinMs, condition, isReady, pause, type Seen, timed, until } from '../support/wait.ts';

const worlds = Number(process.env['CHAOS_WORLDS'] ?? 10);
const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));
const killEveryMs = 6_000;
/** Tries after a fault of the API server are 30 s apart at most; then the work itself, on a machine that may be slow. */
const rightWithinMs = 45_000;
const quietMs = 3_000;

const letters = ['s', 't'] as const;
type Letter = (typeof letters)[number];

const step = fc.record({
  event: fc.constantFrom('edit', 'edit', 'mark', 'remove', 'store', 'store', 'replace', 'drift', 'strip', 'vanish'),
  name: fc.constantFrom('a', 'b'),
  store: fc.constantFrom(...letters),
  target: fc.constantFrom('', '-2'),
  pauseMs: fc.oneof(fc.nat(60), fc.nat(1_500)),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Two stores and up to two ExternalSecrets, whose names begin with the world's own. */
class World {
  readonly #scene: Scene;
  readonly #prefix: string;
  /** All values that a store ever gave, the present one last. */
  readonly #values: Readonly<Record<Letter, string[]>> = { s: [], t: [] };
  /** States of Secrets that are the user's own work, by resourceVersion. */
  readonly #byHand = new Set<string>();

  constructor(scene: Scene, prefix: string) {
    this.#scene = scene;
    this.#prefix = prefix;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const letter of letters) await this.#setStore(letter, 'start');
    for (const [n, each] of steps.entries()) {
      await this.#do(each, n).catch((thrown: unknown) => {
        if (!(thrown instanceof ApiRefusal && thrown.status === 404)) throw thrown; // nothing there to do it to
      });
      await pause(each.pauseMs);
    }
  }

  /** What is not right now, one line each. */
  problems(): string[] {
    const { externalSecrets, secrets } = this.#scene;
    const wanted = new Map<string, string>();
    const garbage = this.garbage();
    const wrong = this.#mine(externalSecrets.values()).flatMap((object) => {
      const { name, uid, labels } = object.metadata;
      const { target, letter } = this.#specOf(object);
      wanted.set(target, uid);
      const secret = secrets.get(target);
      const data = JSON.stringify(secret === undefined ? {} : decoded(secret));
      return [
        data === JSON.stringify({ [letter]: this.#values[letter].at(-1) }) ? '' : `${name} has other data`,
        isReady(object) ? '' : `${name} is not ready: ${condition(object, 'Ready')?.message ?? 'it says nothing'}`,
        secret?.metadata.labels?.['tier'] === labels?.['tier'] ? '' : `${name} has another label`,
        secret?.metadata.ownerReferences?.[0]?.['uid'] === uid ? '' : `${name} does not own its Secret`,
        object.status?.binding?.name === target ? '' : `${name} is not bound`,
      ];
    });
    const leftOver = this.#mine(secrets.values()).map(({ metadata: { name, ownerReferences: [owner] = [] } }) =>
      owner === undefined || wanted.get(name) === owner['uid'] || garbage.includes(name) ? '' : `${name} is left over`,
    );
    return [...wrong, ...leftOver].filter((line) => line !== '');
  }

  /** Secrets whose owner is gone: they are the cluster's to take away. */
  garbage(): string[] {
    const { externalSecrets, secrets } = this.#scene;
    const owners = new Set<unknown>(this.#mine(externalSecrets.values()).map(({ metadata }) => metadata.uid));
    const isGarbage = ({ metadata: { ownerReferences: [owner] = [] } }: ApiObject) =>
      owner !== undefined && !owners.has(owner['uid']);
    return this.#mine(secrets.values())
      .filter(isGarbage)
      .map(({ metadata }) => metadata.name);
  }

  /** What was wrong on the way, by all that the watches brought. */
  wrongs(): string[] {
    const { externalSecrets, secrets } = this.#scene;
    const states = this.#mineSeen(secrets.history());
    const lost = states.filter(
      (seen) => seen.type !== 'DELETED' && !this.#isByHand(seen) && !this.#isWhole(seen.object),
    );
    const untrue = this.#mineSeen(externalSecrets.history()).filter(({ type, object }) => {
      if (type === 'DELETED' || !isReady(object)) return false;
      const { target, letter } = this.#specOf(object);
      const then = states.findLast(({ object: secret }) => secret.metadata.name === target && !isAfter(secret, object));
      if (then === undefined) return true;
      // What others did to it a moment ago need not be known yet.
      return then.type !== 'DELETED' && !this.#isByHand(then) && !(letter in decoded(then.object));
    });
    return [
      ...lost.map(
        ({ object }) => `${object.metadata.name} lost a key or a value: ${Object.keys(object.data ?? {}).join()}`,
      ),
      ...untrue.map(({ object: { metadata } }) => `${metadata.name} said Ready for generation ${metadata.generation}`),
    ];
  }

  async #do({ event, name: short, store, target }: Step, n: number): Promise<void> {
    const { api } = this.#scene;
    const name = `${this.#prefix}-${short}`;
    const externalSecret = this.#scene.address('ExternalSecret', name);
    const secret = this.#scene.address('Secret', name);
    switch (event) {
      case 'edit':
        return void (await api.apply(externalSecret, this.#externalSecret(name, store, `${name}${target}`)));
      case 'mark':
        return void (await api.patch(externalSecret, { metadata: { labels: { tier: `${n % 3}` } } }));
      case 'remove':
        return await api.delete(externalSecret);
      case 'store':
        return await this.#setStore(store, String(n));
      case 'replace':
        await api.delete(this.#scene.address('SecretStore', `${this.#prefix}-${store}`));
        return await this.#setStore(store, String(n));
      case 'drift':
        return this.#noteHand(await api.patch(secret, { data: { s: 'ZHJpZnQ=', t: 'ZHJpZnQ=' } }));
      case 'strip':
        return this.#noteHand(await api.patch(secret, { metadata: { ownerReferences: [] } }));
      default:
        return await api.delete(this.#scene.address('Secret', `${name}${target}`));
    }
  }

  async #setStore(letter: Letter, label: string): Promise<void> {
    const name = `${this.#prefix}-${letter}`;
    const value = this.#scene.value(`${name}-${label}`);
    this.#values[letter].push(value);
    await this.#scene.api.apply(this.#scene.address('SecretStore', name), {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { name },
      spec: { provider: { fake: { data: [{ key: 'k', value }] } } },
    });
  }

  #externalSecret(name: string, letter: Letter, target: string): object {
    return {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name },
      spec: {
        refreshInterval: '1h',
        secretStoreRef: { name: `${this.#prefix}-${letter}` },
        target: { name: target },
        data: [{ secretKey: letter, remoteRef: { key: 'k' } }],
      },
    };
  }

  #specOf({ spec }: ApiObject): { readonly target: string; readonly letter: Letter } {
    const { target, data } = spec as { target: { name: string }; data: [{ secretKey: Letter }] }; // as `#externalSecret` wrote it
    return { target: target.name, letter: data[0].secretKey };
  }

  /** One key, with a value that its store gave at some time. */
  #isWhole(secret: ApiObject): boolean {
    const [[letter, value] = [], ...more] = Object.entries(decoded(secret));
    return more.length === 0 && letters.some((one) => one === letter && this.#values[one].includes(value ?? ''));
  }

  #noteHand({ metadata }: ApiObject): void {
    this.#byHand.add(metadata.resourceVersion);
  }

  #isByHand({ object }: Seen): boolean {
    return this.#byHand.has(object.metadata.resourceVersion);
  }

  #mine(objects: readonly ApiObject[]): ApiObject[] {
    return objects.filter(({ metadata }) => metadata.name.startsWith(`${this.#prefix}-`));
  }

  #mineSeen(seen: readonly Seen[]): Seen[] {
    return seen.filter(({ object }) => object.metadata.name.startsWith(`${this.#prefix}-`));
  }
}

function isAfter(one: ApiObject, other: ApiObject): boolean {
  return BigInt(one.metadata.resourceVersion) > BigInt(other.metadata.resourceVersion);
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function chance(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

it('ends right in every world, without a value lost or a Ready that is not true', async () => {
  const scene = await createScene('chaos', { operator: false });
  onTestFinished(() => scene.end());
  const proxy = await startFaultyApi(inject('controlPlane'), chance(seed));
  onTestFinished(() => proxy.close());
  const through = async (path: string) => {
    const caPath = join(path, '..', 'chaos-ca.pem');
    await writeFile(caPath, proxy.caPem);
    return await kubeconfigWith(path, { server: proxy.server, caPath });
  };
  await scene.startOperator([], { through });

  const steps = fc.sample(fc.array(step, { minLength: 18, maxLength: 18 }), { seed, numRuns: worlds });
  const all = steps.map((each, i) => ({ world: new World(scene, `w${i}`), steps: each }));
  const problems = () => all.flatMap(({ world }) => world.problems());
  proxy.storm();
  let isOver = false;
  const kills = (async () => {
    for (await pause(killEveryMs); !isOver; await pause(killEveryMs)) {
      await scene.operator().stop('SIGKILL');
      await scene.startOperator([], { through });
    }
  })();
  await Promise.all(all.map(({ world, steps: each }) => world.play(each)));
  isOver = true;
  await kills;
  proxy.calm();
  const settle = until('all worlds are right', () => problems().length === 0, rightWithinMs);
  const tookMs = await timed(() => settle.catch(() => {}));
  const { hasControllerManager } = inject('controlPlane');
  const isClean = () => !hasControllerManager || all.every(({ world }) => world.garbage().length === 0);
  const cleanMs = await timed(() => until('what has lost its owner is gone', isClean, collectedWithinMs));
  // The Secret that is right comes before the status that tells of it.
  await pause(quietMs);
  const say = `chaos: seed ${seed}, ${worlds} worlds right after ${tookMs} ms, clean ${cleanMs} ms later; calls ${JSON.stringify(proxy.counts())}\n`;
  process.stdout.write(say);
  const told = `CHAOS_SEED=${seed}`;
  expect(problems(), told).toEqual([]);
  const seen = scene.secrets.history().length + scene.externalSecrets.history().length;
  await pause(quietMs);
  expect(scene.secrets.history().length + scene.externalSecrets.history().length, told).toBe(seen);
  expect(
    all.flatMap(({ world }) => world.wrongs()),
    told,
  ).toEqual([]);
  expect(problems(), told).toEqual([]);
}, 270_000);
