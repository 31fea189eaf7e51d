// An upstream of an attacker: says yes to logins unless told otherwise, and answers each path of its own as it is told. What a
// store names is `<url>/<name>`, so that one server plays as many hosts as wanted.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Listener } from './infisical-double/listener.ts';

export interface RogueAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface RogueBehaviour {
  /** Absent grants the login. */
  readonly login?: (body: string) => RogueAnswer;
  /** The answer to a list of secrets. */
  readonly list: RogueAnswer;
}

export interface RogueUpstream {
  readonly url: string;
  /** Names of the behaviours that were asked, logins included, in order. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

const granted: RogueAnswer = { body: JSON.stringify({ accessToken: 'a-token-of-nobody', expiresIn: 3_600 }) };

/** `behaviours` are found by the first part of the path. */
export async function startRogueUpstream(behaviours: Readonly<Record<string, RogueBehaviour>>): Promise<RogueUpstream> {
  const asked: string[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const [, name = ''] = (request.url ?? '').split('/');
    asked.push(name);
    const behaviour = behaviours[name];
    if (behaviour === undefined) return send(response, { status: 404, body: '' });
    if (request.method === 'GET') return send(response, behaviour.list);
    const body = await text(request);
    send(response, behaviour.login?.(body) ?? granted);
  };
  const listener = new Listener({ host: '127.0.0.1', port: 0, serve: orDrop(serve) });
  await listener.up();
  return { url: listener.url, asked, stop: () => listener.down() };
}

/** A connection that broke in the middle of a request is gone: nobody waits for an answer. */
function orDrop(serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>): RequestListener {
  return (request, response) => void serve(request, response).catch(() => response.destroy());
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: RogueAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}
