// Cloud sources on real sockets: the doors as the operator opens them, an environment of the test's own, and files that
// are there only for the test. For the tests beside this file.
import { afterEach, expect } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import { readCloudVariables } from '../../config-cloud.ts';
import { openCloudDoors } from './doors.ts';
import { type CloudSources, createCloudSources } from './sources.ts';

export const signal = new AbortController().signal;

const open: { stop(): unknown }[] = [];

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.stop();
});

/** Ended after the test. */
export function ending<T extends { stop(): unknown }>(thing: T): T {
  open.push(thing);
  return thing;
}

export interface Operator {
  readonly environment?: Readonly<Record<string, string>>;
  /** By path; absent ones do not exist, null ones may not be read. A test may change them. */
  readonly files?: Readonly<Record<string, string | null>>;
  readonly clock?: { nowMs(): number };
}

/** The sources of an operator with this environment and these files. */
export function cloudSources({ environment = {}, files = {}, clock = systemClock }: Operator): CloudSources {
  const variables = readCloudVariables(environment);
  const doors = openCloudDoors({
    environment: variables,
    proxy: () => undefined,
    userAgent: 'escapement/test',
    clock: systemClock,
  });
  open.push({ stop: () => doors.close() });
  return createCloudSources({
    environment: variables,
    metadata: doors.metadata,
    upstream: doors.upstream,
    clock,
    async readFile(path) {
      const text = files[path];
      if (typeof text === 'string') return Buffer.from(text);
      throw Object.assign(new Error('cannot'), { code: text === null ? 'EACCES' : 'ENOENT' });
    },
  });
}

/** The error of a promise that must fail, after a look that nothing of `secrets` is in it. */
export async function failureOf(failing: Promise<unknown>, secrets: readonly string[] = []): Promise<OperatorError> {
  const thrown = await failing.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof OperatorError)) throw new Error(`expected an OperatorError, got ${String(thrown)}`);
  for (const secret of secrets) expect(everythingIn(thrown)).not.toContain(secret);
  return thrown;
}

export async function expectReason(failing: Promise<unknown>, reason: Reason, secrets: readonly string[] = []) {
  const error = await failureOf(failing, secrets);
  expect({ reason: error.reason, message: error.message }).toMatchObject({ reason });
  return error;
}

/** Message, stack and causes: what a log could show. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message}\n${error.stack}\n${JSON.stringify(error)}\n${everythingIn(error.cause)}`;
}
