import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMarker, leaks } from '../../../test/support/canary.ts';
import type { CallKind } from '../../../test/support/pulumi-double/routes.ts';
import { secret } from '../../../test/support/pulumi-double/values.ts';
import { TokenRejected } from '../../auth/contract.ts';
import { explain, OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import { answerError, evaluationWarning, type Place } from './errors.ts';
import { bench, read, signal, value } from './provider.fixture.ts';

const opening: Place = { operation: 'open environment "acme/shop/prod"', host: 'api.pulumi.example' };
const login: Place = { ...opening, operation: 'exchange the ServiceAccount token', isLogin: true };

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  return { status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) };
}

const said = (status: number, message: string) => answer(status, { code: status, message });
const page = '<html><head><title>502 Bad Gateway</title></head></html>';

const cases: readonly (readonly [why: string, place: Place, seen: ReturnType<typeof answer>, reason: Reason])[] = [
  ['a dead token', opening, said(401, 'Unauthorized: No credentials provided or are invalid'), 'LoginRejected'],
  ['no right', opening, said(403, 'Forbidden'), 'AccessDenied'],
  ['no environment', opening, said(404, "Not Found: environment 'prod' not found"), 'ScopeNotFound'],
  ['a conflict', opening, said(409, 'Conflict'), 'UpstreamRejected'],
  ['a bad request', opening, said(400, 'Bad Request: invalid duration'), 'UpstreamRejected'],
  ['a limited rate', opening, answer(429, 'too many requests'), 'UpstreamThrottled'],
  ['a limited rate, told by a 503', opening, answer(503, page, { 'retry-after': '3' }), 'UpstreamThrottled'],
  ['a fault of the service', opening, said(500, 'Internal Server Error'), 'UpstreamUnavailable'],
  ['a gateway without a service', opening, answer(502, page), 'UpstreamUnavailable'],
  ['a service that rests', opening, answer(503, ''), 'UpstreamUnavailable'],
  ['a page in place of a 404', opening, answer(404, page), 'UpstreamInvalid'],
  ['a page in place of a 401', opening, answer(401, page), 'UpstreamInvalid'],
  ['a redirect', opening, answer(302, '', { location: 'https://elsewhere.example' }), 'UpstreamInvalid'],
  ['an empty 400', opening, answer(400, ''), 'UpstreamInvalid'],
  ['JSON that is not the API’s', opening, answer(400, ['no']), 'UpstreamInvalid'],
  ['diagnostics without a code', opening, answer(400, { diagnostics: [{ summary: 's' }] }), 'UpstreamRejected'],
  ['a refused exchange', login, said(401, 'Unauthorized'), 'LoginRejected'],
  ['an exchange that is invalid', login, answer(400, { error: 'invalid_request' }), 'LoginRejected'],
  ['an exchange that no policy allows', login, said(403, 'Forbidden'), 'LoginRejected'],
  ['an organization that is not there', login, said(404, 'Not Found'), 'LoginRejected'],
  ['a login that is limited', login, answer(429, ''), 'UpstreamThrottled'],
  ['a page in place of the exchange', login, answer(404, page), 'UpstreamInvalid'],
];

describe('an answer with', () => {
  it.each(cases)('%s has its reason, and says where and what', (_why, place, seen, reason) => {
    const error = answerError(seen, place);
    // A token that is refused is judged by whoever holds the session: it logs in once more, and then says LoginRejected.
    const judged = error instanceof TokenRejected ? 'LoginRejected' : error.reason;
    expect(judged).toBe(reason);
    expect(error.message).toMatch(
      /^(open environment "acme\/shop\/prod"|exchange the \w+ token) at api\.pulumi\.example: /,
    );
    expect(explain(error)).not.toMatch(/slug|hostAPI|title/);
  });

  it('words of any kind has one short line, the same each time', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 300, maxLength: 3_000 }));
    fc.assert(
      fc.property(fc.constantFrom(400, 401, 403, 409), text, text, (status, message, path) => {
        for (const body of [{ message }, { diagnostics: [{ summary: message, path }] }]) {
          const one = answerError(answer(status, body), opening).message;
          expect(one).not.toMatch(/[\p{Cc}\p{Cf}]/u);
          expect(one.length).toBeLessThan(700);
          expect(answerError(answer(status, body), opening).message).toBe(one);
        }
      }),
    );
  });

  it('diagnostics names paths and summaries, errors before all, and never the token', () => {
    const token = `eyJhbGciOiJIUzI1NiJ9${'x'.repeat(60)}`;
    const diagnostics = [
      { summary: 'unknown property "x"', path: 'aws["creds"].key', severity: 'error', detail: 'not shown' },
      { summary: `no role for ${token}`, path: 'gcp' },
      { summary: 'deprecated', path: 'old', severity: 'warning' },
    ];
    const { message } = answerError(answer(400, { code: 400, message: 'Bad Request', diagnostics }), opening);
    expect(message).toContain('aws["creds"].key: unknown property "x"; gcp: no role for');
    expect(message).not.toMatch(/deprecated|not shown|eyJ/);
  });
});

describe('warnings', () => {
  it('are one line, and none where only errors are', () => {
    const error = { isError: true, summary: 's', path: 'p' };
    expect(evaluationWarning([error], 'environment "e"')).toBeUndefined();
    const warning = { isError: false, summary: 'old\nsyntax', path: '' };
    expect(evaluationWarning([error, warning], 'environment "e"')).toBe('environment "e": old syntax');
  });
});

describe('a call that', () => {
  const kinds: readonly CallKind[] = ['definition', 'open', 'read'];

  it.each(kinds)('%s hangs ends with whoever waits for it, and the next is served', async (kind) => {
    const { connect, double } = await bench();
    double.environments.set('acme/shop/prod', { a: 'one' });
    const reader = await connect();
    double.fail(kind, 'hang');
    const ending = new AbortController();
    const reading = reader.read([value('a')], { notBeforeMs: performance.now() }, ending.signal);
    while (double.counts[kind] === 0) await new Promise((resolve) => setImmediate(resolve));
    ending.abort();
    await expect(reading).rejects.toMatchObject({ reason: 'Aborted' });
    expect(await read(reader, value('a'))).toEqual([{ a: 'one' }]);
  });

  it.each(kinds)('%s brings more than is read is refused', async (kind) => {
    const { connect, double } = await bench({ mostBytes: 100_000 });
    double.environments.set('acme/shop/prod', { a: 'one' });
    double.fail(kind, { status: 200, body: `{"id":"x","properties":{"a":{"value":"${'x'.repeat(200_000)}"}}}` }, 9);
    const reader = await connect();
    const outcome = await read(reader, value('a')).catch((error: OperatorError) => [error.reason]);
    // What the definition cannot say the open says.
    expect(outcome).toEqual(kind === 'definition' ? [{ a: 'one' }] : ['AnswerTooLarge']);
  });

  it.each(kinds)('%s fails once with 502 is made once more, or the next refresh is served', async (kind) => {
    const { connect, double } = await bench();
    double.environments.set('acme/shop/prod', { a: 'one' });
    double.fail(kind, { status: 502, body: page });
    const reader = await connect();
    const first = await read(reader, value('a')).catch((error: OperatorError) => error.reason);
    // An open is not repeated: it may have minted credentials.
    expect(first).toEqual(kind === 'open' ? 'UpstreamUnavailable' : [{ a: 'one' }]);
    expect(await read(reader, value('a'))).toEqual([{ a: 'one' }]);
  });
});

describe('no failure', () => {
  const faults: readonly [status: number, body: (text: string) => string][] = [
    [400, (text) => JSON.stringify({ code: 400, message: text, diagnostics: [{ summary: text, path: text }] })],
    [401, (text) => JSON.stringify({ code: 401, message: `bad token ${text}` })],
    [403, (text) => JSON.stringify({ message: `Forbidden for ${text}` })],
    [500, (text) => text],
    [200, (text) => `{"id":"x","diagnostics":[{"summary":${JSON.stringify(text)}}]}`],
    [200, (text) => `<html>${text}</html>`],
    [200, (text) => `{"properties":{"a":${JSON.stringify(text)}}}`],
  ];

  it('shows the access token, nor a value that was read', async () => {
    const marker = createMarker();
    for (const [status, body] of faults) {
      const { connect, double, token } = await bench();
      double.environments.set('acme/shop/prod', () => ({ a: secret(`${marker}-value`), list: [1] }));
      const reader = await connect();
      const texts: string[] = [];
      const note = (thrown: unknown) => {
        if (!(thrown instanceof OperatorError)) throw thrown;
        texts.push(explain(thrown), inspect(thrown, { depth: 9 }));
      };
      for (const kind of ['open', 'read'] as const) {
        double.fail(kind, { status, body: body(token) }, 3);
        const requests = [value('a'), value('a', { property: 'x' }), { kind: 'map', key: 'a' } as const];
        await reader
          .read(requests, { notBeforeMs: performance.now() }, signal)
          .then((results) => results.filter((one) => 'error' in one).map(({ error }) => note(error)), note);
      }
      expect(leaks({ told: texts.join('\n') }, [marker, token])).toEqual([]);
    }
  });
});
