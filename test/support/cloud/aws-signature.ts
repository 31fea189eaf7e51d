// How AWS judges the signature of a request (version 4), computed from what arrived on the wire. Not by the code under test,
// so that no fault of that can agree with itself.
import { createHash, createHmac } from 'node:crypto';
import type { CloudRequest } from './http-double.ts';

export interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly arn: string;
  /** Epoch ms; absent for keys without an end. */
  readonly expiresAtMs?: number;
}

/** How far the time of a signature may be off. */
const signatureLifeMs = 15 * 60_000;
/** Headers that AWS wants to see signed where they are sent. */
const demanded = ['host', 'x-amz-date', 'x-amz-security-token'];

interface SigningRules {
  /** By access key id. */
  readonly keys: ReadonlyMap<string, AwsKey>;
  readonly nowMs: number;
  readonly service: string;
}

/**
 * Why AWS would refuse the signature; undefined when it is good. Computed from what arrived on the wire.
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signatureFault(
  asked: CloudRequest,
  { keys, nowMs, service: expected }: SigningRules,
): string | undefined {
  const parsed = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    asked.headers['authorization'] ?? '',
  );
  if (parsed === null) return 'IncompleteSignature';
  const [, credential = '', signedNames = '', signature] = parsed;
  const [id = '', day = '', region = '', service = '', end = ''] = credential.split('/');
  const key = keys.get(id);
  if (key === undefined || asked.headers['x-amz-security-token'] !== key.sessionToken) return 'InvalidClientTokenId';
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) return 'ExpiredToken';
  const names = signedNames.split(';');
  if (demanded.some((name) => asked.headers[name] !== undefined && !names.includes(name)))
    return 'SignatureDoesNotMatch';
  if (names.join() !== [...names].sort().join()) return 'SignatureDoesNotMatch';
  const date = asked.headers['x-amz-date'] ?? '';
  const atMs = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (!(Math.abs(nowMs - atMs) < signatureLifeMs)) return 'SignatureDoesNotMatch';
  if (service !== expected || end !== 'aws4_request' || !date.startsWith(day)) return 'SignatureDoesNotMatch';
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  if (asked.headers['host'] !== `${service}.${region}.${domain}`) return 'SignatureDoesNotMatch';
  let canonical = `${asked.method}\n${asked.path}\n${asked.query.toString()}\n`;
  for (const name of names) canonical += `${name}:${asked.headers[name] ?? ''}\n`;
  canonical += `\n${signedNames}\n${digest(asked.body)}`;
  const text = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/${end}\n${digest(canonical)}`;
  const mac = (secret: string | Buffer, part: string) => createHmac('sha256', secret).update(part).digest();
  const derived = mac(mac(mac(mac(`AWS4${key.secretAccessKey}`, day), region), service), end);
  return mac(derived, text).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch';
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function accessKeyOf({ headers }: CloudRequest): string {
  return /Credential=([^/]+)\//.exec(headers['authorization'] ?? '')?.[1] ?? '';
}
