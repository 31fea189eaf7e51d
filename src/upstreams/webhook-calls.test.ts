// Webhooks end to end on real sockets: the generator, the door with its egress policy, and a server that notes what it got.
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createCa, issue } from '../../test/support/tls.ts';
import { runWebhook, type WebhookPorts } from '../controller/generators/webhook.ts';
import { inlineDesk } from '../core/jobs.ts';
import { parseGenerator } from '../crds/generators/table.ts';
import { openDoor, startHttp, startHttps, startTcp } from '../http/door.fixture.ts';
import type { ConfigMap, Secret } from '../kube/types.ts';
import { webhookSender } from './webhook-calls.ts';

const { signal } = new AbortController();
const label = { 'external-secrets.io/type': 'webhook' };
const encoded = (text: string) => Buffer.from(text).toString('base64');

/** Runs a Webhook of namespace `shop`; objects by name. */
async function run(
  spec: object,
  {
    secrets = {},
    configMaps = {},
    door = openDoor().door,
  }: {
    readonly secrets?: Record<
      string,
      { readonly labels?: Record<string, string>; readonly data: Record<string, string> }
    >;
    readonly configMaps?: Record<string, Record<string, string>>;
    readonly door?: ReturnType<typeof openDoor>['door'];
  } = {},
): Promise<Record<string, string>> {
  const parsed = parseGenerator('Webhook', { metadata: { name: 'g' }, spec: { result: {}, ...spec } });
  if (parsed.ok?.kind !== 'Webhook') throw new Error(parsed.issues?.join());
  const secretNamed = (name: string): Secret | undefined => {
    const held = secrets[name];
    if (held === undefined) return undefined;
    const data = Object.fromEntries(Object.entries(held.data).map(([key, text]) => [key, encoded(text)]));
    return { metadata: { name, namespace: 'shop', labels: held.labels ?? label }, data };
  };
  const ports: WebhookPorts = {
    namespace: 'shop',
    readSecret: async (name) => secretNamed(name),
    readConfigMap: async (name): Promise<ConfigMap | undefined> =>
      configMaps[name] === undefined ? undefined : { metadata: { name, namespace: 'shop' }, data: configMaps[name] },
    desk: inlineDesk(),
    send: webhookSender(door),
    nowMs: 0,
    seed: '00'.repeat(32),
  };
  const values = await runWebhook(parsed.ok.spec, ports, signal);
  return Object.fromEntries([...values].map(([key, value]) => [key, value.text()]));
}

async function endpoint(answer: {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}) {
  const seen: { request: IncomingMessage; body: string }[] = [];
  const server = await startHttp((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      seen.push({ request, body });
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '{"token":"t-1"}');
    });
  });
  return { url: `http://127.0.0.1:${server.port}`, seen };
}

describe('a Webhook', () => {
  it('sends what its templates make of the Secrets, and gives what is answered', async () => {
    const { url, seen } = await endpoint({ body: '{"data":{"user":"ann","age":7}}' });
    const values = await run(
      {
        url: `${url}/login?as={{ .login.user }}`,
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: 'Bearer {{ .login.token }}' },
        body: '{"scope":"{{ .login.user }}"}',
        result: { jsonPath: '$.data' },
        secrets: [{ name: 'login', secretRef: { name: 'creds' } }],
      },
      { secrets: { creds: { data: { user: 'a b', token: 'xyz' } } } },
    );
    expect(values).toEqual({ user: 'ann', age: '7' });
    const [{ request, body } = { request: undefined, body: '' }] = seen;
    expect([request?.method, request?.url, request?.headers.authorization, body]).toEqual([
      'POST',
      '/login?as=a+b',
      'Bearer xyz',
      '{"scope":"a b"}',
    ]);
  });

  it.each(['caBundle', 'Secret', 'ConfigMap'] as const)(
    'trusts a host by the CA of a %s, and not without it',
    async (from) => {
      const ca = createCa('private');
      const server = await startHttps(issue(ca, { names: ['127.0.0.1'] }), (_, response) => response.end('{"a":"1"}'));
      const url = `https://127.0.0.1:${server.port}/`;
      const trust =
        from === 'caBundle'
          ? { caBundle: encoded(ca.certPem) }
          : { caProvider: { type: from, name: 'ca', key: 'ca.crt' } };
      const objects = {
        secrets: { ca: { labels: {}, data: { 'ca.crt': ca.certPem } } },
        configMaps: { ca: { 'ca.crt': ca.certPem } },
      };
      expect(await run({ url, ...trust }, objects)).toEqual({ a: '1' });
      await expect(run({ url }, objects)).rejects.toMatchObject({
        reason: 'UpstreamUnavailable',
        message: expect.stringContaining('caBundle'),
      });
    },
  );

  it.each([
    [401, {}, 'AccessDenied'],
    [403, {}, 'AccessDenied'],
    [404, {}, 'UpstreamRejected'],
    [302, { location: 'http://169.254.169.254/' }, 'UpstreamRejected'],
    [429, { 'retry-after': '7' }, 'UpstreamThrottled'],
    [503, { 'retry-after': '7' }, 'UpstreamThrottled'],
    [500, {}, 'UpstreamUnavailable'],
  ])('tells what an answer %i means, without a word of it', async (status, headers, reason) => {
    const { url } = await endpoint({ status, headers, body: 'you sent xyz' });
    const thrown = await run({ url, method: 'POST' }).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ reason, message: expect.not.stringContaining('xyz') });
    if (status === 429) expect(thrown).toMatchObject({ retryAfterMs: 7_000 });
  });

  it.each([
    ['a metadata address', 'http://169.254.169.254/latest', 'HostDenied'],
    ['a name of the metadata service', 'https://metadata.google.internal/', 'HostDenied'],
    ['plain http to a host outside', 'http://example.org/', 'HostDenied'],
    ['a user name in the URL', 'https://me:pw@127.0.0.1/', 'HostDenied'],
  ])('never reaches %s', async (_, url, reason) => {
    await expect(run({ url })).rejects.toMatchObject({ reason });
  });

  it.each([
    ['a Secret without the label', { creds: { labels: {}, data: { k: 'v' } } }, 'ReferenceDenied'],
    [
      'a Secret of another type',
      { creds: { labels: { 'external-secrets.io/type': 'x' }, data: { k: 'v' } } },
      'ReferenceDenied',
    ],
    ['a Secret that is missing', {}, 'ReferenceNotFound'],
  ])('sends nothing of %s', async (_, secrets, reason) => {
    const { url, seen } = await endpoint({});
    const spec = { url, body: '{{ .s.k }}', secrets: [{ name: 's', secretRef: { name: 'creds' } }] };
    await expect(run(spec, { secrets })).rejects.toMatchObject({ reason });
    expect(seen).toEqual([]);
  });

  it('refuses a header that HTTP cannot carry, and the login that is not served', async () => {
    const { url } = await endpoint({});
    const creds = { creds: { data: { k: 'a\r\nX-Other: b' } } };
    const spec = { url, headers: { A: '{{ .s.k }}' }, secrets: [{ name: 's', secretRef: { name: 'creds' } }] };
    await expect(run(spec, { secrets: creds })).rejects.toMatchObject({ reason: 'InvalidCredential' });
    const ntlm = { usernameSecret: { name: 'u' }, passwordSecret: { name: 'p' } };
    await expect(run({ url, auth: { ntlm } })).rejects.toMatchObject({ reason: 'Unsupported' });
  });

  it('reads no CA of another namespace', async () => {
    const caProvider = { type: 'Secret', name: 'ca', key: 'k', namespace: 'else' };
    await expect(run({ url: 'https://127.0.0.1/', caProvider })).rejects.toMatchObject({ reason: 'ReferenceDenied' });
  });

  it('gives up an answer that is too large', async () => {
    const { url } = await endpoint({ body: `{"a":"${'x'.repeat(1_048_576)}"}` });
    await expect(run({ url })).rejects.toMatchObject({ reason: 'AnswerTooLarge' });
  });

  it('waits no longer than its timeout', async () => {
    const { door, clock } = openDoor();
    const accepted = Promise.withResolvers<void>();
    const server = await startTcp(() => accepted.resolve());
    const failing = run({ url: `http://127.0.0.1:${server.port}/`, method: 'POST', timeout: '1500ms' }, { door });
    const outcome = expect(failing).rejects.toMatchObject({ reason: 'UpstreamUnavailable' });
    await accepted.promise;
    await clock.advance(1_501);
    await outcome;
  });
});
