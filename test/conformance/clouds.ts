// Conformance with clouds: `npm run conformance:clouds -- [options]` opens Environments through the operator's own client, at
// the doubles, at an account of yours, or at a server in the place of a cloud. The last line counts; exits 1 when a case differs.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { readFlags } from '../../scripts/arguments.ts';
import { builtCloudClients } from '../cloud-clients/build.ts';
import { startMoto } from '../moto/server.ts';
import { readByClients } from './clouds/clients.ts';
import type { Facts } from './clouds/contract.ts';
import { startCloudDoubles } from './clouds/doubles.ts';
import { layOutMoto } from './clouds/moto.ts';
import { type CloudName, cloudNames, isCloudName, suites } from './clouds/providers.ts';
import { type CloudTarget, routesTo, runSuite, type Verdict } from './clouds/run.ts';

const usage = `usage: npm run conformance:clouds -- [options]
  --provider NAME    ${cloudNames.join(', ')}; may be given more than once (all)
  --facts FILE       what lies at the real thing and who may read it: YAML, {PROVIDER: {FACT: TEXT}}. In place of the doubles
                     are then the providers that it names. Nothing is written there
  --fact P.F=TEXT    one of them, as aws.region=eu-central-1; goes before the file
  --base-url URL     a server in the place of the hosts of one provider, by http, or the address that its documents name
  --with moto        starts moto_server in the place of AWS, and lays out there what the cases need
  --clients          lets the clouds' own clients, which it builds from Go modules, read from the doubles
  --if-there         does nothing where moto_server is not installed, or the clients were not built
  --list             prints the facts of each provider; a case whose facts are not given is skipped
  --verbose          says of each case that was skipped why`;
const flags = readFlags(usage, {
  provider: { type: 'string', multiple: true, default: [] },
  facts: { type: 'string' },
  fact: { type: 'string', multiple: true, default: [] },
  'base-url': { type: 'string' },
  with: { type: 'string' },
  clients: { type: 'boolean', default: false },
  'if-there': { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
});

type Targets = Partial<Readonly<Record<CloudName, CloudTarget>>>;
/** Servers, or why there are none. */
type Servers = { readonly targets: Targets; stop(): Promise<void> } | { readonly missing: string };

async function run(): Promise<void> {
  if (flags.list) {
    for (const name of cloudNames) print(listOf(name));
    return;
  }
  const verdicts = flags.clients ? await askClients() : await askServers();
  const count = (wanted: Verdict) => verdicts.filter((each) => each === wanted).length;
  const skipped = count('skipped') === 0 ? '' : `, ${count('skipped')} skipped`;
  print(`${count('passed')} passed, ${count('failed')} failed${skipped}`);
  if (count('failed') > 0) process.exitCode = 1;
}

async function askServers(): Promise<readonly Verdict[]> {
  const servers = await serversToAsk();
  if ('missing' in servers) return [without(servers.missing)];
  const verdicts: Verdict[] = [];
  try {
    for (const name of cloudNames) {
      const target = servers.targets[name];
      if (target === undefined) continue;
      verdicts.push(...(await runSuite(suites[name], target, (line) => say(name, line))));
    }
  } finally {
    await servers.stop();
  }
  return verdicts;
}

/** The clouds' own clients at the doubles. */
async function askClients(): Promise<readonly Verdict[]> {
  const built = await builtCloudClients({ ifBuilt: flags['if-there'] });
  if ('missing' in built) return [without(built.missing)];
  const doubles = await startCloudDoubles();
  try {
    const read = await readByClients(built.program, doubles);
    return read.map(({ cloud, what, difference }) => {
      if (difference === undefined) return 'passed';
      print(`${cloud} failed: ${what}: ${difference}`);
      return 'failed';
    });
  } finally {
    await doubles.stop();
  }
}

/** What is missing is a failure, unless it may be. */
function without(missing: string): Verdict {
  const verdict = flags['if-there'] ? 'skipped' : 'failed';
  print(`${verdict}: ${missing}`);
  return verdict;
}

async function serversToAsk(): Promise<Servers> {
  const wanted = flags.provider.map((name) => (isCloudName(name) ? name : wrong(`there is no provider "${name}"`)));
  const isWanted = (name: CloudName) => wanted.length === 0 || wanted.includes(name);
  const given = await givenFacts();
  const url = flags['base-url'];
  if (flags.with !== undefined) {
    if (flags.with !== 'moto') wrong(`--with takes moto, not "${flags.with}"`);
    if (url !== undefined || given.size > 0 || wanted.some((name) => name !== 'aws')) {
      wrong('--with stands in the place of facts and of --base-url, and serves aws alone');
    }
    return await moto();
  }
  if (url !== undefined && wanted.length !== 1)
    wrong('--base-url takes the place of one provider: name it by --provider');
  if (url === undefined && given.size === 0) {
    const { stop, targets } = await startCloudDoubles();
    return {
      targets: Object.fromEntries(Object.entries(targets).filter(([name]) => isCloudName(name) && isWanted(name))),
      stop,
    };
  }
  const names = url === undefined ? [...given.keys()].filter(isWanted) : wanted;
  if (names.length === 0) wrong('there are no facts of these providers');
  return {
    targets: Object.fromEntries(names.map((name) => [name, targetOf(name, given.get(name) ?? {}, url)])),
    stop: async () => {},
  };
}

function targetOf(name: CloudName, given: Facts, url: string | undefined): CloudTarget {
  const { address } = suites[name];
  if (url === undefined) return { facts: given };
  if (address !== undefined) return { facts: { ...given, [address]: url } };
  if (!url.startsWith('http://')) wrong('a server that takes the place of hosts is spoken to by http://');
  return { facts: given, routes: routesTo(suites[name], given, url) };
}

async function moto(): Promise<Servers> {
  const server = await startMoto();
  if ('missing' in server) return server;
  try {
    return { targets: { aws: await layOutMoto(server.url) }, stop: server.stop };
  } catch (thrown) {
    await server.stop();
    throw thrown;
  }
}

/** Of the file and of the flags, by provider. */
async function givenFacts(): Promise<ReadonlyMap<CloudName, Facts>> {
  const document: unknown = flags.facts === undefined ? {} : parse(await readFile(flags.facts, 'utf8'));
  const entries = Object.entries(Object(document)).flatMap(([name, facts]) =>
    Object.entries(Object(facts)).map(([fact, text]) => ({ name, fact, text: String(text) })),
  );
  const more = flags.fact.map((each) => {
    const [, name = '', fact = '', text = ''] = /^([^.=]+)\.([^.=]+)=([\s\S]*)$/.exec(each) ?? [];
    return { name, fact, text };
  });
  const byName = new Map<CloudName, Record<string, string>>();
  for (const { name, fact, text } of [...entries, ...more]) {
    if (!isCloudName(name) || !Object.hasOwn(suites[name].facts, fact))
      return wrong(`there is no fact "${name}.${fact}"`);
    byName.set(name, { ...byName.get(name), [fact]: text });
  }
  return byName;
}

function listOf(name: CloudName): string {
  const facts = Object.entries(suites[name].facts).map(([fact, meaning]) => `  ${fact}: ${meaning}`);
  return [`${name} (${suites[name].cases.length} cases)`, ...facts].join('\n');
}

function say(name: CloudName, line: string): void {
  if (flags.verbose || !line.startsWith('skipped')) print(`${name} ${line}`);
}

function wrong(problem: string): never {
  process.stderr.write(`${problem}\n${usage}\n`);
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await run();
