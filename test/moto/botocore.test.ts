// Our client and our double beside botocore, a client that this project did not write: the same signature for the same request,
// taken by the double, at the same hosts. The requests were recorded by record_botocore.py.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sigV4Authorization } from '../../src/auth/signing/sigv4.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import { serviceEndpoint } from '../../src/providers/esc/open/aws-regions.ts';
import { type AwsKey, signatureFault } from '../support/cloud/aws-signature.ts';

interface Recorded {
  readonly name: string;
  readonly service: string;
  readonly region: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly authorization: string;
}

interface Table {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** URLs by region and service. */
  readonly hosts: Readonly<Record<string, Readonly<Record<'secretsmanager' | 'ssm' | 'sts', string>>>>;
  readonly requests: readonly Recorded[];
}

const path = join(import.meta.dirname, 'testdata', 'botocore.json');
const table = JSON.parse(readFileSync(path, 'utf8')) as Table; // as record_botocore.py writes it
const { accessKeyId, secretAccessKey, sessionToken } = table;
const recordedAtMs = Date.UTC(2026, 2, 4, 5, 6, 7);

/** As the double of AWS sees it. */
const seen = ({ headers, body, authorization }: Recorded) => ({
  method: 'POST',
  path: '/',
  query: new URLSearchParams(),
  headers: { ...headers, authorization },
  body,
});

/** Why the double would refuse it, by the key that it knows. */
function faultOf(request: Recorded, change: Partial<AwsKey> = {}): string | undefined {
  const session = request.headers['x-amz-security-token'] === undefined ? {} : { sessionToken };
  const key: AwsKey = {
    accessKeyId,
    secretAccessKey,
    arn: 'arn:aws:iam::111122223333:user/robot',
    ...session,
    ...change,
  };
  const keys = new Map([[accessKeyId, key]]);
  return signatureFault(seen(request), { keys, nowMs: recordedAtMs, service: request.service });
}

describe.each(table.requests)('what botocore sends for $name', (request) => {
  it('is signed by the operator as by botocore', () => {
    const { authorization, body, headers, region, service } = request;
    const key = { accessKeyId, secretAccessKey: new SecretValue(secretAccessKey), region, service };
    expect(sigV4Authorization({ method: 'POST', path: '/', headers, body }, key)).toBe(authorization);
  });

  it('is taken by the double, and by no other key', () => {
    expect(faultOf(request)).toBeUndefined();
    expect(faultOf(request, { secretAccessKey: 'another' })).toBe('SignatureDoesNotMatch');
    expect(faultOf({ ...request, body: `${request.body} ` })).toBe('SignatureDoesNotMatch');
  });
});

describe.each(Object.entries(table.hosts))('the hosts of %s', (region, hosts) => {
  it('are those that botocore asks', () => {
    const services = ['secretsmanager', 'ssm', 'sts'] as const;
    expect(services.map((service) => serviceEndpoint(service, region).origin)).toEqual(
      services.map((service) => hosts[service]),
    );
  });
});
