// A small HTTP server for doubles of cloud services: keeps what it was asked, answers what its handler says, and can be
// told to go away, to answer otherwise, or not to answer at all.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface CloudRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface CloudAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | object;
}

export type CloudHandler = (request: CloudRequest) => CloudAnswer | Promise<CloudAnswer>;

export interface HttpDouble {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  readonly requests: readonly CloudRequest[];
  /** Answers this, or nothing at all, in place of the handler, to requests whose path ends so, until told `undefined`. */
  answerWith(answer: CloudAnswer | 'nothing' | undefined, pathEnd?: string): void;
  /** Stops listening and cuts every connection. */
  stop(): Promise<void>;
}

export async function startHttpDouble(handle: CloudHandler): Promise<HttpDouble> {
  const requests: CloudRequest[] = [];
  let instead: { readonly answer: CloudAnswer | 'nothing'; readonly pathEnd: string } | undefined;
  const server = createServer((incoming, outgoing) => {
    const answer = async () => {
      const request = await readRequest(incoming);
      requests.push(request);
      if (instead === undefined || !request.path.endsWith(instead.pathEnd)) return await handle(request);
      return instead.answer === 'nothing' ? await new Promise<never>(() => {}) : instead.answer;
    };
    answer().then(
      ({ status, headers = {}, body = '' }) => {
        const isText = typeof body === 'string';
        outgoing.writeHead(status, { ...(isText ? {} : { 'content-type': 'application/json' }), ...headers });
        outgoing.end(isText ? body : JSON.stringify(body));
      },
      (fault: Error) => outgoing.writeHead(500).end(`cloud double: ${fault.message}`),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a listening TCP server has a port
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answerWith: (answer, pathEnd = '') => {
      instead = answer === undefined ? undefined : { answer, pathEnd };
    },
    stop: () => closed(server),
  };
}

async function readRequest(incoming: IncomingMessage): Promise<CloudRequest> {
  const url = new URL(incoming.url ?? '/', 'http://double');
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(headers),
    body: await text(incoming),
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
