// A process that does nothing but follow Secrets by name, as the operator follows what stores refer to: what 2,000 names cost
// can be measured in it. Prints a line of JSON when all are read, and one for each change that it hears of.
//   node --expose-gc bench/support/follow-names.ts KUBECONFIG PREFIX NAMESPACES NAMES
import { systemClock } from '../../src/base/clock.ts';
import { asOperatorError } from '../../src/base/operator-error.ts';
import { secretResource } from '../../src/credentials/store-credentials.ts';
import { ObjectWatcher } from '../../src/kube/by-name.ts';
import { loadClusterAccess } from '../../src/kube/config.ts';
import { createTransport } from '../../src/kube/transport.ts';

const [kubeconfigPath = '', prefix = '', namespaces = '0', names = '0'] = process.argv.slice(2);
const say = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const quiet = () => {};

const access = await loadClusterAccess({ kubeconfigPath, kubeconfigVariable: undefined, home: undefined }, systemClock);
const transport = createTransport({ access, clock: systemClock, userAgent: 'escapement/names' });
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const watcher = new ObjectWatcher({ transport, clock: systemClock, log });

const mebibytes = () => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss: Math.round(rss / 2 ** 20), heap: Math.round(heapUsed / 2 ** 20) };
};

const never = new AbortController().signal;
await watcher.read(secretResource, { namespace: 'default', name: 'nobody' }, never); // TLS and the pool are there
const before = mebibytes();
let connections = 0;
const count = () => {
  const { calls, watches } = transport.socketCount();
  connections = Math.max(connections, calls + watches);
};
const counting = setInterval(count, 2);
const startedMs = performance.now();
const wanted = Array.from({ length: Number(namespaces) }, (_, n) =>
  Array.from({ length: Number(names) }, (__, i) => ({ namespace: `${prefix}-${n}`, name: `credential-${i}` })),
).flat();
for (const name of wanted) watcher.hold(secretResource, name, `${name.namespace}/${name.name}`);
/** Whoever gets no answer in time asks again, as a reconcile does. */
async function readOf(name: (typeof wanted)[number]): Promise<unknown> {
  for (;;) {
    try {
      return await watcher.read(secretResource, name, never);
    } catch (thrown) {
      if (asOperatorError(thrown).reason !== 'ApiUnavailable') throw thrown;
    }
  }
}
const found = await Promise.all(wanted.map(readOf));
const tookMs = Math.round(performance.now() - startedMs);
clearInterval(counting);
const after = mebibytes();
watcher.subscribe((_, name) => say({ heard: name }));
say({ found: found.filter((one) => one !== undefined).length, connections, tookMs, before, after });
process.stdin.resume().on('end', () => process.exit(0)); // until whoever started it ends it
