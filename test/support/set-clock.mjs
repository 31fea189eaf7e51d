// Loaded into the operator by NODE_OPTIONS: the wall clock stands off by as many ms as the file says that
// ESCAPEMENT_TEST_CLOCK names, at the start and again after each SIGUSR2, as a machine's does whose time is corrected.
// Timers and what is measured by them go on as they were. What was taken over is written beside the file.
import { readFileSync, writeFileSync } from 'node:fs';

const path = process.env.ESCAPEMENT_TEST_CLOCK;
const RealDate = globalThis.Date;
let offsetMs = 0;
const now = () => RealDate.now() + offsetMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});

const take = () => {
  offsetMs = Number(readFileSync(path, 'utf8'));
  writeFileSync(`${path}.taken`, String(offsetMs));
};
take();
process.on('SIGUSR2', take);
