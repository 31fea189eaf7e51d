// AWS Signature Version 4 over the headers of one request. Pure: time and credentials are arguments, nothing is sent.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac } from 'node:crypto';
import type { SecretValue } from '../../core/secret-value.ts';

/** A request as AWS will see it. The query, where there is one, is already in canonical form. */
export interface SignedRequest {
  readonly method: string;
  /** Absolute path, already encoded. */
  readonly path: string;
  readonly query?: string;
  /** The headers that are signed, `host` and `x-amz-date` among them; names in any case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretValue;
  readonly region: string;
  readonly service: string;
}

const algorithm = 'AWS4-HMAC-SHA256';

/** `20150830T123600Z`: the form of `x-amz-date`. */
export function amzDate(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** Value of the Authorization header; the time is taken from the `x-amz-date` among the headers. */
export function sigV4Authorization(request: SignedRequest, key: SigningKey): string {
  const headers = Object.entries(request.headers)
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, ' ')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const date = headers.find(([name]) => name === 'x-amz-date')?.[1] ?? '';
  const signedHeaders = headers.map(([name]) => name).join(';');
  const canonicalRequest = [
    request.method,
    request.path,
    request.query ?? '',
    ...headers.map(([name, value]) => `${name}:${value}`),
    '',
    signedHeaders,
    sha256(request.body),
  ].join('\n');
  const scope = [date.slice(0, 8), key.region, key.service, 'aws4_request'];
  const stringToSign = [algorithm, date, scope.join('/'), sha256(canonicalRequest)].join('\n');
  const derived = scope.reduce(hmac, Buffer.concat([Buffer.from('AWS4'), key.secretAccessKey.reveal()]));
  const signature = hmac(derived, stringToSign).toString('hex');
  const credential = `${key.accessKeyId}/${scope.join('/')}`;
  return `${algorithm} Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
