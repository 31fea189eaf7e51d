// A real HashiCorp Vault: the core of the server by its public Go module (1.14, the last line under the MPL), in memory, on a
// port of loopback. The first build takes minutes, so tests start it only where it was built before; `npm run
// conformance:vault` builds it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { builtGoProgram, cachedGoProgram, type GoProgram } from '../support/go-program.ts';

const source: GoProgram = {
  name: 'vault-server',
  title: 'the Vault server',
  folder: import.meta.dirname,
  files: ['go.mod', 'go.sum', 'main.go', 'registry.go', 'creds.go'],
  package: '.',
};

export interface VaultServer {
  readonly url: string;
  readonly rootToken: string;
  stop(): Promise<void>;
}

/** Whether it was built before. */
export async function isVaultBuilt(): Promise<boolean> {
  return (await cachedGoProgram(source)) !== undefined;
}

/** Starts it, built first if it must be; or says why there is none. */
export async function startVault(): Promise<VaultServer | { readonly missing: string }> {
  const built = await builtGoProgram(source);
  if ('missing' in built) return built;
  const child = spawn(built.program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const { address, token } = JSON.parse(await firstLine(child)) as { address: string; token: string }; // as main.go writes it
  return {
    url: address,
    rootToken: token,
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

async function firstLine({ stdout }: Pick<ChildProcess, 'stdout'>): Promise<string> {
  if (stdout === null) throw new Error('the Vault server has no output');
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error('the Vault server ended at its start');
}
