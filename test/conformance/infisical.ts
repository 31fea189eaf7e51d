// Conformance with a real Infisical server: `node test/conformance/infisical.ts [options]` replays recorded exchanges
// against the double, or with --base-url against another server, and reports how many answers agree, by scenario.
// Exits 1 on a difference that infisical/exceptions.ts does not allow. Without recordings it says so and exits 0.
import { resolve } from 'node:path';
import { readFlags } from '../../scripts/arguments.ts';
import { judgeLoginWires } from './infisical/login-wires.ts';
import { loadRecordings, type Recordings } from './infisical/recordings.ts';
import { type Judged, replayScenario, type Target } from './infisical/replay.ts';
import { ageOf, doubleTarget, remoteTarget } from './infisical/targets.ts';

const usage = `usage: node test/conformance/infisical.ts [options]
  --contracts DIR      the recordings (../shared/contracts/infisical from the repository's root)
  --scenario NAME      this one only (the replay of the others still goes before it, as they build on each other);
                       "login wires" is the operator's own logins, each beside the one that the recorded server accepted
  --base-url URL       a server in place of the double; needs --credentials FILE (form: infisical/targets.ts) and, in
                       the project named there, secrets laid out as in infisical/world.ts (values may differ)
  --writes             lets the replay write there
  --verbose            shows what differs and why something was skipped`;
const flags = readFlags(usage, {
  contracts: { type: 'string' },
  scenario: { type: 'string' },
  'base-url': { type: 'string' },
  credentials: { type: 'string' },
  writes: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
});

const defaultContracts = resolve(import.meta.dirname, '../../../shared/contracts/infisical');

/** These change what others read, so they come last, in the order in which they were recorded. */
const writing = ['write-one', 'write-batch', 'folders'];
const lastScenarios = {
  '2024-10': ['etag', 'permissions', 'dependency-outage', ...writing, 'rate-limit'],
  '2025-06': ['etag', 'permissions', 'rate-limit', ...writing],
};

function inOrder(recordings: Recordings): readonly string[] {
  const names = [...recordings.scenarios.keys()];
  const last = lastScenarios[ageOf(recordings)];
  return [...names.filter((name) => !last.includes(name)), ...last.filter((name) => names.includes(name))];
}

async function replayAll(recordings: Recordings, target: Target): Promise<readonly Judged[]> {
  const judged = [...(await judgeLoginWires(recordings))];
  for (const scenario of inOrder(recordings)) {
    judged.push(...(await replayScenario(scenario, recordings.scenarios.get(scenario) ?? [], target)));
  }
  return flags.scenario === undefined ? judged : judged.filter(({ scenario }) => scenario === flags.scenario);
}

interface Sums {
  readonly agree: number;
  readonly differ: number;
  readonly excused: number;
  readonly skip: number;
}

function sumsOf(judged: readonly Judged[]): Sums {
  const count = (fits: (one: Judged) => boolean) => judged.filter(fits).length;
  const isExcused = ({ verdict }: Judged) => verdict.kind === 'differs' && verdict.allowedBecause !== undefined;
  return {
    agree: count(({ verdict }) => verdict.kind === 'agrees'),
    differ: count(({ verdict }) => verdict.kind === 'differs' && verdict.allowedBecause === undefined),
    excused: count(isExcused),
    skip: count(({ verdict }) => verdict.kind === 'skipped'),
  };
}

function report(judged: readonly Judged[]): void {
  for (const [scenario, ofScenario] of Map.groupBy(judged, (one) => one.scenario)) {
    const { agree, differ, excused, skip } = sumsOf(ofScenario);
    const known = excused === 0 ? '' : `, ${excused} differ as allowed`;
    print(`${scenario}: ${agree} agree, ${differ} differ${known}, ${skip} skipped`);
    for (const { name, verdict } of flags.verbose ? ofScenario : []) {
      if (verdict.kind === 'skipped') print(`  skipped  ${name}: ${verdict.reason}`);
      if (verdict.kind !== 'differs') continue;
      print(`  differs  ${name}${verdict.allowedBecause === undefined ? '' : ` (allowed: ${verdict.allowedBecause})`}`);
      for (const line of verdict.lines) print(`    ${line}`);
    }
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function replayWith(recordings: Recordings): Promise<readonly Judged[]> {
  const baseUrl = flags['base-url'];
  if (baseUrl !== undefined) {
    const credentialsFile = flags.credentials;
    if (credentialsFile === undefined) throw new Error('--base-url needs --credentials FILE');
    return replayAll(recordings, await remoteTarget(recordings, { baseUrl, credentialsFile, mayWrite: flags.writes }));
  }
  const { target, double } = await doubleTarget(recordings);
  try {
    return await replayAll(recordings, target);
  } finally {
    await double.stop();
  }
}

async function run(): Promise<void> {
  const directory = flags.contracts === undefined ? defaultContracts : resolve(flags.contracts);
  const recordings = await loadRecordings(directory);
  if (!recordings) {
    print(`skipped: there are no recordings at ${directory}; name another directory with --contracts`);
    print('0 passed, 0 failed, 1 skipped');
    return;
  }
  const judged = await replayWith(recordings);
  report(judged);
  const { agree, differ, excused, skip } = sumsOf(judged);
  print(`${agree + excused} passed, ${differ} failed, ${skip} skipped`);
  process.exitCode = differ > 0 ? 1 : 0;
}

try {
  await run();
} catch (error) {
  process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
