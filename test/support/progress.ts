// Shows how far something is: on a terminal one line that changes, elsewhere a line now and then.
import type { Progress } from '../control-plane/build.ts';

/** The part of a stream that is needed; process.stdout and process.stderr fit. */
interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const quietMs = 30_000;

/** `prefix` stands before each line. `nowMs` is monotonic. */
export function progressTo(screen: Screen, prefix: string, nowMs = () => performance.now()): Progress {
  let isOpen = false;
  let saidAtMs = Number.NEGATIVE_INFINITY;
  const clear = () => {
    if (isOpen) screen.write('\r\u001B[K');
    isOpen = false;
  };
  return (line, kind) => {
    const text = `${prefix}${line}`;
    if (kind !== 'passing') {
      clear();
      saidAtMs = nowMs();
      screen.write(`${text}\n`);
    } else if (screen.isTTY) {
      clear();
      isOpen = true;
      screen.write(text.slice(0, (screen.columns ?? 80) - 1));
    } else if (nowMs() - saidAtMs >= quietMs) {
      saidAtMs = nowMs();
      screen.write(`${text}\n`);
    }
  };
}
