// A double of Oracle Cloud's identity service: knows one user's API key, and checks the HTTP signature of a GET of the
// user's record, by the published scheme and with the public key alone. It is asked the way a real Infisical (June 2025)
// asks: with three headers of the login's body and no other.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Clock } from '../../../src/base/clock.ts';
import { type CloudRequest, type HttpDouble, startHttpDouble } from './http-double.ts';
import { signingKeys } from './signing-keys.ts';

export interface OciUser {
  readonly userId: string;
  readonly tenancyId: string;
  readonly fingerprint: string;
  readonly region: string;
  readonly name: string;
}

export interface OciDouble {
  readonly http: HttpDouble;
  readonly user: OciUser;
  /** The user's key in the clear, PKCS#8, and what other forms are made from. */
  readonly privatePem: string;
  readonly privateKey: KeyObject;
  /**
   * Sends a signed GET under its own headers, as Infisical does: `authorization`, `host` and `x-date` are sent on, all else
   * is dropped. Throws when one of them is missing (422 of Infisical), or when the signature is refused.
   */
  replay(userId: string, headers: Readonly<Record<string, string>>): Promise<{ readonly compartmentId: string }>;
}

const user: OciUser = {
  userId: 'ocid1.user.oc1..aaaaaaaauser',
  tenancyId: 'ocid1.tenancy.oc1..aaaaaaaatenancy',
  fingerprint: '20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34',
  region: 'eu-frankfurt-1',
  name: 'operator',
};

/** The headers that Infisical's login takes from the body. */
const sentOn = ['authorization', 'host', 'x-date'] as const;

/** How far the date of a request may be off. */
const clockSkewMs = 5 * 60_000;

export async function startOciDouble({ clock }: { readonly clock: Pick<Clock, 'nowMs'> }): Promise<OciDouble> {
  const { privateKey, privatePem } = signingKeys('oci-user-key');
  const publicKey = createPublicKey(privateKey);
  const isSigned = (asked: CloudRequest): boolean => {
    const [, list = ''] = /^Signature (.*)$/.exec(asked.headers['authorization'] ?? '') ?? [];
    const given: Record<string, string | undefined> = Object.fromEntries(
      [...list.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const names: readonly string[] = (given['headers'] ?? '').split(' ');
    // The scheme takes either name; the one that is signed must be there.
    const dateName = names.includes('x-date') ? 'x-date' : 'date';
    const date = asked.headers[dateName] ?? '';
    const isRight =
      given['version'] === '1' &&
      given['algorithm'] === 'rsa-sha256' &&
      given['keyId'] === `${user.tenancyId}/${user.userId}/${user.fingerprint}` &&
      [dateName, '(request-target)', 'host'].every((name) => names.includes(name)) &&
      Math.abs(Date.parse(date) - clock.nowMs()) < clockSkewMs;
    const target = `${asked.method.toLowerCase()} ${asked.path}`;
    const lines = names.map((name) => `${name}: ${name === '(request-target)' ? target : (asked.headers[name] ?? '')}`);
    const signature = Buffer.from(given['signature'] ?? '', 'base64');
    return isRight && verify('sha256', Buffer.from(lines.join('\n')), publicKey, signature);
  };
  const http = await startHttpDouble((asked) => {
    if (asked.headers['host'] !== `identity.${user.region}.oraclecloud.com`) return { status: 404 };
    if (!isSigned(asked)) return { status: 401, body: { code: 'NotAuthenticated' } };
    if (asked.method !== 'GET' || asked.path !== `/20160918/users/${user.userId}`) return { status: 404 };
    return { status: 200, body: { id: user.userId, name: user.name, compartmentId: user.tenancyId } };
  });
  return {
    http,
    user,
    privateKey,
    privatePem,
    async replay(userId, headers) {
      const missing = sentOn.filter((name) => headers[name] === undefined);
      if (missing.length > 0) throw new Error(`Infisical answered 422: headers.${missing.join(', headers.')} required`);
      const kept = Object.fromEntries(sentOn.map((name) => [name, headers[name]]));
      const sent = request(`${http.url}/20160918/users/${userId}`, { headers: kept });
      return await new Promise((resolve, reject) => {
        sent.once('error', reject);
        sent.once('response', (answer) => {
          if (answer.statusCode !== 200) return reject(new Error(`OCI answered ${answer.statusCode}`));
          json(answer).then((said) => resolve(said as { compartmentId: string }), reject); // written above
        });
        sent.end();
      });
    },
  };
}
