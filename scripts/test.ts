// `npm test`: builds the bundle and runs every test; arguments go to vitest. The first run also builds the control plane
// for tests, which takes minutes and says so; later runs find it in a cache.
import { controlPlaneCommands } from '../test/control-plane/commands.ts';
import { progressTo } from '../test/support/progress.ts';
import { checkArguments } from './arguments.ts';
import { buildBundle, run } from './child.ts';

const usage = `usage: npm test -- [vitest's arguments]   builds the bundle, then runs all tests

  some 12 minutes on two cores: 3 for those that need nothing but Node, 9 against a kube-apiserver
  npm run test:unit   only the former
  npm test -- test/e2e/lifecycle.test.ts -t deletes   only those of a file and a name`;

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) checkArguments({ usage });

/** Before anything else, so that what is missing is the first and only thing said. */
const given = process.env['ESCAPEMENT_TEST_KUBECONFIG'];
if (!given) {
  try {
    await controlPlaneCommands(progressTo(process.stderr, 'control plane: '));
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : 'no control plane for tests'}\n`);
    process.stderr.write('tests that need no control plane: npm run test:unit\n');
    process.exit(1);
  }
}
const built = await buildBundle();
process.exit(built === 0 ? await run('vitest', ['run', ...args]) : built);
