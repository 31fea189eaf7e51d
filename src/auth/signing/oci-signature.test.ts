import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signOciGet } from './oci-signature.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { tenancyId: 'ocid1.tenancy.oc1..t', userId: 'ocid1.user.oc1..u', fingerprint: '20:3b', privateKey };
const request = { host: 'identity.eu-frankfurt-1.oraclecloud.com', path: '/20160918/users/ocid1.user.oc1..u' };
const nowMs = Date.UTC(2014, 0, 5, 21, 31, 40);

describe('signOciGet', () => {
  it('signs date, target and host, in the order that it names', () => {
    const { authorization, 'x-date': date, host } = signOciGet(request, key, nowMs);
    const [, signature = ''] = /signature="([^"]+)"/.exec(authorization) ?? [];
    // The signing string of the documentation, written out.
    const text = `x-date: Sun, 05 Jan 2014 21:31:40 GMT\n(request-target): get ${request.path}\nhost: ${request.host}`;
    expect(verify('sha256', Buffer.from(text), createPublicKey(privateKey), Buffer.from(signature, 'base64'))).toBe(
      true,
    );
    expect([date, host]).toEqual(['Sun, 05 Jan 2014 21:31:40 GMT', request.host]);
    expect(authorization.replace(signature, '…')).toBe(
      'Signature version="1",headers="x-date (request-target) host",' +
        'keyId="ocid1.tenancy.oc1..t/ocid1.user.oc1..u/20:3b",algorithm="rsa-sha256",signature="…"',
    );
  });
});
