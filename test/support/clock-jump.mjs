// Loaded into the operator by NODE_OPTIONS: on SIGUSR2 the wall clock jumps two minutes ahead, as a machine's does
// that was suspended or whose time was corrected. Timers go on as they were.
const jumpMs = 2 * 60_000;
const real = Date.now;
let offsetMs = 0;
Date.now = () => real() + offsetMs;
process.on('SIGUSR2', () => {
  offsetMs += jumpMs;
});
