// The bench's own way to the API server: node:https over kept connections and nothing else, so that the raw rate is that
// of a bare loop, and so that what is measured does not measure itself.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { ClusterAccess } from '../../src/kube/access.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

export interface Api {
  /** The parsed answer. Throws on any status but 2xx; a 404 of a DELETE is as good. */
  call(call: Call): Promise<unknown>;
  text(path: string): Promise<string>;
  /**
   * Hands out the lines of a watch until the function that it gives is called. Throws nothing: a watch that ends is told, and
   * whether it was served until then.
   */
  lines(path: string, take: (line: string) => void, ended: (why: string, wasServed: boolean) => void): () => void;
  close(): void;
}

/** `sockets` bounds the connections of calls; each `lines` has one of its own. */
export function createApi(access: ClusterAccess, sockets: number): Api {
  const calls = createAgent(access, sockets);
  const streams = createAgent(access, Number.POSITIVE_INFINITY);
  const request = access.server.protocol === 'https:' ? httpsRequest : httpRequest;

  function send({ method, path, body }: Call, agent: typeof calls): Promise<IncomingMessage> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return Promise.resolve(access.credentials.authorization()).then(
      (authorization) =>
        new Promise((resolve, reject) => {
          const headers = {
            host: access.server.host,
            accept: 'application/json',
            ...(authorization === undefined ? {} : { authorization }),
            ...(content === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(content) }),
          };
          const outgoing = request({ method, path: access.server.pathname.replace(/\/$/, '') + path, headers, agent });
          outgoing.on('error', reject).on('response', resolve);
          outgoing.end(content);
        }),
    );
  }

  const whole = async (call: Call): Promise<string> => {
    const answer = await send(call, calls);
    const content = await text(answer);
    const status = answer.statusCode ?? 0;
    if ((status >= 200 && status < 300) || (status === 404 && call.method === 'DELETE')) return content;
    throw new Error(`${call.method} ${call.path}: ${status} ${content.slice(0, 300)}`);
  };

  return {
    call: async (call) => JSON.parse(await whole(call)) as unknown,
    text: (path) => whole({ method: 'GET', path }),
    lines(path, take, ended) {
      let stop = () => {};
      let isStopped = false;
      const finish = (why: string, wasServed = false) => {
        if (!isStopped) ended(why, wasServed);
      };
      send({ method: 'GET', path }, streams).then(
        (answer) => {
          if (isStopped) return answer.destroy();
          stop = () => answer.destroy();
          createInterface({ input: answer }).on('line', take);
          const { statusCode } = answer;
          answer.on('close', () => finish(`${path}: the watch ended with ${statusCode}`, statusCode === 200));
          return undefined;
        },
        (thrown: unknown) => finish(thrown instanceof Error ? thrown.message : path),
      );
      return () => {
        isStopped = true;
        stop();
      };
    },
    close() {
      calls.destroy();
      streams.destroy();
    },
  };
}

/** Runs `work` for 0 … count-1, so many at a time. */
export async function inParallel(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
}

/** All connections are alike: node's own name of a pool, built from the certificates for each request, is not needed. */
class OnePool extends Agent {
  override getName(): string {
    return 'api';
  }
}

function createAgent(access: ClusterAccess, maxSockets: number): Agent {
  const { caPem: ca, certPem: cert, keyPem: key } = access.tls();
  return new OnePool({
    host: access.server.hostname,
    port: Number(access.server.port || 443),
    keepAlive: true,
    maxSockets,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}
