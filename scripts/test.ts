// `npm test`: builds the bundle and runs every test; arguments go to vitest. The first run also builds the control plane
// for tests, which takes minutes and says so; later runs find it in a cache.
import { spawnSync } from 'node:child_process';

const build = spawnSync('rolldown', ['-c', 'rolldown.config.mjs', '--log-level', 'warn'], { stdio: 'inherit' });
if (build.status !== 0) process.exit(build.status ?? 1);
const tests = spawnSync('vitest', ['run', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(tests.status ?? 1);
