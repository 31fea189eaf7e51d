// `npm run check`: the one gate before a commit. Runs each step, prints a line per step, ends at the first that fails.
//   --fast leaves out the tests that need a control plane.
import { checkArguments } from './arguments.ts';
import { run } from './child.ts';

checkArguments({
  usage: 'usage: npm run check -- [--fast]   generated files, types, lint, dead code, tests; --fast: no control plane',
  flags: ['--fast'],
});

const isFast = process.argv.includes('--fast');

const steps: readonly (readonly [title: string, command: string, ...args: string[]])[] = [
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
  ['types', 'tsc', '--noEmit'],
  ['format and lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['type-aware lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['dead code', 'knip'],
  ['bundle', 'rolldown', '-c', 'rolldown.config.mjs', '--log-level', 'warn'],
  isFast ? ['unit tests', 'vitest', 'run', '--project', 'unit'] : ['tests', 'vitest', 'run'],
];

for (const [title, command, ...args] of steps) {
  const startedMs = Date.now();
  process.stdout.write(`── ${title}\n`);
  const status = await run(command, args);
  if (status !== 0) {
    process.stderr.write(`${title}: failed (${command} ${args.join(' ')})\n`);
    process.exit(1);
  }
  process.stdout.write(`   ${((Date.now() - startedMs) / 1000).toFixed(1)} s\n`);
}
