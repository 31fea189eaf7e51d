// Names of hosts to addresses, as a pod's libc finds them (hosts file, then the search list of resolv.conf), but with c-ares:
// a look-up is a few packets that can be given up, where libc's blocks one of four threads for as long as a name server is
// silent, and a handful of silent names would stop every upstream.
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { DoorClock } from './contract.ts';

export interface NameResolver {
  /** All addresses of a name, IPv4 first. Rejects with an error whose `code` is that of libc: ENOTFOUND, EAI_AGAIN, EAI_FAIL. */
  resolve(hostname: string): Promise<readonly LookupAddress[]>;
}

export interface NameFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

/** A look-up with all names of the search list; less than the time for a connection. */
const deadlineMs = 4_500;
/** One packet to one name server, and how often each is asked. */
const packetMs = 1_500;
const tries = 2;
/** How long IPv6 may come after IPv4. */
const graceMs = 300;
/** How long "there is none" and "nobody answers" are repeated without asking. */
const keepFailureMs = 5_000;
/** Look-ups at a time; each holds a socket. Those beyond wait, within their own connection's deadline. */
const mostLookups = 256;
const mostFailures = 1_000;

/** `servers` replaces those of resolv.conf. */
export function createNameResolver(options: {
  readonly clock: DoorClock;
  readonly files?: NameFiles;
  readonly servers?: readonly string[];
}): NameResolver {
  const { clock, files = { hosts: '/etc/hosts', resolvConf: '/etc/resolv.conf' }, servers } = options;
  const running = new Map<string, Promise<readonly LookupAddress[]>>();
  const failures = new Map<string, { readonly error: LookupError; readonly untilMs: number }>();
  const turns = createTurns(mostLookups);

  async function find(hostname: string): Promise<readonly LookupAddress[]> {
    const listed = addressesIn(await textOf(files.hosts), hostname);
    if (listed.length > 0) return listed;
    if (isLocalhost(hostname)) return [asAddress('127.0.0.1'), asAddress('::1')];
    const candidates = candidatesFor(hostname, await textOf(files.resolvConf));
    await turns.take();
    const resolver = new Resolver({ timeout: packetMs, tries });
    if (servers !== undefined) resolver.setServers(servers);
    let isOver = false;
    const timer = clock.after(deadlineMs, () => {
      isOver = true;
      resolver.cancel();
    });
    const asking = { resolver, clock, isOver: () => isOver };
    try {
      return await firstAnswer(asking, candidates, hostname);
    } finally {
      timer.cancel();
      resolver.cancel();
      turns.give();
    }
  }

  async function findOrRemember(hostname: string): Promise<readonly LookupAddress[]> {
    try {
      return await find(hostname);
    } catch (thrown) {
      const error = thrown instanceof LookupError ? thrown : new LookupError('EAI_FAIL', hostname);
      const [oldest] = failures.keys();
      if (failures.size >= mostFailures && oldest !== undefined) failures.delete(oldest);
      failures.set(hostname, { error, untilMs: clock.monotonicMs() + keepFailureMs });
      throw error;
    } finally {
      running.delete(hostname);
    }
  }

  return {
    async resolve(hostname) {
      if (isIP(hostname) !== 0) return [asAddress(hostname)];
      const name = hostname.toLowerCase();
      const failed = failures.get(name);
      if (failed !== undefined && failed.untilMs > clock.monotonicMs()) throw failed.error;
      failures.delete(name);
      const known = running.get(name);
      if (known !== undefined) return known;
      const started = findOrRemember(name);
      running.set(name, started);
      return started;
    },
  };
}

/** The code is what `errors.ts` puts into words. */
class LookupError extends Error {
  readonly code: string;

  constructor(code: string, hostname: string) {
    super(`look-up of ${hostname} failed`);
    this.code = code;
  }
}

/** The answer for the first candidate that has addresses. What a name server cannot say counts more than what it denies. */
async function firstAnswer(
  asking: Asking,
  candidates: readonly string[],
  hostname: string,
): Promise<readonly LookupAddress[]> {
  let code = 'ENOTFOUND';
  for (const candidate of candidates) {
    const { addresses, codes } = await askBoth(asking, candidate);
    if (addresses.length > 0) return addresses.map(asAddress);
    if (asking.isOver()) throw new LookupError('EAI_AGAIN', hostname);
    if (codes.includes('EAI_AGAIN')) throw new LookupError('EAI_AGAIN', hostname);
    if (codes.includes('EAI_FAIL')) code = 'EAI_FAIL';
  }
  throw new LookupError(code, hostname);
}

interface Asking {
  readonly resolver: Resolver;
  readonly clock: DoorClock;
  readonly isOver: () => boolean;
}

interface Said {
  readonly addresses: readonly string[];
  readonly codes: readonly string[];
}

/** Both families; once IPv4 is there, IPv6 is waited for a moment only: some name servers never answer for it. */
async function askBoth({ resolver, clock }: Asking, name: string): Promise<Said> {
  const six = said(resolver.resolve6(name));
  const four = await said(resolver.resolve4(name));
  const late = four.addresses.length === 0 ? six : Promise.race([six, nothingAfter(clock, graceMs)]);
  const { addresses, codes } = await late;
  return { addresses: [...four.addresses, ...addresses], codes: [...four.codes, ...codes] };
}

async function said(asked: Promise<readonly string[]>): Promise<Said> {
  return asked.then(
    (addresses) => ({ addresses, codes: [] }),
    (thrown: unknown) => ({ addresses: [], codes: [libcCode(thrown)] }),
  );
}

function nothingAfter(clock: DoorClock, delayMs: number): Promise<Said> {
  return new Promise((resolve) => {
    clock.after(delayMs, () => resolve({ addresses: [], codes: [] }));
  });
}

/** Codes of c-ares (nodejs.org/api/dns.html#error-codes) as libc's. */
function libcCode(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME') return 'ENOTFOUND';
  return code === 'ESERVFAIL' || code === 'EREFUSED' || code === 'EFORMERR' ? 'EAI_FAIL' : 'EAI_AGAIN';
}

function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost'); // RFC 6761 §6.3
}

function asAddress(address: string): LookupAddress {
  return { address, family: isIP(address) === 6 ? 6 : 4 };
}

/** Lines of hosts(5) that name the host. */
function addressesIn(hosts: string, hostname: string): LookupAddress[] {
  const found = lines(hosts).filter(([, ...names]) => names.some((name) => name.toLowerCase() === hostname));
  return found.flatMap(([address = '']) => (isIP(address) === 0 ? [] : [asAddress(address)]));
}

/** What is asked for, in order: resolv.conf(5), `search` and `options ndots`. */
function candidatesFor(hostname: string, resolvConf: string): string[] {
  if (hostname.endsWith('.')) return [hostname];
  let suffixes: readonly string[] = [];
  let ndots = 1;
  for (const [keyword, ...words] of lines(resolvConf)) {
    if (keyword === 'search' || keyword === 'domain') suffixes = words;
    if (keyword !== 'options') continue;
    for (const word of words) ndots = /^ndots:\d{1,2}$/.test(word) ? Number(word.slice('ndots:'.length)) : ndots;
  }
  const below = suffixes.filter((suffix) => suffix !== '.').map((suffix) => `${hostname}.${suffix}`);
  const dots = hostname.split('.').length - 1;
  return dots >= ndots ? [hostname, ...below] : [...below, hostname];
}

/** Words of each line, without comments. */
function lines(text: string): string[][] {
  return text.split('\n').map((line) => {
    const [content = ''] = line.split(/[#;]/);
    return content.split(/\s/).filter((word) => word !== '');
  });
}

/** A file that is not there says nothing: so says libc. */
async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}

/** Lets `most` run at a time, in the order in which they came. */
function createTurns(most: number): { take(): Promise<void>; give(): void } {
  const waiting: (() => void)[] = [];
  let free = most;
  return {
    take() {
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    give() {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
