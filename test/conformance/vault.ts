// Conformance with a real Vault: `npm run conformance:vault -- [options]` opens Environments through the operator's client
// against a Vault that it builds and starts (the first build takes minutes), or against another server. The double answers the
// same cases in the unit tests. The last line counts; exits 1 when a case differs.
import { readFlags } from '../../scripts/arguments.ts';
import { vaultDesk } from '../../src/providers/esc/open/vault.fixture.ts';
import { createJwtIssuer } from '../support/jwt-issuer.ts';
import { isVaultBuilt, startVault } from '../vault/server.ts';
import { vaultCases } from './vault/cases.ts';
import { layOutVault, vaultAdmin } from './vault/world.ts';

const usage = `usage: npm run conformance:vault -- [options]
  --base-url URL   a server in place of the one that is built: an empty one, for what is laid out there stays
  --token TOKEN    its root token
  --if-built       does nothing where the server would have to be built first`;
const flags = readFlags(usage, {
  'base-url': { type: 'string' },
  token: { type: 'string' },
  'if-built': { type: 'boolean', default: false },
});

async function run(): Promise<void> {
  const server = await serverToAsk();
  if ('missing' in server) {
    print(`skipped: ${server.missing}`);
    print('0 passed, 0 failed, 1 skipped');
    return;
  }
  const failed: string[] = [];
  try {
    const issuer = await createJwtIssuer('https://cluster.example');
    const admin = vaultAdmin(server.url, server.rootToken);
    await layOutVault(admin, issuer);
    for (const each of vaultCases) {
      const desk = vaultDesk({ url: server.url, issuer });
      try {
        await each.run(desk, admin);
      } catch (error) {
        failed.push(each.name);
        print(`${each.name}: ${error instanceof Error ? error.message : String(error)}`);
      } finally {
        await desk.stop();
      }
    }
  } finally {
    await server.stop();
  }
  print(`${vaultCases.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) process.exitCode = 1;
}

async function serverToAsk() {
  const { 'base-url': url, token: rootToken } = flags;
  if (url !== undefined && rootToken !== undefined) return { url, rootToken, stop: async () => {} };
  if (url !== undefined || rootToken !== undefined) {
    process.stderr.write(`--base-url and --token go together\n${usage}\n`);
    process.exit(2);
  }
  if (flags['if-built'] && !(await isVaultBuilt())) return { missing: 'the server was not built here yet' };
  return await startVault();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await run();
