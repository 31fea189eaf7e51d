import { describe, expect, it } from 'vitest';
import { digits, secret, unknown } from '../../../test/support/pulumi-double/values.ts';
import { accessTokenAuth, bench, failureOf, map, read, signal, value } from './provider.fixture.ts';

const document = {
  db: secret({ user: 'app', password: secret('pa<&>ss'), port: 5432, tags: ['b', 'a'], none: null, on: true }),
  'key with "quotes" and .': 'odd',
  big: digits('12345678901234567890.10'),
  empty: null,
  list: [{ name: 'one' }, { name: secret('two') }, { other: 1 }],
  blob: secret('{"inner":{"k":"v"},"n":1.50}'),
  environmentVariables: { TOKEN: secret('t-1'), REGION: 'eu' },
  files: { KUBECONFIG: secret('apiVersion: v1\n') },
  pulumiConfig: { 'aws:region': 'eu', 'app:replicas': 3 },
};

async function filled() {
  const made = await bench();
  made.double.environments.set('acme/shop/prod', document);
  return { ...made, reader: await made.connect() };
}

describe('a value', () => {
  it.each([
    ['db.user', 'app'],
    ['db["password"]', 'pa<&>ss'],
    ['db.port', '5432'],
    ['db.on', 'true'],
    ['db.none', ''],
    ['empty', ''],
    ['db', '{"none":null,"on":true,"password":"pa<&>ss","port":5432,"tags":["b","a"],"user":"app"}'],
    ['["key with \\"quotes\\" and ."]', 'odd'],
    ['big', '12345678901234567890.10'],
    ['list[1].name', 'two'],
    ['list[*].name', '["one","two"]'],
    ['pulumiConfig["aws:region"]', 'eu'],
  ])('at %s is %s', async (key, wanted) => {
    const { reader } = await filled();
    expect(await read(reader, value(key))).toEqual([{ [key]: wanted }]);
  });

  it('may be a property within text that is JSON', async () => {
    const { reader } = await filled();
    const requests = [value('blob', { property: 'inner.k' }), value('db', { property: 'tags.0' })];
    expect(await read(reader, ...requests, map('blob', { property: 'inner' }))).toEqual([
      { blob: 'v' },
      { db: 'b' },
      { k: 'v' },
    ]);
  });

  it.each(['nothing', 'db.nothing', 'db.user.x', 'list[7]', 'list.name', 'db[0]', 'constructor', '["__proto__"]'])(
    'at %s is a missing secret',
    async (key) => {
      const { reader } = await filled();
      expect(await read(reader, value(key), value('db.user'))).toEqual(['SecretNotFound', { 'db.user': 'app' }]);
    },
  );

  it('that is unknown is an error that names its path', async () => {
    const { double, reader } = await filled();
    double.environments.set('acme/shop/prod', { a: { b: [unknown] }, c: 'good' });
    const [first, second] = await reader.read([value('a'), value('c')], { notBeforeMs: performance.now() }, signal);
    expect(first).toMatchObject({ error: { reason: 'InvalidValue', message: expect.stringContaining('"a.b[0]"') } });
    expect(second).toHaveProperty('values');
  });

  it('never carries a trace, nor what was overridden', async () => {
    const { reader } = await filled();
    expect(
      JSON.stringify(
        await read(
          reader,
          ...Object.keys(document)
            .slice(2)
            .map((key) => value(key)),
        ),
      ),
    ).not.toMatch(/trace|overridden/);
  });
});

describe('extract', () => {
  it.each([
    ['environmentVariables', { TOKEN: 't-1', REGION: 'eu' }],
    ['files', { KUBECONFIG: 'apiVersion: v1\n' }],
    ['pulumiConfig', { 'aws:region': 'eu', 'app:replicas': '3' }],
    ['list[0]', { name: 'one' }],
    ['empty', {}],
  ])('of %s gives its members', async (key, wanted) => {
    const { reader } = await filled();
    expect(await read(reader, map(key))).toEqual([wanted]);
  });

  it.each(['db.user', 'list', 'big'])('of %s, which is no object, is an error', async (key) => {
    const { reader } = await filled();
    expect(await read(reader, map(key))).toEqual(['InvalidValue']);
  });
});

describe('find', () => {
  it.each([
    ['by name', { nameRegexp: '^(big|empty)$' }, { big: '12345678901234567890.10', empty: '' }],
    ['below a path', { path: 'environmentVariables' }, { TOKEN: 't-1', REGION: 'eu' }],
    ['by name below a path', { path: 'db', nameRegexp: 'user|port' }, { user: 'app', port: '5432' }],
    ['nothing', { nameRegexp: '^x' }, {}],
    ['below a path that is not there', { path: 'nowhere' }, {}],
  ])('finds %s', async (_what, find, wanted) => {
    const { reader } = await filled();
    expect(await read(reader, { kind: 'find', ...find })).toEqual([wanted]);
  });

  it('refuses tags and broken expressions', async () => {
    const { reader } = await filled();
    const [tags, regexp] = [{ tags: { a: 'b' } }, { nameRegexp: '(' }];
    expect(await read(reader, { kind: 'find', ...tags }, { kind: 'find', ...regexp })).toEqual([
      'Unsupported',
      'InvalidSpec',
    ]);
  });
});

describe('a version', () => {
  it('is a revision or a tag, opened beside the latest', async () => {
    const { double, connect } = await bench();
    for (const n of [1, 2, 3]) double.environments.set('acme/shop/prod', { n });
    double.environments.tag('acme/shop/prod', 'stable', 2);
    const reader = await connect();
    const versions = [{ version: '1' }, { version: 'stable' }, {}, { version: 'latest' }].map((v) => value('n', v));
    expect(await read(reader, ...versions)).toEqual([{ n: '1' }, { n: '2' }, { n: '3' }, { n: '3' }]);
    expect(await read(reader, value('n', { version: '../open' }), value('n', { version: 'gone' }))).toEqual([
      'InvalidSpec',
      'ScopeNotFound',
    ]);
  });
});

describe('what a refresh costs', () => {
  it('is one open and one read, whatever the keys and the stores', async () => {
    const { double, connect } = await bench();
    let generation = 0;
    double.environments.set('acme/shop/prod', () => ({ id: ++generation, key: generation, session: generation }));
    const readers = await Promise.all(Array.from({ length: 20 }, (_, i) => connect({}, `store-${i}`)));
    const notBeforeMs = performance.now();
    const requests = [value('id'), value('key'), value('session')];
    const answers = await Promise.all(readers.map((reader) => reader.read(requests, { notBeforeMs }, signal)));
    expect(double.counts).toMatchObject({ exchange: 0, open: 1, read: 1, definition: 1, other: 0 });
    expect(answers.flat().every((one) => 'values' in one)).toBe(true);
  });

  it('never mixes two generations of what is minted at each open', async () => {
    const { double, connect } = await bench();
    let generation = 0;
    double.environments.set('acme/shop/prod', () => {
      generation++;
      return { id: generation, key: secret(`${generation}`), session: [generation] };
    });
    const reader = await connect();
    const requests = [value('id'), value('key'), value('session[0]')];
    for (let i = 0; i < 20; i++) {
      const results = await read(reader, ...requests);
      expect(new Set(results.flatMap((one) => Object.values(one))).size).toBe(1);
    }
    expect(generation).toBe(20);
  });

  it('is a look at the definition for a validation, without an open', async () => {
    const { double, reader } = await filled();
    for (let i = 0; i < 2; i++) {
      expect(await reader.validate({ notBeforeMs: performance.now() }, signal)).toBe('valid');
    }
    expect(double.counts).toMatchObject({ open: 0, read: 0, definition: 2 });
  });
});

describe('logins', () => {
  const oidc = { auth: { oidcConfig: { organization: 'acme', serviceAccountRef: { name: 'app' } } } };
  const subject = 'system:serviceaccount:team:app';

  it('exchange a token of the ServiceAccount for the organization, once for all who share it', async () => {
    const { connect, double, issuer, minted } = await bench();
    double.environments.set('acme/shop/prod', document);
    const audience = double.apiUrl.replace('/api/esc', '');
    double.trust('acme', { issuer: issuer.issuer, keys: issuer.keys, audience, subject });
    const readers = [await connect(oidc, 'one'), await connect(oidc, 'two')];
    for (const reader of readers) expect(await read(reader, value('db.user'))).toEqual([{ 'db.user': 'app' }]);
    expect(double.counts.exchange).toBe(1);
    expect(minted).toEqual([{ name: 'app', audiences: [audience], expirationSeconds: 600 }]);
    expect(double.exchanges[0]).toMatchObject({ audience: 'urn:pulumi:org:acme', expiration: 600, scope: '' });
  });

  it.each([
    ['audience', { audience: 'https://other.example', subject }],
    ['subject', { subject: 'system:serviceaccount:team:other' }],
  ])('with the wrong %s are refused, naming the block and not the token', async (_what, rules) => {
    const { connect, double, issuer, sessions } = await bench();
    double.environments.set('acme/shop/prod', document);
    const audience = double.apiUrl.replace('/api/esc', '');
    double.trust('acme', { issuer: issuer.issuer, keys: issuer.keys, audience, ...rules });
    const reader = await connect(oidc);
    const error = await failureOf(read(reader, value('db.user')));
    expect(error).toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining('pulumi.auth.oidcConfig'),
    });
    expect(error.message).not.toContain(String(double.exchanges[0]?.['subject_token']).split('.')[1]);
    expect(sessions.size).toBe(1);
  });

  it('name the older place of the token, and trim what it holds', async () => {
    const made = await bench();
    made.double.environments.set('acme/shop/prod', document);
    made.token = `${made.token}\n`;
    const reader = await made.connect({ auth: undefined, accessToken: accessTokenAuth.accessToken });
    expect(await read(reader, value('db.user'))).toEqual([{ 'db.user': 'app' }]);
  });

  it('log in once more when a token is refused, and then fail the validation', async () => {
    const { connect, double, token } = await bench();
    double.environments.set('acme/shop/prod', document);
    const reader = await connect();
    double.revokeToken(token);
    const error = await failureOf(reader.validate({ notBeforeMs: performance.now() }, signal));
    expect(error.reason).toBe('LoginRejected');
    expect(error.message).not.toContain(token);
    expect(double.counts.definition).toBe(1);
  });

  it('exchange anew when the service forgot the token', async () => {
    const { connect, double, issuer } = await bench();
    double.environments.set('acme/shop/prod', () => document);
    const audience = double.apiUrl.replace('/api/esc', '');
    double.trust('acme', { issuer: issuer.issuer, keys: issuer.keys, audience, subject });
    const reader = await connect(oidc);
    await read(reader, value('db.user'));
    double.fail('open', { status: 401, body: '{"code":401,"message":"Unauthorized"}' });
    expect(await read(reader, value('db.user'))).toEqual([{ 'db.user': 'app' }]);
    expect(double.counts.exchange).toBe(2);
  });

  it.each([{ auth: {} }, { auth: undefined }, { accessToken: accessTokenAuth.accessToken }])(
    'are refused when not exactly one is set: %j',
    async (spec) => {
      const { provider, double } = await bench();
      const whole = {
        apiUrl: double.apiUrl,
        organization: 'o',
        project: 'p',
        environment: 'e',
        auth: accessTokenAuth,
        ...spec,
      };
      const context = { credentials: {}, holder: 'h' } as Parameters<typeof provider.connect>[1]; // none is asked
      const connecting = provider.connect(whole as Parameters<typeof provider.connect>[0], context, signal);
      expect((await failureOf(connecting)).reason).toBe('InvalidSpec');
    },
  );
});

describe('failures', () => {
  it('of the evaluation name environment and property, cleaned and short', async () => {
    const { double, reader } = await filled();
    const summary = `opening failed:\u001b[31m denied\u202e ${'x'.repeat(5_000)}`;
    const diagnostics = [
      { summary: 'only a warning', severity: 'warning' as const },
      { summary, path: 'aws.creds' },
    ];
    double.environments.set('acme/shop/prod', {}, { diagnostics });
    const error = await failureOf(read(reader, value('db')));
    expect(error).toMatchObject({ reason: 'UpstreamRejected', message: expect.stringContaining('aws.creds: opening') });
    expect(error.message).toContain('"acme/shop/prod"');
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}]|x{100}/u);
    expect(error.message.length).toBeLessThan(400);
  });

  it('in an answer of 200 count as well, in the list and in the object form', async () => {
    const { double, reader } = await filled();
    const list = [{ summary: 'broken', path: 'a' }];
    for (const diagnostics of [list, { diagnostics: list }]) {
      double.fail('open', { status: 200, body: JSON.stringify({ id: 'x', diagnostics }) });
      expect((await failureOf(read(reader, value('db')))).reason).toBe('UpstreamRejected');
    }
  });

  it('of warnings alone change nothing, and are told beside the values, always in the same words', async () => {
    const { double, reader } = await filled();
    const warnings = ['b', 'a', 'b', 'c', 'd'].map((path) => ({ summary: 'old', path, severity: 'warning' as const }));
    const told: string[] = [];
    for (const diagnostics of [warnings, warnings.toReversed()]) {
      double.environments.set('acme/shop/prod', () => ({ a: 1 }), { diagnostics });
      const noteWarning = (warning: string) => void told.push(warning);
      await reader.read([value('a'), map('a')], { notBeforeMs: performance.now(), noteWarning }, signal);
    }
    expect(new Set(told)).toEqual(new Set(['environment "acme/shop/prod": a: old; b: old; c: old and 1 more']));
  });

  it('of warnings leave the values as they are', async () => {
    const { double, reader } = await filled();
    double.environments.set(
      'acme/shop/prod',
      { a: 1 },
      { diagnostics: [{ summary: 'old syntax', severity: 'warning' }] },
    );
    expect(await read(reader, value('a'))).toEqual([{ a: '1' }]);
  });

  it('tell a missing environment from a missing property', async () => {
    const { double, reader } = await filled();
    double.environments.delete('acme/shop/prod');
    expect(await read(reader, value('db'), map('files'))).toEqual(['ScopeNotFound', 'ScopeNotFound']);
    expect((await failureOf(reader.validate({ notBeforeMs: performance.now() }, signal))).reason).toBe('ScopeNotFound');
  });

  it.each([
    ['open', { status: 403, body: '{"code":403,"message":"Forbidden"}' }, 'AccessDenied'],
    ['open', { status: 409, body: '{"code":409,"message":"Conflict"}' }, 'UpstreamRejected'],
    ['open', { status: 500, body: '{"code":500,"message":"oops"}' }, 'UpstreamUnavailable'],
    ['open', { status: 200, body: '<html>' }, 'UpstreamInvalid'],
    ['open', { status: 200, body: '{}' }, 'UpstreamInvalid'],
    ['open', { status: 200, body: '' }, 'UpstreamInvalid'],
    ['open', { status: 404, body: '<html>' }, 'UpstreamInvalid'],
    ['open', { status: 302, body: '', headers: { location: 'https://elsewhere' } }, 'UpstreamInvalid'],
    ['open', { status: 429, body: 'slow', headers: { 'retry-after': '9' } }, 'UpstreamThrottled'],
    ['read', { status: 200, body: '' }, 'UpstreamInvalid'],
    ['read', { status: 200, body: '{}' }, 'UpstreamInvalid'],
    ['read', { status: 200, body: '{"properties":[]}' }, 'UpstreamInvalid'],
    ['read', { status: 200, body: '{"properties":{"a":"bare"}}' }, 'UpstreamInvalid'],
    ['read', { status: 404, body: '{"code":404,"message":"Not Found"}' }, 'UpstreamUnavailable'],
    ['read', { status: 200, body: `{"properties":{"a":${'{"value":['.repeat(5_000)}` }, 'UpstreamInvalid'],
    [
      'read',
      { status: 200, body: `{"properties":{"a":${'{"value":['.repeat(300)}${']}'.repeat(300)}}}` },
      'AnswerTooLarge',
    ],
  ] as const)('of a call %s answered by %j are %s', async (kind, fault, reason) => {
    const { double, reader } = await filled();
    double.fail(kind, fault, 3);
    const outcome = await read(reader, value('db.user')).then(
      ([first]) => first,
      (error: unknown) => (error as { reason: string }).reason, // an OperatorError, or the test fails
    );
    expect(outcome).toBe(reason);
  });

  it('of the rate stop the identity without further requests', async () => {
    const { double, reader } = await filled();
    double.fail('open', { status: 429, body: '', headers: { 'retry-after': '30' } });
    expect((await failureOf(read(reader, value('db')))).retryAfterMs).toBe(30_000);
    expect((await failureOf(read(reader, value('db')))).reason).toBe('UpstreamThrottled');
    expect(double.counts.open).toBe(1);
  });

  it.each([
    { organization: '' },
    { project: '..' },
    { environment: 'a/b' },
    { apiUrl: 'ftp://host/api/esc' },
    { apiUrl: 'https://host/api/esc?x=1' },
    { caBundle: Buffer.from('no certificate').toString('base64') },
  ])('of a spec %j are told before any request', async (spec) => {
    const { connect, double } = await bench();
    expect((await failureOf(connect(spec))).reason).toMatch(/InvalidSpec|InvalidCredential/);
    expect(Object.values(double.counts).every((count) => count === 0)).toBe(true);
  });
});
