// The wall clock of an operator under test, which can be set while it runs: set-clock.mjs does it inside.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from './wait.ts';

const preload = pathToFileURL(join(import.meta.dirname, 'set-clock.mjs')).href;

export interface SettableClock {
  /** What the operator must be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts the clock of the running operator so far ahead of the true time, or behind it when negative; settles once it is. */
  set(operator: { readonly pid: number }, offsetMs: number): Promise<void>;
  /** What that clock says. */
  nowMs(): number;
  remove(): Promise<void>;
}

/** A clock for one operator, which starts with it off by `startMs`. */
export async function settableClock(startMs = 0): Promise<SettableClock> {
  const folder = await mkdtemp(join(tmpdir(), 'escapement-clock-'));
  const path = join(folder, 'offset');
  await writeFile(path, String(startMs));
  let offsetMs = startMs;
  return {
    env: { NODE_OPTIONS: `--import=${preload}`, ESCAPEMENT_TEST_CLOCK: path },
    async set({ pid }, wantedMs) {
      await writeFile(path, String(wantedMs));
      process.kill(pid, 'SIGUSR2');
      const taken = () => readFile(`${path}.taken`, 'utf8').catch(() => '');
      await until('the clock is set', async () => (await taken()) === String(wantedMs));
      offsetMs = wantedMs;
    },
    nowMs: () => Date.now() + offsetMs,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
