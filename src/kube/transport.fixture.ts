// A transport to a server that sends what it is told, and what became of its calls, for this room's tests.
import { onTestFinished } from 'vitest';
import { type RawCall, type RawOptions, type RawServer, rawServer } from '../../test/support/raw-server.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import { createTransport, type Transport } from './transport.ts';

export interface RawBench {
  readonly server: RawServer;
  readonly transport: Transport;
}

/** Both end with the test. */
export async function rawBench(
  script: (call: RawCall) => unknown,
  { clock = systemClock, maxSockets = 64, ...options }: RawOptions & { clock?: Clock; maxSockets?: number },
): Promise<RawBench> {
  const server = await rawServer(script, options);
  const transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test', maxSockets });
  onTestFinished(async () => {
    transport.close();
    await server.close();
  });
  return { server, transport };
}

/** The reason of a rejection. */
export async function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no failure', reasonIn);
}

/** The reason of what was thrown, or whatever else it is as text. */
export function reasonIn(thrown: unknown): string {
  return thrown instanceof OperatorError ? thrown.reason : String(thrown);
}
