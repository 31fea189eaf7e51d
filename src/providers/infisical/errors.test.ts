import { describe, expect, it } from 'vitest';
import { TokenRejected } from '../../auth/contract.ts';
import type { OperatorError } from '../../core/operator-error.ts';
import { answerError, type Place, readJson } from './errors.ts';

const listing: Place = {
  operation: 'list secrets',
  host: 'host.example',
  scope: { project: 'shop', environment: 'dev', folder: '/app' },
};
const reading: Place = { ...listing, operation: 'read secret "K"', byName: true };

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
    const error = answerError(seen, place);
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
    expect(answerError(said(429, 'RateLimitExceeded', message ?? '', headers), listing).retryAfterMs).toBe(expectedMs);
  });

  it('names the references that could not be read', () => {
    const details = [{ secretKey: 'K', environment: 'prod', secretPath: '/a', secretValue: 'canary' }];
    const body = {
      statusCode: 403,
      error: 'PermissionDenied',
      message: 'Failed to expand one or more secret references',
      details,
    };
    const error = answerError(answer(403, body), listing);
    expect(error.message).toContain('prod/a/K');
    expect(error.message).not.toContain('canary');
  });

  it('repeats only the beginning of a long message', () => {
    expect(answerError(said(400, 'BadRequest', 'x'.repeat(5_000)), listing).message.length).toBeLessThan(400);
  });
});

describe('a good answer', () => {
  it('must be JSON', () => {
    expect(readJson(answer(200, { a: 1 }), listing)).toEqual({ a: 1 });
    expect(() => readJson(answer(200, '<html>'), listing)).toThrow(
      expect.objectContaining<Partial<OperatorError>>({ reason: 'UpstreamInvalid' }),
    );
  });
});
