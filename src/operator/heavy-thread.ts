// What a thread for heavy work does: it answers orders, one message each, until it is ended from outside.
import { parentPort } from 'node:worker_threads';
import { answerOrder, type JobOrder } from '../core/thread-jobs.ts';

/** Serves the thread that started this one. */
export function serveHeavyWork(): void {
  parentPort?.on(
    'message',
    (order: JobOrder) => void answerOrder(order).then((answer) => parentPort?.postMessage(answer)),
  );
}
