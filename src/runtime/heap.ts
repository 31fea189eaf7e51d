// Keeps the heap from growing by what the machine has instead of by what the process needs. V8 doubles the space of new
// objects up to 16 MB whenever many survive, three times over in resident memory, and never gives it back; it lets old
// objects grow to several times what it last found alive. A burst of work is over long before either pays off.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Size at which the space of new objects stops growing: 2 MB cost a tenth more CPU in a first sync, 8 MB saved nothing. */
const newSpaceMaxBytes = 4 * 2 ** 20;
/** How far old objects may grow beyond those that the last full collection found alive, in percent. */
const growthPercent = 30;

/**
 * To be called once, at the start. `--max-semi-space-size` would say the same, but only on the command line; these flags
 * are among those that V8 reads whenever it decides, so they work in a running process.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  let isBound = false;
  const observer = new PerformanceObserver(() => {
    const mustBind = newSpaceBytes() >= newSpaceMaxBytes;
    if (mustBind === isBound) return;
    isBound = mustBind;
    setFlagsFromString(`--semi-space-growth-factor=${mustBind ? 1 : 2}`);
  });
  observer.observe({ entryTypes: ['gc'] });
}

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
