// What the kernel writes out of an operator that dies of a signal: nothing that was in its memory.
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { credentials, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { until } from '../support/wait.ts';

/** A file in the working directory; anything else would be a program of the machine's. */
const isPlainPattern =
  process.platform === 'linux' && /^[\w.%-]+$/.test(readOr('/proc/sys/kernel/core_pattern').trim());
/** As the kernel sets it for every process, unless it was started otherwise. */
const usualFilter = '0x33';

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** An operator that has just read the value, and may dump into the folder as much as it likes. */
async function serve(scene: Scene, folder: string, value: string) {
  const launcher = ['sh', '-c', 'ulimit -c unlimited && cd "$0" && exec "$@"', folder];
  const operator = await scene.startOperator([], { launcher });
  await until('the Secret is made', async () => (await scene.secretData('web'))?.['value'] === value);
  return operator;
}

/** Whether the one file in the folder holds the text; undefined where no file is. */
async function holds(folder: string, text: string): Promise<boolean | undefined> {
  const [name] = readdirSync(folder);
  if (name === undefined) return undefined;
  let tail = '';
  for await (const piece of createReadStream(join(folder, name), { encoding: 'latin1', highWaterMark: 2 ** 20 })) {
    if (`${tail}${piece}`.includes(text)) return true;
    tail = String(piece).slice(-text.length);
  }
  return false;
}

it.runIf(isPlainPattern)('a core dump of the operator holds no value, as it would without its filter', async () => {
  const scene = await createScene('core-dumps', { operator: false });
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'escapement-core-')));
  onTestFinished(async () => {
    await scene.end();
    for (const folder of folders) rmSync(folder, { recursive: true });
  });
  const [filtered = '', whole = ''] = folders;
  const reader = plantSample(scene);
  const value = scene.value('dumped');
  scene.double.secrets.set({ environment: 'dev', path: '/', key: 'API_KEY', value });
  await scene.put(
    credentials('credentials', reader),
    store({ name: 'store', hostAPI: scene.double.url }),
    externalSecret({ name: 'web' }),
  );

  const first = await serve(scene, filtered, value);
  expect(readFileSync(`/proc/${first.pid}/coredump_filter`, 'utf8').trim()).toBe('00000000');
  await first.stop('SIGABRT');
  expect(await holds(filtered, value)).toBe(false);

  await scene.edit('Secret', 'web', { data: { value: null } });
  const second = await serve(scene, whole, value);
  writeFileSync(`/proc/${second.pid}/coredump_filter`, usualFilter);
  await second.stop('SIGABRT');
  expect(await holds(whole, value)).toBe(true);
  await scene.startOperator();
});
