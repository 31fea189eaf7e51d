import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../core/secret-value.ts';
import { amzDate, type SignedRequest, sigV4Authorization } from './sigv4.ts';

/** Key, time and region of the vectors that AWS publishes with the description of the algorithm. */
const vectorKey = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: new SecretValue('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'),
  region: 'us-east-1',
};
const date = { 'X-Amz-Date': '20150830T123600Z' };
const example = { host: 'example.amazonaws.com', ...date };
const form = 'application/x-www-form-urlencoded';

interface Vector {
  readonly name: string;
  readonly service: string;
  readonly request: SignedRequest;
  readonly signedHeaders: string;
  readonly signature: string;
}

const vectors: readonly Vector[] = [
  {
    name: 'get-vanilla',
    service: 'service',
    request: { method: 'GET', path: '/', headers: { Host: example.host, ...date }, body: '' },
    signedHeaders: 'host;x-amz-date',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'post-vanilla',
    service: 'service',
    request: { method: 'POST', path: '/', headers: example, body: '' },
    signedHeaders: 'host;x-amz-date',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-x-www-form-urlencoded',
    service: 'service',
    request: { method: 'POST', path: '/', headers: { ...example, 'Content-Type': form }, body: 'Param1=value1' },
    signedHeaders: 'content-type;host;x-amz-date',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
  {
    name: 'get-header-value-trim',
    service: 'service',
    request: {
      method: 'GET',
      path: '/',
      headers: { ...example, 'My-Header1': ' value1', 'My-Header2': ' "a   b   c"' },
      body: '',
    },
    signedHeaders: 'host;my-header1;my-header2;x-amz-date',
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'the ListUsers example of the guide',
    service: 'iam',
    request: {
      method: 'GET',
      path: '/',
      query: 'Action=ListUsers&Version=2010-05-08',
      headers: { host: 'iam.amazonaws.com', ...date, 'content-type': `${form}; charset=utf-8` },
      body: '',
    },
    signedHeaders: 'content-type;host;x-amz-date',
    signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
];

describe('sigV4Authorization', () => {
  it.each(vectors)('signs $name as AWS does', ({ service, request, signedHeaders, signature }) => {
    const credential = `AKIDEXAMPLE/20150830/us-east-1/${service}/aws4_request`;
    expect(sigV4Authorization(request, { ...vectorKey, service })).toBe(
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
    );
  });
});

describe('amzDate', () => {
  it('writes an instant in the basic form, in UTC and without fractions', () => {
    expect(amzDate(Date.UTC(2015, 7, 30, 12, 36, 0, 789))).toBe('20150830T123600Z');
  });
});
