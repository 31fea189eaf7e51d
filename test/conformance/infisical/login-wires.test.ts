// What the operator sends to log in, held to what servers were seen to accept; and the measure itself, which must see a fault.
import { beforeAll, describe, expect, it } from 'vitest';
import { type InfisicalAuthMethod, infisicalAuthSpecs } from '../../../src/crds/auth/infisical/table.ts';
import { shapeOf, type WireRequest } from './login-shape.ts';
import { differencesOf, sendAllLogins } from './login-wires.ts';

const methods = Object.keys(infisicalAuthSpecs) as InfisicalAuthMethod[]; // the keys of the table

let sent: ReadonlyMap<InfisicalAuthMethod, readonly WireRequest[]>;
beforeAll(async () => {
  sent = await sendAllLogins();
});

/** The one request of a login, as an object that a test may spoil. */
function loginOf(method: InfisicalAuthMethod): WireRequest & { body: Record<string, unknown> } {
  const [login] = sent.get(method) ?? [];
  if (login === undefined) throw new Error(`no login by ${method}`);
  return { ...login, body: { ...Object(login.body) } };
}

describe('the login of each method', () => {
  it.each(methods)('of %s is one that a server was seen to accept', (method) => {
    expect(differencesOf(method, sent.get(method) ?? [])).toEqual([]);
  });
});

describe('the measure', () => {
  it.each([
    { why: 'another route', spoil: (login: WireRequest) => ({ ...login, path: '/api/v1/auth/aws/login' }) },
    {
      why: 'a stale token',
      spoil: (login: WireRequest) => ({ ...login, headers: { ...login.headers, authorization: 'Bearer x' } }),
    },
    {
      why: 'another content type',
      spoil: (login: WireRequest) => ({ ...login, headers: { ...login.headers, 'content-type': 'text/plain' } }),
    },
    {
      why: 'a member that servers do not know',
      spoil: (login: WireRequest) => ({ ...login, body: { ...Object(login.body), more: 'x' } }),
    },
    {
      why: 'a member that is missing',
      spoil: (login: WireRequest) => ({ ...login, body: { identityId: Object(login.body).identityId } }),
    },
  ])('sees $why', ({ spoil }) => {
    for (const method of methods.filter((one) => one !== 'token')) {
      expect(differencesOf(method, [spoil(loginOf(method))])).not.toEqual([]);
    }
  });

  it('sees an OCI signature over another header than those that are sent on', () => {
    const login = loginOf('oci');
    const headers = { ...Object(login.body['headers']) };
    const authorization = String(headers.authorization).replace('x-date', 'date');
    const spoilt = { ...login, body: { ...login.body, headers: { ...headers, authorization } } };
    expect(differencesOf('oci', [spoilt])).toEqual([
      expect.stringContaining('headers.authorization: signature over (request-target), date, host'),
    ]);
  });

  it('sees a header of the request to AWS under another spelling, which servers do not find', () => {
    const login = loginOf('aws');
    const text = Buffer.from(String(login.body['iamRequestHeaders']), 'base64').toString();
    const iamRequestHeaders = Buffer.from(text.replace('"Host"', '"host"')).toString('base64');
    const lines = differencesOf('aws', [{ ...login, body: { ...login.body, iamRequestHeaders } }]);
    expect(lines.map((line) => line.split(':')[0])).toEqual(['iamRequestHeaders.host', 'iamRequestHeaders.Host']);
  });

  it('sees a token of Google for another audience than the identity', () => {
    const other = { ...loginOf('gcpIam'), body: { ...loginOf('gcpIam').body, jwt: loginOf('azure').body['jwt'] } };
    expect(differencesOf('gcpIam', [other])).toEqual(['jwt: jwt, servers take jwt for the identity']);
  });

  it('sees a login by the method that needs none', () => {
    expect(differencesOf('token', [loginOf('universal')])).toHaveLength(1);
    expect(sent.get('token')).toEqual([]);
  });

  it('tells the forms of values apart, not the values', () => {
    const of = (body: object) => shapeOf({ method: 'POST', path: '/', headers: {}, body }).members;
    expect(of({ a: 'x', b: 1, c: null, d: { e: 'POST' }, f: Buffer.from('{"G":"y"}').toString('base64') })).toEqual({
      a: 'text',
      b: 'number',
      c: 'object',
      'd.e': 'POST',
      'f.G': 'text',
    });
  });
});
