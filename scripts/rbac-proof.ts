// Proves that the chart's roles hold nothing too much: takes each verb away in turn and runs the test that
// scripts/chart/rbac.ts names for it, which must fail. Takes some minutes, so it is no part of the checks.
//   node scripts/rbac-proof.ts [verb …]     all verbs, or those given as `secrets:create`
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from '../test/support/control-plane.ts';
import { checkArguments } from './arguments.ts';
import { type VerbRow, verbs } from './chart/rbac.ts';
import { run } from './child.ts';

checkArguments({
  usage: 'usage: npm run rbac-proof -- [resource:verb …]   takes each right away in turn; its test must fail',
  takesWords: true,
});

const root = join(import.meta.dirname, '..');
const workspace = mkdtempSync(join(tmpdir(), 'rbac-proof-'));
const asked = process.argv.slice(2);
const nameOf = ({ resource, verb }: VerbRow): string => `${resource}:${verb}`;
const rows = asked.length === 0 ? verbs : verbs.filter((row) => asked.includes(nameOf(row)));

interface Ending {
  readonly passed: boolean;
  /** Tests that ran; none means that the name fits no test. */
  readonly ran: number;
}

async function ending({ file, name }: VerbRow['test'], kubeconfig: string, without?: string): Promise<Ending> {
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const report = join(workspace, 'report.json');
  rmSync(report, { force: true });
  const status = await run(
    'vitest',
    [
      'run',
      '--project=cluster',
      join('test', 'e2e', file),
      '-t',
      `${pattern}$`,
      '--reporter=json',
      `--outputFile=${report}`,
    ],
    {
      cwd: root,
      isQuiet: true,
      env: {
        ...process.env,
        ESCAPEMENT_TEST_KUBECONFIG: kubeconfig,
        ...(without === undefined ? {} : { ESCAPEMENT_TEST_WITHOUT_VERB: without }),
      },
    },
  );
  const { numPassedTests = 0, numFailedTests = 0 } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>; // vitest's JSON reporter
  return { passed: status === 0, ran: numPassedTests + numFailedTests };
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
let wrong = 0;
const controlPlane = await startControlPlane({ audit: true });
try {
  const tests = new Map(rows.map(({ test }) => [JSON.stringify(test), test]));
  for (const test of tests.values()) {
    const { passed, ran } = await ending(test, controlPlane.kubeconfigPath);
    if (passed && ran === 1) continue;
    wrong++;
    say(`${test.file}: "${test.name}" ${ran === 1 ? 'fails with all verbs' : `names ${ran} tests`}`);
  }
  for (const row of wrong === 0 ? rows : []) {
    const { passed } = await ending(row.test, controlPlane.kubeconfigPath, nameOf(row));
    if (passed) wrong++;
    say(`${nameOf(row)}: ${passed ? 'NOT NEEDED by' : 'needed by'} "${row.test.name}"`);
  }
} finally {
  await controlPlane.stop();
  rmSync(workspace, { recursive: true, force: true });
}
say(wrong === 0 ? `${rows.length} verbs, each needed` : `${wrong} of ${rows.length} wrong`);
process.exitCode = wrong === 0 ? 0 : 1;
