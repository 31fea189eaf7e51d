// The HTTP signature of Oracle Cloud for a GET request: the date, the request target and the host, signed with an API
// key. The date goes as `x-date`, which Oracle takes in place of `date` and which Infisical sends on; it drops a `date`.
// https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
import { type KeyObject, sign } from 'node:crypto';

export interface OciKey {
  /** OCIDs and fingerprint, already checked: they stand between quotes in a header. */
  readonly tenancyId: string;
  readonly userId: string;
  readonly fingerprint: string;
  readonly privateKey: KeyObject;
}

/** The headers of a signed GET, with names in lower case. `path` is absolute and already encoded. */
export function signOciGet(
  request: { readonly host: string; readonly path: string },
  key: OciKey,
  nowMs: number,
): Readonly<Record<'authorization' | 'x-date' | 'host', string>> {
  const date = new Date(nowMs).toUTCString();
  const text = [`x-date: ${date}`, `(request-target): get ${request.path}`, `host: ${request.host}`].join('\n');
  const signature = sign('sha256', Buffer.from(text), key.privateKey).toString('base64');
  const parameters = {
    version: '1',
    headers: 'x-date (request-target) host',
    keyId: `${key.tenancyId}/${key.userId}/${key.fingerprint}`,
    algorithm: 'rsa-sha256',
    signature,
  };
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return { authorization: `Signature ${list.join(',')}`, 'x-date': date, host: request.host };
}
