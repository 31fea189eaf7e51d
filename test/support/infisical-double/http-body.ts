// Request bodies: read within the server's limit, and parsed by content type as it does.
import type { IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';
import { broken } from './api-error.ts';

/** The server's limit; a longer body is answered 500. */
const maxBodyBytes = 1_048_576;

/** The whole body; undefined when it is longer than the limit (the rest is read and dropped). */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return bytes > maxBodyBytes ? undefined : Buffer.concat(chunks);
}

/** Null without a body; throws 500 for what cannot be parsed. */
export function parseBody(body: Buffer | undefined, contentType: string | undefined): unknown {
  if (!body) throw broken();
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === undefined && body.length === 0) return null;
  if (type === 'application/json') return parseJson(body.toString());
  if (type === 'application/x-www-form-urlencoded') return { ...parse(body.toString()) };
  if (type === 'text/plain') return body.toString();
  throw broken();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw broken();
  }
}
