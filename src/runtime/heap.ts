// Keeps the heap from growing by what the machine has instead of by what the process needs. V8 doubles the space of new
// objects up to 16 MB whenever many survive, three times over in resident memory, and never gives it back; it lets old
// objects grow to several times what it last found alive. A burst of work is over long before either pays off.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, type HeapSpaceInfo, setFlagsFromString } from 'node:v8';

/** Size at which the space of new objects stops growing: 2 MB cost a tenth more CPU in a first sync, 8 MB saved nothing. */
const newSpaceMaxBytes = 4 * 2 ** 20;
/** How much the new space grows at a time until then: in one step, as small sizes cost a start many collections. */
const newSpaceGrowth = 4;
/** Old objects below this may grow as V8 likes: collecting them more often would save little and slow the start. */
const freeGrowthBytes = 40 * 2 ** 20;
/** How far old objects may grow beyond those that the last full collection found alive, in percent. */
const growthPercent = 30;

/**
 * To be called once, at the start. `--max-semi-space-size` would say the same, but only on the command line; these flags
 * are among those that V8 reads whenever it decides, so they work in a running process.
 */
export function keepHeapSmall(): void {
  const newSpaceFactor = flag('semi-space-growth-factor', 2);
  newSpaceFactor(newSpaceGrowth);
  const oldSpacePercent = flag('heap-growing-percent', 0);
  const observer = new PerformanceObserver(() => {
    const spaces = getHeapSpaceStatistics();
    newSpaceFactor(sizeOf(spaces, 'new_space') >= newSpaceMaxBytes ? 1 : newSpaceGrowth);
    oldSpacePercent(sizeOf(spaces, 'old_space') >= freeGrowthBytes ? growthPercent : 0);
  });
  observer.observe({ entryTypes: ['gc'] });
}

function sizeOf(spaces: readonly HeapSpaceInfo[], name: string): number {
  return spaces.find(({ space_name }) => space_name === name)?.space_size ?? 0;
}

/** Sets a flag of V8 when its value changes. */
function flag(name: string, initial: number): (value: number) => void {
  let current = initial;
  return (value) => {
    if (value === current) return;
    current = value;
    setFlagsFromString(`--${name}=${value}`);
  };
}
