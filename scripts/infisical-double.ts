// `npm run infisical-double`: a double of an Infisical server that stays up until SIGINT or SIGTERM.
// Prints its addresses and credentials as KEY=value lines, with the sample data of ESO's documentation unless --seed
// names a JSON file (test/support/infisical-double/seed.ts). Holds everything in memory; leaves nothing behind but, with
// --tls, a CA file for the time it runs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Generation, generations } from '../test/support/infisical-double/api-error.ts';
import { startInfisicalDouble } from '../test/support/infisical-double/double.ts';
import { selfHostedLimits } from '../test/support/infisical-double/rate-limiter.ts';
import { parseSeed, type Seed, sampleSeed } from '../test/support/infisical-double/seed.ts';
import { readFlags } from './arguments.ts';

const usage = `usage: npm run infisical-double -- [options]
  --host HOST         address to listen on (127.0.0.1)
  --port PORT         port of the Infisical API (a free one)
  --admin-port PORT   port of the admin API (a free one)
  --tls               serve https; prints CA_FILE
  --generation AGE    the server to play: 2024-10 (the default), 2025-06 or newest
  --limits            limit requests as a self-hosted server without a licence does
  --seed FILE         JSON to start from, in place of the sample data`;

function flagsOf() {
  const values = readFlags(usage, {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    'admin-port': { type: 'string', default: '0' },
    tls: { type: 'boolean', default: false },
    generation: { type: 'string', default: '2024-10' },
    limits: { type: 'boolean', default: false },
    seed: { type: 'string' },
  });
  const { host, tls, limits, seed } = values;
  return {
    host,
    tls,
    generation: generationOf(values.generation),
    limits,
    seed,
    port: port('port', values.port),
    adminPort: port('admin-port', values['admin-port']),
  };
}

function generationOf(text: string): Generation {
  const found = generations.find((one) => one === text);
  if (found !== undefined) return found;
  throw new Error(`--generation: '${text}' is none of ${generations.join(', ')}`);
}

function port(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new Error(`--${flag}: '${text}' is not a port; give a number from 0 to 65535`);
}

async function seedFrom(file: string | undefined): Promise<Seed> {
  if (file === undefined) return sampleSeed();
  const text = await readFile(file, 'utf8');
  return parseSeed(JSON.parse(text), file);
}

async function run(): Promise<void> {
  const flags = flagsOf();
  const seed = await seedFrom(flags.seed);
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const double = await startInfisicalDouble({
    host: flags.host,
    port: flags.port,
    admin: { port: flags.adminPort },
    seed,
    generation: flags.generation,
    ...(flags.limits && { limits: selfHostedLimits }),
    ...(flags.tls && { tls: true }),
  });
  const directory = double.caPem === undefined ? undefined : await mkdtemp(join(tmpdir(), 'infisical-double-'));
  try {
    if (directory !== undefined) await writeFile(join(directory, 'ca.pem'), double.caPem ?? '');
    print(double, seed, directory);
    await stopped;
  } finally {
    await double.stop();
    if (directory !== undefined) await rm(directory, { recursive: true });
  }
}

type Running = Awaited<ReturnType<typeof startInfisicalDouble>>;

/** One KEY=value line each; the first identity with universal auth and the first without one speak for the rest. */
function print({ url, adminUrl, identities }: Running, seed: Seed, directory: string | undefined): void {
  const withLogin = seed.identities?.find(({ universal }) => universal);
  const withToken = seed.identities?.find(({ universal }) => !universal) ?? withLogin;
  const lines = [`URL=${url}`, `ADMIN_URL=${adminUrl ?? ''}`];
  if (directory !== undefined) lines.push(`CA_FILE=${join(directory, 'ca.pem')}`);
  if (withLogin) {
    const { clientId, clientSecret } = identities.get(withLogin.name);
    lines.push(`CLIENT_ID=${clientId}`, `CLIENT_SECRET=${clientSecret}`);
  }
  if (withToken) lines.push(`ACCESS_TOKEN=${identities.issueToken(withToken.name)}`);
  process.stdout.write(`${lines.join('\n')}\n`);
  process.stderr.write(`${advice(url, seed)}\n`);
}

/** How to get from here to a Secret; for people, so not among the lines that scripts read. */
function advice(url: string, seed: Seed): string {
  const places = (seed.projects ?? []).map(({ slug, environments = [] }) => {
    const names = environments.map((environment) => environment.slug);
    return names.length === 0 ? slug : `${slug} (${names.join(', ')})`;
  });
  const { host } = new URL(url);
  return `ready, with ${places.join('; ')}; in a store: hostAPI: ${url}; the operator needs --insecure-upstream-hosts=${host}`;
}

try {
  await run();
} catch (error) {
  process.stderr.write(`infisical-double: ${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 1;
}
