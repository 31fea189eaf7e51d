// `npm run neighbours`: the real External Secrets Operator (ESO) and Escapement in one test cluster, first side by side, then one
// after the other. Asserts, by the audit log and by resource versions, that neither changes what the other owns, and that no
// Secret is rewritten when one takes over from the other. Needs Go (builds ESO once, some minutes), takes two minutes then.
import { sideBySide } from '../test/neighbour/side-by-side.ts';
import { raiseStage } from '../test/neighbour/stage.ts';
import { takeover } from '../test/neighbour/takeover.ts';
import { checkArguments } from './arguments.ts';
import { buildBundle } from './child.ts';

checkArguments({ usage: 'usage: npm run neighbours   the real ESO and Escapement in one test cluster; needs Go' });

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function play(): Promise<void> {
  if ((await buildBundle()) !== 0) throw new Error('the build failed');
  const stage = await raiseStage(say);
  try {
    const eso = await stage.startEso();
    await sideBySide(stage);
    await takeover(stage, eso);
  } finally {
    await stage.end();
  }
}

try {
  await play();
  say('▸ All as it should be');
} catch (thrown) {
  process.stderr.write(`neighbours: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : 'failed'}\n`);
  process.exitCode = 1;
}
