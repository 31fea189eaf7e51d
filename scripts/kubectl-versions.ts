// `npm run kubectl-versions`: takes the steps of a newcomer with the kubectl of every minor version from 1.30 on, each on a fresh
// control plane of tests, and prints the table of docs/guides/install.md. Fails when a step does.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type KubectlRelease, kubectlProgram, releases } from '../test/kubectl-versions/releases.ts';
import { steps } from '../test/kubectl-versions/steps.ts';
import { startControlPlane } from '../test/support/control-plane.ts';
import { createReader, type Reader } from '../test/support/guides.ts';
import { progressTo } from '../test/support/progress.ts';
import { readFlags } from './arguments.ts';
import { buildBundle } from './child.ts';

const flags = readFlags(
  `usage: npm run kubectl-versions -- [--only MINOR]   the README's steps with each kubectl; some 8 minutes

  --only 1.32   with that one
  a program named by KUBECTL_1_30 (and so on) takes the place of the one out of an npm package`,
  { only: { type: 'string' } },
);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Row {
  readonly version: string;
  /** What went wrong, by step; undefined where nothing did. */
  readonly failures: readonly (string | undefined)[];
}

async function tryRelease(release: KubectlRelease): Promise<Row> {
  const cluster = await startControlPlane({ onProgress: progressTo(process.stderr, 'control plane: ') });
  try {
    const kubectl = await kubectlProgram(release, join(dirname(cluster.kubeconfigPath), 'kubectl'));
    const version = await versionOf(kubectl);
    say(`▸ kubectl ${version}`);
    const reader = await createReader({ kubeconfig: cluster.kubeconfigPath, kubectl });
    try {
      return { version, failures: await takeAll(reader) };
    } finally {
      await reader.end();
    }
  } finally {
    await cluster.stop();
  }
}

async function takeAll(reader: Reader): Promise<readonly (string | undefined)[]> {
  const failures: (string | undefined)[] = [];
  for (const { title, take } of steps) {
    const startedMs = performance.now();
    const failure = await take(reader).then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : 'failed'),
    );
    say(`  ${title}: ${failure ?? `ok, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`}`);
    failures.push(failure);
  }
  return failures;
}

/** `1.30.0`. */
async function versionOf(kubectl: string): Promise<string> {
  const { stdout } = await promisify(execFile)(kubectl, ['version', '--client', '--output=json']);
  const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string } }; // kubectl's own shape
  return clientVersion.gitVersion.replace(/^v/, '');
}

function table(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['kubectl', ...steps.map(({ title }) => title)];
  const body = rows.map(({ version, failures }) =>
    line([version, ...failures.map((failure) => (failure === undefined ? 'works' : 'fails'))]),
  );
  return [line(head), line(head.map(() => '---')), ...body].join('\n');
}

const chosen = releases.filter(({ minor }) => flags.only === undefined || minor === flags.only);
if (chosen.length === 0) {
  process.stderr.write(`no kubectl "${flags.only}": one of ${releases.map(({ minor }) => minor).join(', ')}\n`);
  process.exit(2);
}
if ((await buildBundle()) !== 0) process.exit(1);
const rows: Row[] = [];
for (const release of chosen) rows.push(await tryRelease(release));
say(`\n${table(rows)}`);
if (rows.some(({ failures }) => failures.some((failure) => failure !== undefined))) process.exitCode = 1;
