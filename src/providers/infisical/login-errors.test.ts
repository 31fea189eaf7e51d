import { describe, expect, it } from 'vitest';
import { loginError, withoutMaterial } from './login-errors.ts';

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers, body: Buffer.from(text) };
}

const said = (status: number, error: string, message: unknown, headers: Record<string, string> = {}) =>
  answer(status, { statusCode: status, message, error }, headers);

const at = (route: string) => ({ operation: `log in with ${route}`, host: 'host.example', route });
const wrong = 'Something went wrong';

describe('a refused login', () => {
  it.each<[why: string, route: string, seen: ReturnType<typeof answer>, reason: string, check: RegExp]>([
    [
      'wrong credentials',
      'universal-auth',
      said(401, 'UnauthorizedError', 'Invalid credentials'),
      'LoginRejected',
      /Invalid credentials/,
    ],
    [
      'a lockout',
      'universal-auth',
      said(401, 'UnauthorizedError', 'This identity auth method is temporarily locked, please try again later'),
      'LoginRejected',
      /opens by itself/,
    ],
    [
      'an unknown client',
      'universal-auth',
      said(404, 'NotFound', 'No identity with specified client ID was found'),
      'LoginRejected',
      /client ID/,
    ],
    [
      'an expired client secret',
      'universal-auth',
      said(401, 'UnauthorizedError', 'Access denied due to expired client secret'),
      'LoginRejected',
      /write a new one/,
    ],
    [
      'an identity without the method, in the words of another',
      'oidc-auth',
      said(404, 'NotFound', 'GCP auth method not found for identity, did you configure GCP auth?'),
      'LoginRejected',
      /identityId.*(?<!GCP.*)$/,
    ],
    [
      'a token that the cluster refuses',
      'kubernetes-auth',
      said(401, 'KubernetesTokenReviewError', '[invalid bearer token]'),
      'LoginRejected',
      /Kubernetes host/,
    ],
    [
      'a reviewer that the cluster refuses: no fault of the token',
      'kubernetes-auth',
      said(401, 'KubernetesTokenReviewRequestError', 'Unauthorized'),
      'LoginRejected',
      /token reviewer/,
    ],
    [
      'another namespace',
      'kubernetes-auth',
      said(401, 'UnauthorizedError', 'Access denied: K8s namespace not allowed.'),
      'LoginRejected',
      /namespace not allowed.*extend/,
    ],
    [
      'another audience',
      'kubernetes-auth',
      said(401, 'UnauthorizedError', 'Access denied: K8s audience not allowed.'),
      'LoginRejected',
      /audience of the token/,
    ],
    [
      'another subject',
      'oidc-auth',
      said(403, 'ForbiddenError', 'Access denied: OIDC subject not allowed.'),
      'LoginRejected',
      /subject not allowed.*extend/,
    ],
    [
      'another issuer',
      'jwt-auth',
      said(401, 'UnauthorizedError', 'Access denied: jwt issuer invalid. expected: https://issuer.example'),
      'LoginRejected',
      /https:\/\/issuer\.example.*bound to/,
    ],
    [
      'a token that has expired',
      'oidc-auth',
      said(401, 'UnauthorizedError', 'Access denied: jwt expired'),
      'LoginRejected',
      /clocks/,
    ],
    [
      'an address that is not trusted',
      'jwt-auth',
      said(403, 'ForbiddenError', 'You are not allowed to access this resource from the current IP address'),
      'LoginRejected',
      /trusted IPs/,
    ],
    [
      'an unknown organisation',
      'jwt-auth',
      said(404, 'NotFound', 'Organization with slug x not found'),
      'LoginRejected',
      /organizationSlug/,
    ],
    [
      'a wrong password',
      'ldap-auth',
      said(401, 'UnauthorizedError', 'Invalid credentials'),
      'LoginRejected',
      /user name and password/,
    ],
    [
      'a token for another service',
      'azure-auth',
      said(403, 'TokenError', 'jwt audience invalid'),
      'LoginRejected',
      /audience/,
    ],
    ['a form error', 'jwt-auth', said(401, 'ValidationFailure', [{}]), 'UpstreamRejected', /invalid/],
    ['a form error, later', 'jwt-auth', said(422, 'ValidationFailure', [{}]), 'UpstreamRejected', /invalid/],
    [
      'throttling',
      'jwt-auth',
      said(429, 'RateLimitExceeded', 'Please try again in 9 seconds'),
      'UpstreamThrottled',
      /rate/,
    ],
    [
      'throttling of 2024',
      'oidc-auth',
      said(500, 'InternalServerError', wrong, { 'retry-after': '60' }),
      'UpstreamThrottled',
      /rate/,
    ],
    ['a failure', 'universal-auth', said(500, 'InternalServerError', wrong), 'UpstreamUnavailable', /500/],
    [
      'a proof that a server of 2024 cannot read',
      'oidc-auth',
      said(500, 'InternalServerError', wrong),
      'UpstreamUnavailable',
      /several audiences/,
    ],
    [
      'a cluster that a server of 2024 cannot reach',
      'kubernetes-auth',
      said(500, 'InternalServerError', wrong),
      'UpstreamUnavailable',
      /Kubernetes host/,
    ],
    [
      'a method that the server does not have',
      'ldap-auth',
      said(404, 'Not Found', 'Route POST:/api/v1/auth/ldap-auth/login not found'),
      'UpstreamInvalid',
      /no ldap-auth/,
    ],
    ['a wall before the host', 'jwt-auth', answer(403, '<html>'), 'UpstreamInvalid', /not from the API/],
  ])('tells %s', (_why, route, seen, reason, check) => {
    const error = loginError(seen, at(route));
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(check);
    expect(error.message).toContain('host.example');
  });
});

describe('material in an answer', () => {
  const body = {
    identityId: 'id-of-it',
    password: 'pa"ss\\word',
    headers: { authorization: 'signed-request' },
    pin: '12',
  };

  it('is taken out, as it was sent or as JSON writes it', () => {
    const message = `user pa"ss\\word, proof signed-request, pin 12`;
    const clean = withoutMaterial(said(401, 'UnauthorizedError', message), body);
    const error = loginError(clean, at('ldap-auth'));
    expect(error.message).toContain('user [redacted], proof [redacted], pin 12');
  });

  it('leaves no rest of a password that a user name is part of, nor of one that the server has trimmed', () => {
    const sent = { username: 'robot', password: 'password-of-robot\n' };
    const seen = said(401, 'UnauthorizedError', 'robot has another password than password-of-robot');
    const error = loginError(withoutMaterial(seen, sent), at('ldap-auth'));
    expect(error.message).toContain('"[redacted] has another password than [redacted]"');
  });

  it('does not touch an answer that holds none', () => {
    const seen = said(401, 'UnauthorizedError', 'Invalid credentials');
    expect(withoutMaterial(seen, body)).toBe(seen);
  });
});
