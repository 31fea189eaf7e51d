// Others who write to the same objects without end: the operator's own work gets done all the same, theirs is kept, and
// nobody is told of conflicts that are nobody's business.
import { afterEach, describe, expect, it } from 'vitest';
import { createFleet } from '../support/fleet.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, pause, timed, until } from '../support/wait.ts';

describe('beside others who write without end', () => {
  const running: Scene[] = [];
  afterEach(async () => {
    for (const scene of running.splice(0)) await scene.end();
  });

  it('follows its source while the object is marked more often than the source answers', async () => {
    const { ground, fleet, address } = await lone('flood', '1h');
    ground.double.faults.add({ kind: 'latency', delayMs: 300 });
    const marks = (n: number) => ({ metadata: { annotations: { 'force-sync': `${n}` } } });
    const stop = writeOn((n) => ground.api.patch(address, marks(n)));
    for (const key of ['k0', 'k1']) {
      fleet.change('es-0', key);
      const tookMs = await timed(() => until('the change arrives', () => fleet.wrongSecrets().length === 0, 5_000));
      say(`change under a flood of force-syncs: ${tookMs} ms`);
    }
    const writes = await stop();
    await until('it settles', () => fleet.problems().length === 0);
    const { list } = ground.double.requests.counts().byKind;
    say(`${writes} force-syncs, ${list} lists`);
    expect(list).toBeLessThan(writes / 2);
  });

  it("lands its change, keeps the other's, and tells nobody of a conflict", async () => {
    const { ground, fleet, address } = await lone('storm', '1s');
    const { api, externalSecrets, secrets, namespace } = ground;
    const marks = (name: string, n: number) => ({ metadata: { annotations: { [name]: `${n}` } } });
    const stop = writeOn(async (n) => {
      await api.patch({ kind: 'Secret', namespace, name: 'es-0' }, marks('example.com/on-secret', n));
      await api.patch(address, marks('example.com/on-object', n));
    });
    fleet.change('es-0', 'k0');
    await until('the change arrives', () => fleet.wrongSecrets().length === 0, 5_000);
    const writes = await stop();
    await until('it settles', () => fleet.problems().length === 0);
    // What stands on the object is copied to its Secret; what another wrote to the Secret alone stays.
    const last = `${writes - 1}`;
    await secrets.until('es-0', 'has both marks', ({ metadata: { annotations = {} } }) => {
      return annotations['example.com/on-secret'] === last && annotations['example.com/on-object'] === last;
    });
    const red = externalSecrets.history().filter(({ object }) => condition(object, 'Ready')?.status === 'False');
    expect(red).toEqual([]);
    expect(ground.eventsOf('ExternalSecret', 'es-0').filter(({ type }) => type === 'Warning')).toEqual([]);
  });

  /** One object, synced. */
  async function lone(prefix: string, refreshInterval: string) {
    const ground = await createScene(prefix);
    running.push(ground);
    const fleet = await createFleet(ground, { objects: 1, scopes: 1, refreshInterval });
    await until('it is synced', () => fleet.problems().length === 0);
    return { ground, fleet, address: ground.address('ExternalSecret', 'es-0') };
  }
});

/** Writes again and again; the function that it gives ends that, and tells how often it was. */
function writeOn(write: (n: number) => Promise<unknown>): () => Promise<number> {
  let isStopped = false;
  const writing = (async () => {
    let n = 0;
    while (!isStopped) {
      await write(n++);
      await pause(5);
    }
    return n;
  })();
  return () => {
    isStopped = true;
    return writing;
  };
}

function say(line: string): void {
  process.stdout.write(`contention: ${line}\n`);
}
