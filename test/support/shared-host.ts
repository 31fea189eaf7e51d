// A host that several tenants share: below `/html` it answers web pages, below `/hang` it takes requests and never answers, and
// everything else goes to the upstream behind it. The whole host can go away and come back.
import { type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { Listener } from './infisical-double/listener.ts';

export interface SharedHost {
  readonly port: number;
  down(): Promise<void>;
  up(): Promise<void>;
}

export async function startSharedHost(upstream: string): Promise<SharedHost> {
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const { url = '/', method, headers } = request;
    if (url.startsWith('/hang')) return;
    if (url.startsWith('/html')) {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Welcome</body></html>');
      return;
    }
    const passed = send(`${upstream}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  };
  const listener = new Listener({ host: '127.0.0.1', port: 0, serve });
  await listener.up();
  return { port: Number(new URL(listener.url).port), down: () => listener.down(), up: () => listener.up() };
}
