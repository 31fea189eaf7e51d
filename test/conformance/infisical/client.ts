// Sends a request exactly as it was recorded: no URL is normalised, no header is added but the length of the body.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';

export interface LiveRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface LiveAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

const timeoutMs = 30_000;

export function send(baseUrl: string, { method, path, headers, body }: LiveRequest): Promise<LiveAnswer> {
  const base = new URL(baseUrl);
  const isTls = base.protocol === 'https:';
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const options = {
      host: base.hostname,
      port: base.port || (isTls ? 443 : 80),
      method,
      path: `${base.pathname.replace(/\/$/, '')}${path}`,
      headers: { ...headers, ...length },
      timeout: timeoutMs,
      ...(isIP(base.hostname) === 0 && { servername: base.hostname }),
    };
    const sent = (isTls ? httpsRequest : httpRequest)(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: single(response.headers), body: text });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

function single(headers: IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]));
}
