import { describe, expect, it } from 'vitest';
import { TokenRejected } from '../../auth/contract.ts';
import { explain, type OperatorError } from '../../base/operator-error.ts';
import { answerError, type Place, readJson } from './errors.ts';

const listing: Place = {
  operation: 'list secrets',
  host: 'host.example',
  scope: { project: 'shop', environment: 'dev', folder: '/app' },
};
const reading: Place = { ...listing, operation: 'read secret "K"', byName: true };

const token = 'eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJ5ZXMifQ.c2lnbmF0dXJlLWNhbmFyeQ';
const sent = { headers: { authorization: `Bearer ${token}` } };

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers, body: Buffer.from(text) };
}

const said = (status: number, error: string, message: unknown, headers: Record<string, string> = {}) =>
  answer(status, { statusCode: status, message, error }, headers);

const wrong = 'Something went wrong';
const cases: readonly (readonly [why: string, place: Place, seen: ReturnType<typeof answer>, reason: string])[] = [
  ['a missing secret', reading, said(404, 'NotFound', 'Secret not found'), 'SecretNotFound'],
  ['a missing secret, later', reading, said(404, 'NotFound', "Secret with name 'K' not found"), 'SecretNotFound'],
  [
    'a name like a scope',
    reading,
    said(404, 'NotFound', "Secret with name 'project-folder' not found"),
    'SecretNotFound',
  ],
  [
    'a missing folder, by name',
    reading,
    said(404, 'Create secret', 'Folder not found for the given environment slug & secret path'),
    'ScopeNotFound',
  ],
  [
    'a missing folder, by name, later',
    reading,
    said(404, 'GetSecretByName', "Folder with path '/app' in environment with slug 'dev' not found"),
    'ScopeNotFound',
  ],
  ['a missing folder, listed, later', listing, said(404, 'SecretPathNotFound', 'not found'), 'ScopeNotFound'],
  ['a 404 of unknown meaning is no missing secret', reading, said(404, 'NotFound', 'nothing here'), 'ScopeNotFound'],
  ['an unknown project slug, listed', listing, said(500, 'Failed to find project by slug', wrong), 'ScopeNotFound'],
  ['an unknown project slug, by name', reading, said(500, 'Find project by slug', wrong), 'ScopeNotFound'],
  ['an unknown project, later', listing, said(404, 'NotFound', "No project found with slug 'shop'"), 'ScopeNotFound'],
  ['a folder that no server takes', listing, said(500, 'Find by secret path', wrong), 'InvalidSpec'],
  [
    'no member',
    listing,
    said(403, 'Identity is not a member of the specified project', 'You are not allowed to access this resource'),
    'AccessDenied',
  ],
  ['no right', listing, said(403, 'PermissionDenied', 'You are not allowed to read on secrets'), 'AccessDenied'],
  [
    'no right on a reference',
    reading,
    said(403, 'ForbiddenError', 'You are attempting to reference secret K'),
    'AccessDenied',
  ],
  ['an expired token', listing, said(403, 'TokenError', 'Your token has expired.'), 'TokenRejected'],
  ['a token past its life', listing, said(401, 'UnauthorizedError', 'No identity access token found'), 'TokenRejected'],
  ['a validation failure of 2024', listing, said(401, 'ValidationFailure', [{ code: 'x' }]), 'UpstreamRejected'],
  ['a validation failure', listing, said(422, 'ValidationFailure', [{ code: 'x' }]), 'UpstreamRejected'],
  ['a bad request', listing, said(400, 'BadRequest', 'Missing environment'), 'UpstreamRejected'],
  ['an unknown service token', reading, said(404, 'NotFound', 'Service token not found'), 'LoginRejected'],
  ['a failure', listing, said(500, 'InternalServerError', wrong), 'UpstreamUnavailable'],
  ['a failing database', listing, said(500, 'IdAccessTokenFindOne', wrong), 'UpstreamUnavailable'],
  [
    'throttling of 2024',
    listing,
    said(500, 'InternalServerError', wrong, { 'retry-after': '17' }),
    'UpstreamThrottled',
  ],
  ['throttling', listing, said(429, 'RateLimitExceeded', 'Please try again in 9 seconds'), 'UpstreamThrottled'],
  ['a gateway that asks to wait', listing, answer(503, 'busy', { 'retry-after': '5' }), 'UpstreamThrottled'],
  [
    "the router's own 404",
    reading,
    answer(404, { message: 'Route GET:/x not found', error: 'Not Found', statusCode: 404 }),
    'UpstreamInvalid',
  ],
  ['a web page in place of the API', reading, answer(404, '<html>'), 'UpstreamInvalid'],
  ['a redirect to a login page', listing, answer(302, ''), 'UpstreamInvalid'],
  ['a page of a failing proxy', listing, answer(502, '<html>'), 'UpstreamUnavailable'],
  ['an empty object', listing, answer(403, {}), 'UpstreamInvalid'],
  ['no content', listing, answer(204, ''), 'UpstreamInvalid'],
];

describe('an error answer', () => {
  it.each(cases)('%s', (_why, place, seen, reason) => {
    const error = answerError(seen, place, sent);
    expect(error instanceof TokenRejected ? 'TokenRejected' : error.reason).toBe(reason);
    expect(error.message).not.toMatch(/[\r\n]/);
    expect(error.message).toContain('host.example');
  });

  it.each([
    ['17', undefined, 17_000],
    [undefined, 'Please try again in 9 seconds', 9_000],
    [undefined, 'slow down', 60_000],
    ['0', undefined, 1_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', undefined, 30_000],
    ['nonsense', undefined, 60_000],
    ['99999999', undefined, 3_600_000],
  ])('waits as told by retry-after %s and message %s', (retryAfter, message, expectedMs) => {
    const headers = {
      date: 'Thu, 01 Jan 2026 00:00:00 GMT',
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    };
    expect(answerError(said(429, 'RateLimitExceeded', message ?? '', headers), listing, sent).retryAfterMs).toBe(
      expectedMs,
    );
  });

  it('tells a missing environment from a missing project, although the text names both', () => {
    const text = "Environment with slug 'dev' in project with ID 71fcbd5f-3132-47de-8bbb-41c4ccc77fce not found";
    const { message, reason } = answerError(said(404, 'NotFound', text), listing, sent);
    expect(reason).toBe('ScopeNotFound');
    expect(message).toContain('there is no environment "dev"');
  });

  it.each([
    ['https://login.example:8443/in?next=%2Fapi#frag', ' to "login.example:8443"'],
    [`https://user:${token}@login.example/${token}`, ' to "login.example"'],
    ['/login', ''],
    ['\u001b[31m', ''],
    [`https://${'a.'.repeat(2_000)}example/`, ''],
  ])('names the host alone that a redirect leads to: %s', (location, told) => {
    const error = answerError(answer(302, '', { location }), listing, sent);
    expect(error.message).toContain(`the host redirects${told} (HTTP 302)`);
    expect(explain(error)).not.toContain(token);
  });

  it.each([
    ['a redirect', answer(301, ''), 'hostAPI'],
    ['a route that is not there', said(404, 'Not Found', 'Route GET:/x not found'), 'hostAPI'],
    ['a folder that is not there', said(404, 'NotFound', "Folder with path '/app' not found"), 'secretsPath'],
    ['a folder that no server takes', said(500, 'Find by secret path', wrong), 'secretsScope.secretsPath'],
  ])('advises once: %s', (_why, seen, field) => {
    expect(explain(answerError(seen, listing, sent)).split(field)).toHaveLength(2);
  });

  it('names the references that could not be read', () => {
    const details = [{ secretKey: 'K', environment: 'prod', secretPath: '/a', secretValue: 'canary' }];
    const body = {
      statusCode: 403,
      error: 'PermissionDenied',
      message: 'Failed to expand one or more secret references',
      details,
    };
    const error = answerError(answer(403, body), listing, sent);
    expect(error.message).toContain('prod/a/K');
    expect(error.message).not.toContain('canary');
  });

  it.each([
    ['its message', { message: `no: Bearer ${token}`, error: 'ForbiddenError' }],
    ['base64', { message: `no: ${Buffer.from(`x${token}`).toString('base64')}`, error: 'ForbiddenError' }],
    ['a message that is cut', { message: `${'x'.repeat(170)} ${token}`, error: 'ForbiddenError' }],
    ['a bad request', { message: `${token} ${token}`, error: token }],
    ['the name of a reference', { message: 'a reference', error: 'x', details: [{ secretKey: token }] }],
    ['words with control characters', { message: token.replaceAll('.', '.\u0007'), error: 'x' }],
  ])('repeats no token that the host repeats in %s', (_how, body) => {
    for (const status of [400, 401, 403, 404, 500]) {
      const { message } = answerError(answer(status, body), listing, sent);
      for (const part of token.split('.')) {
        expect(message).not.toContain(part.slice(0, 12));
        expect(message).not.toContain(Buffer.from(part).toString('base64').slice(4, 12));
      }
    }
  });

  it('is the same next time, whatever ids and instants the server writes', () => {
    const message = (id: string, at: string) => `request ${id} failed at ${at}, trace ${id.replaceAll('-', '')}`;
    const one = message('d430f4c1-6ef3-453b-9b85-360b1605cebe', '2026-11-29T06:16:10.001Z');
    const other = message('854df045-9ef3-4e3a-af53-6d20f8e4c309', '2026-11-29T06:17:55.1Z');
    const texts = [one, other].map((text) => answerError(said(403, 'ForbiddenError', text), listing, sent).message);
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).toContain('request <id> failed at <time>');
  });

  it.each(['project ', 'secret ', 'referenc', 'not found ', 'try again in ', '9', ' ', 'secret\\t'])(
    'takes no time for a mebibyte of %j in every place',
    (unit) => {
      const text = unit.repeat((1 << 20) / unit.length);
      const details = [{ secretKey: text, secretPath: '/'.repeat(1 << 20), environment: text }];
      const startedMs = performance.now();
      for (const status of [400, 401, 403, 404, 429, 500]) {
        for (const place of [listing, reading]) {
          const error = answerError(answer(status, { error: text, message: text, details }), place, sent);
          expect(error.message.length).toBeLessThan(2_000);
        }
      }
      expect(performance.now() - startedMs).toBeLessThan(3_000);
    },
  );

  it('repeats only the beginning of a long message', () => {
    expect(answerError(said(400, 'BadRequest', 'x'.repeat(5_000)), listing, sent).message.length).toBeLessThan(400);
  });
});

describe('a good answer', () => {
  it('must be JSON', () => {
    expect(readJson(answer(200, { a: 1 }), listing, sent)).toEqual({ a: 1 });
    expect(() => readJson(answer(200, '<html>'), listing, sent)).toThrow(
      expect.objectContaining<Partial<OperatorError>>({ reason: 'UpstreamInvalid' }),
    );
  });
});
