// How answers leave: the server's headers, its ETag, and what a fault puts in place of an answer or does to it.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../../../src/base/clock.ts';
import type { FaultEffect } from './faults.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const jsonType = 'application/json; charset=utf-8';
/** Of the one answer that the router gives before the server's own hooks run: it has no ETag either. */
const bareJsonType = 'application/json';
/** What the real server adds to every answer. */
const serverHeaders: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=15552000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
  vary: 'Origin',
  'access-control-allow-origin': 'https://infisical.example.test',
  'access-control-allow-credentials': 'true',
};

export function unrouted(failure: 'no route' | 'bad encoding', request: IncomingMessage): Reply {
  if (failure === 'no route') {
    const message = `Route ${request.method}:${request.url} not found`;
    return json(404, { message, error: 'Not Found', statusCode: 404 }, {});
  }
  const message = `'${request.url}' is not a valid url component`;
  const body = { error: 'Bad Request', code: 'FST_ERR_BAD_URL', message, statusCode: 400 };
  return { status: 400, headers: { 'content-type': bareJsonType }, body: JSON.stringify(body) };
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>>): Reply {
  return { status, headers: { ...headers, 'content-type': jsonType }, body: JSON.stringify(body) };
}

/** Sends a reply with its ETag, as 304 when the client has it (errors too), spoiled when a fault says so. */
export async function send(
  effect: FaultEffect | undefined,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  reply: Reply,
): Promise<void> {
  const etag = `"${createHash('sha1').update(reply.body).digest('base64')}"`;
  const hasEtag = reply.body !== '' && reply.headers['content-type'] !== bareJsonType;
  const headers = { ...serverHeaders, ...reply.headers, ...(hasEtag && { etag }) };
  if (request.headers['if-none-match'] === etag) {
    write(response, { status: 304, headers, body: '' });
  } else if (effect?.kind === 'truncated') {
    truncate(response, { ...reply, headers });
  } else if (effect?.kind === 'trickle') {
    await trickle(response, { ...reply, headers }, effect.intervalMs);
  } else {
    write(response, { ...reply, headers }, request.method === 'HEAD');
  }
}

function write(response: ServerResponse, { status, headers, body }: Reply, isHead = false): void {
  const bytes = Buffer.from(body);
  const length = status === 304 ? {} : { 'content-length': String(bytes.length) };
  response.writeHead(status, { ...headers, ...length });
  response.end(isHead ? undefined : bytes);
}

function truncate(response: ServerResponse, { status, headers, body }: Reply): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
}

async function trickle(response: ServerResponse, { status, headers, body }: Reply, intervalMs: number): Promise<void> {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
  for (let index = 0; index < bytes.length; index++) {
    response.write(bytes.subarray(index, index + 1));
    if (!(await pause(intervalMs, response))) return;
  }
  response.end();
}

/** Waits in real time; false when the connection ended meanwhile. */
function pause(delayMs: number, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const onClose = () => {
      timer.cancel();
      resolve(false);
    };
    const timer = systemClock.after(delayMs, () => {
      response.removeListener('close', onClose);
      resolve(!response.destroyed);
    });
    response.once('close', onClose);
  });
}

/** Effects that stand in place of an answer. False when the usual answer is wanted after all. */
export async function replaceAnswer(
  effect: FaultEffect,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  switch (effect.kind) {
    case 'hang':
      return true;
    case 'reset':
      request.socket.resetAndDestroy();
      return true;
    case 'status':
      write(response, statusReply(effect));
      return true;
    case 'html':
      write(response, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: webPage });
      return true;
    case 'empty-object':
      write(response, { status: 200, headers: { 'content-type': jsonType }, body: '{}' });
      return true;
    case 'redirect':
      write(response, { status: 302, headers: { location: effect.location }, body: '' });
      return true;
    case 'latency':
      return !(await pause(effect.delayMs, response));
    case 'truncated':
    case 'trickle':
      return false;
  }
}

const webPage = '<!doctype html><html><head><title>Infisical</title></head><body><div id="root"></div></body></html>';

function statusReply({ status, body, headers = {} }: FaultEffect & { readonly kind: 'status' }): Reply {
  if (body === null) return { status, headers, body: '' };
  if (typeof body === 'string') return { status, headers: { 'content-type': 'text/plain', ...headers }, body };
  const usual = { statusCode: status, message: 'Something went wrong', error: 'InternalServerError' };
  return { status, headers: { 'content-type': jsonType, ...headers }, body: JSON.stringify(body ?? usual) };
}

export function preflight({ headers }: IncomingMessage): Reply {
  if (headers.origin === undefined || headers['access-control-request-method'] === undefined) {
    return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'Invalid Preflight Request' };
  }
  const methods = { 'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE' };
  return { status: 204, headers: { vary: 'Origin, Access-Control-Request-Headers', ...methods }, body: '' };
}
