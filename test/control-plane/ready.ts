// Waiting for a control plane on this host: finding ports it may have, and asking it until it answers.
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from './flags.ts';
import type { RunningProcess } from './processes.ts';

const readyWithinMs = 60_000;
/** A connection that is accepted early in the server's start may never be answered, so each attempt has its own end. */
const attemptTimeoutMs = 1_000;
const attemptEveryMs = 50;
/** Below the range from which kernels pick ports for outgoing connections: a stopped API server finds its own free. */
const lowestPort = 20_000;
const highestPort = 32_000;

/** Ports of 127.0.0.1 that were free a moment ago. Both are held until both are found, so they differ. */
export async function freePorts(): Promise<Ports> {
  const etcd = await holdFreePort();
  const apiServer = await holdFreePort();
  await Promise.all([etcd.release(), apiServer.release()]);
  return { etcd: etcd.port, apiServer: apiServer.port };
}

async function holdFreePort(): Promise<{ port: number; release: () => Promise<void> }> {
  for (;;) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort));
    const holder = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      holder.once('error', () => resolve(false));
      holder.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(true));
    });
    if (isFree) return { port, release: () => new Promise((resolve) => holder.close(() => resolve())) };
  }
}

export interface Question {
  /** `https://host:port/path`; asked until it answers 200. */
  readonly url: string;
  readonly token: string;
  /** Appears when the server has made its certificate. */
  readonly caPath: string;
  /** The end of any of these ends the waiting. */
  readonly needs: readonly RunningProcess[];
}

/** Throws an Error with the last log lines of a program that ended, or of all when time is up. */
export async function untilAnswered(question: Question): Promise<void> {
  const deadlineMs = performance.now() + readyWithinMs;
  for (;;) {
    const answer = await ask(question);
    if (answer === 200) return;
    const ended = question.needs.find((needed) => needed.ending() !== undefined);
    if (ended !== undefined) throw await failure(`${ended.name} ${ended.ending()} while it was starting`, [ended]);
    if (performance.now() > deadlineMs) {
      throw await failure(`${question.url} gave ${answer}, not 200, for ${readyWithinMs / 1000} s`, question.needs);
    }
    await sleep(attemptEveryMs);
  }
}

/** The status code, or what went wrong. */
async function ask({ url, token, caPath }: Question): Promise<number | string> {
  if (!existsSync(caPath)) return 'no certificate';
  const options = {
    ca: readFileSync(caPath),
    agent: false as const,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(attemptTimeoutMs),
  };
  return new Promise((resolve) => {
    const call = request(url, options, (response) => {
      response.once('error', (error) => resolve(error.message));
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    call.once('error', (error) => resolve(error.message));
    call.end();
  });
}

async function failure(what: string, processes: readonly RunningProcess[]): Promise<Error> {
  const logs = await Promise.all(processes.map(async (from) => `--- ${from.name}\n${await from.logTail()}`));
  return new Error(`test control plane: ${what}\n${logs.join('\n')}`);
}
