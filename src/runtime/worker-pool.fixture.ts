// A thread that does as it is told, well or badly.
import { parentPort } from 'node:worker_threads';

const kept: unknown[] = [];

parentPort?.on('message', (order: { readonly act: string; readonly value?: unknown }) => {
  if (order.act === 'echo') parentPort?.postMessage(order.value);
  if (order.act === 'throw') throw new Error('as told');
  if (order.act === 'hang') for (;;);
  if (order.act === 'eat') for (;;) kept.push(Array.from({ length: 1_000 }, (_, at) => ({ at })));
});
