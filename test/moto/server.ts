// An AWS that this project did not write: moto's server, a Python program of its own, kept in memory on a port of loopback. It is
// used where `moto_server` is installed, and never installed from here.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface MotoServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Python takes a good while to load it on a small machine. */
const startMs = 60_000;

/** Starts it; or says why there is none. */
export async function startMoto(): Promise<MotoServer | { readonly missing: string }> {
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit').catch(() => undefined); // one that could not be started has no exit
  const end = async () => {
    child.kill();
    await ended;
  };
  const overdue = setTimeout(() => child.kill(), startMs);
  try {
    const url = await urlOf(child);
    child.stderr.resume(); // a line for each request, which nobody reads
    return { url, stop: end };
  } catch (thrown) {
    await end();
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { missing: `there is no moto_server that starts (${reason}): pip install 'moto[server]'` };
  } finally {
    clearTimeout(overdue);
  }
}

async function urlOf(child: ChildProcess & { readonly stderr: NonNullable<ChildProcess['stderr']> }): Promise<string> {
  const failed = once(child, 'error').then(([error]) => Promise.reject(error));
  const found = async () => {
    const lines = createInterface({ input: child.stderr });
    for await (const line of lines) {
      const [, url] = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line) ?? [];
      if (url !== undefined) return url;
    }
    throw new Error('it ended at its start');
  };
  return await Promise.race([found(), failed]);
}
