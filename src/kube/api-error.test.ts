import { describe, expect, it } from 'vitest';
import { refusalError } from './api-error.ts';

const canary = 'canary-7f3a';

function refuse(verb: string, plural: string, code: number, body: Record<string, unknown> | string) {
  const text = typeof body === 'string' ? body : JSON.stringify({ kind: 'Status', code, ...body });
  return refusalError({ verb, plural, key: 'ns/app' }, { status: code, body: text });
}

describe('refusalError', () => {
  const rbac =
    'secrets "app" is forbidden: User "system:serviceaccount:esc:op" cannot update resource "secrets" in API group "" in the namespace "ns"';
  const cases = [
    { why: 'a stale write', verb: 'update', code: 409, body: { reason: 'Conflict' }, reason: 'Conflict' },
    { why: 'an object that exists', verb: 'create', code: 409, body: { reason: 'AlreadyExists' }, reason: 'Conflict' },
    {
      why: 'an object that is not there',
      verb: 'get',
      code: 404,
      body: { reason: 'NotFound' },
      reason: 'ReferenceNotFound',
    },
    { why: 'a rejected token', verb: 'get', code: 401, body: { reason: 'Unauthorized' }, reason: 'ApiDenied' },
    {
      why: 'missing RBAC on a write',
      verb: 'update',
      code: 403,
      body: { reason: 'Forbidden', message: rbac },
      reason: 'ApiDenied',
    },
    {
      why: 'missing RBAC on a read',
      verb: 'get',
      code: 403,
      body: { reason: 'Forbidden', message: 'no' },
      reason: 'ApiDenied',
    },
    {
      why: 'a webhook that denies with 403',
      verb: 'create',
      code: 403,
      body: { reason: 'Forbidden', message: 'admission webhook "a.b" denied the request: no' },
      reason: 'TargetRejected',
    },
    {
      why: 'an invalid object',
      verb: 'create',
      code: 422,
      body: { reason: 'Invalid', message: 'm' },
      reason: 'TargetRejected',
    },
    {
      why: 'a bad request',
      verb: 'create',
      code: 400,
      body: { reason: 'BadRequest', message: 'm' },
      reason: 'TargetRejected',
    },
    {
      why: 'a body too large',
      verb: 'create',
      code: 413,
      body: { reason: 'RequestEntityTooLarge' },
      reason: 'TargetTooLarge',
    },
    {
      why: 'data above the limit of a Secret',
      verb: 'create',
      code: 422,
      body: { reason: 'Invalid', details: { causes: [{ reason: 'FieldValueTooLong', field: 'data' }] } },
      reason: 'TargetTooLarge',
    },
    { why: 'throttling', verb: 'get', code: 429, body: { reason: 'TooManyRequests' }, reason: 'ApiUnavailable' },
    { why: 'a server error', verb: 'get', code: 500, body: { reason: 'InternalError' }, reason: 'ApiUnavailable' },
    { why: 'a proxy that answers in HTML', verb: 'get', code: 502, body: '<html>', reason: 'ApiUnavailable' },
    { why: 'a redirect', verb: 'get', code: 302, body: '', reason: 'ApiUnavailable' },
  ];
  for (const { why, verb, code, body, reason } of cases) {
    it(`gives ${reason} for ${why}`, () => {
      expect(refuse(verb, 'secrets', code, body).reason).toBe(reason);
    });
  }

  it('says who lacks which right where', () => {
    const { message } = refuse('update', 'secrets', 403, { reason: 'Forbidden', message: rbac });
    expect(message).toContain('system:serviceaccount:esc:op');
    expect(message).toContain('update "secrets" in the namespace "ns"');
  });

  it('names the fields of a Secret that was found invalid, and never quotes their values', () => {
    const error = refuse('create', 'secrets', 422, {
      reason: 'Invalid',
      message: `Secret "app" is invalid: data[a b]: Invalid value: "${canary}": a valid config key must consist of`,
      details: {
        causes: [{ reason: 'FieldValueInvalid', field: 'data[a b]', message: `Invalid value: "${canary}": no` }],
      },
    });
    expect(error.message).toContain('data[a b]');
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain(canary);
  });

  it('names the admission policy that refused a Secret, and nothing that it said', () => {
    const said = `ValidatingAdmissionPolicy 'p.q' with binding 'p.q' denied request: ${canary}`;
    const error = refuse('create', 'secrets', 403, {
      reason: 'Forbidden',
      message: `secrets "app" is forbidden: ${said}`,
      details: { causes: [{ message: said }] }, // as the API server has them
    });
    expect(error.message).toContain('ValidatingAdmissionPolicy "p.q" denied the request');
    expect(error.message).not.toContain(canary);
  });

  const talkative = [
    `admission webhook "deny.example.com" denied the request: value ${canary} is not allowed`,
    `secrets "app" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ${canary}`,
    `Internal error occurred: ${canary}`,
    `User "${canary.repeat(100)}" cannot`,
  ];
  for (const message of talkative) {
    it(`keeps what was said about a Secret to itself: ${message.slice(0, 40)}`, () => {
      for (const code of [400, 403, 422, 500]) {
        expect(refuse('create', 'secrets', code, { reason: 'X', message }).message).not.toContain(canary);
      }
    });
  }

  it('passes the words of the server on for other kinds, up to a length', () => {
    const error = refuse('update', 'externalsecrets', 422, {
      reason: 'Invalid',
      message: `spec.x: bad ${'y'.repeat(2_000)}`,
    });
    expect(error.message).toContain('spec.x: bad');
    expect(error.message.length).toBeLessThan(700);
  });

  it('carries the time that the server asked to wait', () => {
    const refusal = { status: 429, body: '', retryAfterMs: 3_000 };
    expect(refusalError({ verb: 'list', plural: 'secrets' }, refusal).retryAfterMs).toBe(3_000);
  });
});
