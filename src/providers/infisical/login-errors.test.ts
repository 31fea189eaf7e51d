import { describe, expect, it } from 'vitest';
import { explain } from '../../base/operator-error.ts';
import { loginError } from './login-errors.ts';

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
    const error = loginError(seen, at(route), {});
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(check);
    expect(error.message).toContain('host.example');
  });
});

describe('advice', () => {
  const unknown = said(404, 'NotFound', 'No identity with specified client ID was found');
  const wrongSecret = said(401, 'UnauthorizedError', 'Invalid credentials');

  it.each(['app.infisical.com', 'us.infisical.com'])(
    'names the host of the EU when %s knows no such identity',
    (host) => {
      for (const seen of [unknown, wrongSecret]) {
        expect(loginError(seen, { ...at('universal-auth'), host }, {}).message).toContain('https://eu.infisical.com');
      }
    },
  );

  it('stands once: the reason adds its own only where the answer says nothing', () => {
    const advised = loginError(said(401, 'UnauthorizedError', 'Invalid credentials'), at('universal-auth'), {});
    expect(explain(advised)).toBe(advised.message);
    const silent = loginError(said(404, 'Not Found', 'Route POST:/x not found'), at('oci-auth'), {});
    expect(explain(silent).split('hostAPI')).toHaveLength(2);
  });

  it('names no other host when the store has one of its own', () => {
    expect(loginError(unknown, at('universal-auth'), {}).message).not.toContain('eu.infisical.com');
  });

  it.each<[route: string, status: number, error: string, check: RegExp]>([
    ['universal-auth', 401, 'UnauthorizedError', /clientSecret/],
    ['universal-auth', 404, 'NotFound', /clientId/],
    ['kubernetes-auth', 404, 'NotFound', /identityId/],
    ['kubernetes-auth', 401, 'KubernetesTokenReviewError', /Kubernetes host/],
    ['oidc-auth', 401, 'UnauthorizedError', /bound to/],
    ['azure-auth', 403, 'TokenError', /what the identity allows/],
  ])('on %s, %i and %s does not hang on the words of a release', (route, status, error, check) => {
    const { reason, message } = loginError(said(status, error, 'words that nobody has seen'), at(route), {});
    expect(reason).toBe('LoginRejected');
    expect(message).toMatch(check);
  });

  it('counts what Oracle Cloud refuses as a failure, and says so', () => {
    const { reason, message } = loginError(said(500, 'InternalServerError', wrong), at('oci-auth'), {});
    expect(reason).toBe('UpstreamUnavailable');
    expect(message).toMatch(/fingerprint/);
  });

  const words = ['ip', 'not allowed', 'auth method not found', 'token review', 'temporarily locked', 'usage limit'];
  const more = ['expired', 'audience', 'issuer', 'subject claim name', 'organization', 'denied trusted', 'identity '];
  it.each([...words, ...more])('takes no time for a mebibyte of "%s"', (word) => {
    const text = `${word} `.repeat((1 << 20) / (word.length + 1));
    const startedMs = performance.now();
    for (const status of [401, 403, 404, 500]) {
      for (const route of ['jwt-auth', 'universal-auth', 'ldap-auth']) {
        const error = loginError(said(status, text, text), at(route), { body: JSON.stringify({ jwt: word }) });
        expect(error.message.length).toBeLessThan(2_000);
      }
    }
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
});

describe('material in an answer', () => {
  const password = 'pa"ss\\word';
  const body = JSON.stringify({
    identityId: 'id-of-it',
    password,
    headers: { authorization: 'signed-request' },
    pin: '12',
  });

  it.each([
    ['it was sent', password],
    ['JSON writes it', JSON.stringify(password).slice(1, -1)],
    ['a URL writes it', encodeURIComponent(password)],
  ])('is taken out as %s', (_how, form) => {
    const message = `user ${form}, proof signed-request, pin 12`;
    const error = loginError(said(401, 'UnauthorizedError', message), at('ldap-auth'), { body });
    expect(error.message).toContain('user [redacted], proof [redacted], pin 12');
  });

  it('is taken out where the server repeats the whole body in base64', () => {
    const seen = said(401, 'UnauthorizedError', Buffer.from(body).toString('base64'));
    const { message } = loginError(seen, at('ldap-auth'), { body });
    const [, quote = ''] = /, "([^"]*)"/.exec(message) ?? [];
    const left = quote.split('[redacted]').map((part) => Buffer.from(part, 'base64').toString('latin1'));
    expect(quote).toContain('[redacted]');
    expect(left.join(' ')).not.toMatch(/ss|word|signed-r/);
  });

  it('leaves no rest of a password that a user name is part of, nor of one that the server has trimmed', () => {
    const sent = { body: JSON.stringify({ username: 'robot', password: 'password-of-robot\n' }) };
    const seen = said(401, 'UnauthorizedError', 'robot has another password than password-of-robot');
    const error = loginError(seen, at('ldap-auth'), sent);
    expect(error.message).toContain('"[redacted] has another password than [redacted]"');
  });
});
