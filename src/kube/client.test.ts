import { afterEach, describe, expect, it } from 'vitest';
import { rawAnswer, rawServer } from '../../test/support/raw-server.ts';
import { answer, type Script, scriptedApiServer, status } from '../../test/support/scripted-api-server.ts';
import { systemClock } from '../base/clock.ts';
import { createKube } from './client.ts';
import type { Kube } from './contract.ts';
import { detectCompatibility, serves } from './discovery.ts';
import { reasonIn } from './transport.fixture.ts';
import { createTransport } from './transport.ts';
import type { Resource, Secret } from './types.ts';
import { hasManagedFields, isWhole } from './whole.ts';

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
const clusterThings: Resource = {
  group: 'test.dev',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: false,
};
const externalSecrets: Resource = {
  group: 'external-secrets.io',
  version: 'v1',
  plural: 'externalsecrets',
  kind: 'ExternalSecret',
  namespaced: true,
};
const never = new AbortController().signal;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function setUp(script: Script) {
  const server = await scriptedApiServer(script);
  const transport = createTransport({ access: server.access, clock: systemClock, userAgent: 'escapement/test' });
  cleanUps.push(
    () => transport.close(),
    () => server.close(),
  );
  return { server, transport, kube: createKube(transport) };
}

const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, '']));
const echo: Script = (request, response) => answer(response, 200, request.body === '' ? {} : JSON.parse(request.body));

describe('kube client', () => {
  it('sends each call to its place, with the field manager and the kind', async () => {
    const { server, kube } = await setUp(echo);
    const secret: Secret = { metadata: { name: 'a', namespace: 'ns', resourceVersion: '4' }, data: {} };
    const manager = { fieldManager: 'm/a b' };
    await kube.get(secrets, { namespace: 'ns', name: 'a' }, never);
    await kube.create(secrets, secret, manager, never);
    await kube.update(secrets, secret, manager, never);
    await kube.update(clusterThings, { metadata: { name: 't' } }, { ...manager, subresource: 'status' }, never);
    await kube.mergePatch(clusterThings, { name: 't' }, { x: 1 }, { ...manager, subresource: 'status' }, never);
    await kube.delete(
      secrets,
      { namespace: 'ns', name: 'a' },
      { preconditions: { uid: 'u', resourceVersion: '4' } },
      never,
    );
    expect(server.requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).toEqual([
      'GET /api/v1/namespaces/ns/secrets/a',
      'POST /api/v1/namespaces/ns/secrets?fieldManager=m%2Fa%20b',
      'PUT /api/v1/namespaces/ns/secrets/a?fieldManager=m%2Fa%20b',
      'PUT /apis/test.dev/v1/things/t/status?fieldManager=m%2Fa%20b',
      'PATCH /apis/test.dev/v1/things/t/status?fieldManager=m%2Fa%20b',
      'DELETE /api/v1/namespaces/ns/secrets/a',
    ]);
    expect(JSON.parse(server.requests[1]?.body ?? '')).toMatchObject({ apiVersion: 'v1', kind: 'Secret' });
    expect(server.requests[4]?.headers['content-type']).toBe('application/merge-patch+json');
    expect(JSON.parse(server.requests[5]?.body ?? '')).toEqual({ preconditions: { uid: 'u', resourceVersion: '4' } });
  });

  it('takes a delete of what is gone for done, and a broken precondition for a conflict', async () => {
    const codes = [404, 409];
    const { kube } = await setUp((_request, response) => {
      const code = codes.shift() ?? 500;
      answer(response, code, status(code, 'X'));
    });
    await kube.delete(secrets, { namespace: 'ns', name: 'a' }, {}, never);
    await expect(kube.delete(secrets, { namespace: 'ns', name: 'a' }, {}, never)).rejects.toMatchObject({
      reason: 'Conflict',
    });
  });

  it('does not take HTML for an object', async () => {
    const { kube } = await setUp((_request, response) => response.end('<html>login</html>'));
    const read = kube.get(secrets, { namespace: 'ns', name: 'a' }, never);
    await expect(read).rejects.toMatchObject({ reason: 'ApiUnavailable' });
  });

  it('reads no object of which a field is too wide, and takes one for the answer to a write', async () => {
    const metadata = {
      namespace: 'ns',
      name: 'a',
      labels: members(6_000),
      managedFields: [{ fieldsV1: members(30_000) }],
    };
    const { kube } = await setUp((_request, response) => answer(response, 200, { metadata }));
    await expect(kube.get(secrets, { namespace: 'ns', name: 'a' }, never)).rejects.toMatchObject({
      reason: 'AnswerTooLarge',
      message: 'Secret "ns/a": its metadata.labels has too many entries to be read (5000 at most)',
    });
    const written = await kube.update(
      secrets,
      { metadata: { namespace: 'ns', name: 'a' } },
      { fieldManager: 'm' },
      never,
    );
    expect(written).toMatchObject({ metadata: { namespace: 'ns', name: 'a' } });
    expect(isWhole(written)).toBe(false);
  });

  it('reads an object without the account of who wrote it, where that alone is too wide', async () => {
    const metadata = { namespace: 'ns', name: 'a', managedFields: [{ fieldsV1: members(30_000) }] };
    const { kube } = await setUp((_request, response) => answer(response, 200, { metadata }));
    const read = await kube.get(secrets, { namespace: 'ns', name: 'a' }, never);
    expect([isWhole(read), hasManagedFields(read), read.metadata.managedFields]).toEqual([true, false, undefined]);
  });

  it('refuses to write a namespaced object without its namespace', async () => {
    const { server, kube } = await setUp(echo);
    await expect(kube.create(secrets, { metadata: { name: 'a' } }, { fieldManager: 'm' }, never)).rejects.toMatchObject(
      {
        reason: 'Internal',
      },
    );
    expect(server.requests).toHaveLength(0);
  });
});

describe('a call whose kept connection ends instead of an answer', () => {
  const name = { namespace: 'ns', name: 'a' };
  const manager = { fieldManager: 'm' };
  const versioned: Secret = { metadata: { ...name, resourceVersion: '4' } };

  type Call = (kube: Kube) => Promise<unknown>;
  it.each<[what: string, sent: number, call: Call]>([
    ['a read', 2, (kube) => kube.get(secrets, name, never)],
    ['an update that names its version', 2, (kube) => kube.update(secrets, versioned, manager, never)],
    ['an update that does not', 1, (kube) => kube.update(secrets, { metadata: name }, manager, never)],
    ['a patch that names its version', 2, (kube) => kube.mergePatch(secrets, name, versioned, manager, never)],
    ['a patch that does not', 1, (kube) => kube.mergePatch(secrets, name, { data: {} }, manager, never)],
    [
      'a patch whose version is the empty text',
      1,
      (kube) => kube.mergePatch(secrets, name, { metadata: { resourceVersion: '' } }, manager, never),
    ],
    ['a delete of one uid', 2, (kube) => kube.delete(secrets, name, { preconditions: { uid: 'u' } }, never)],
    [
      'a delete of one version',
      2,
      (kube) => kube.delete(secrets, name, { preconditions: { resourceVersion: '4' } }, never),
    ],
    ['a delete of whatever is there', 1, (kube) => kube.delete(secrets, name, {}, never)],
    [
      'a create whose caller looks at what exists',
      2,
      (kube) => kube.create(secrets, { metadata: name }, { ...manager, mayExist: true }, never),
    ],
    ['a create whose caller does not', 1, (kube) => kube.create(secrets, { metadata: name }, manager, never)],
  ])('%s goes out %i times', async (_what, sent, call) => {
    const server = await rawServer(({ socket, nth, connection }) => {
      if (nth === 1 || connection > 1) socket.write(rawAnswer('{}'));
      else socket.end();
    });
    const transport = createTransport({ access: server.access, clock: systemClock, userAgent: 'escapement/test' });
    cleanUps.push(
      () => transport.close(),
      () => server.close(),
    );
    const kube = createKube(transport);
    await kube.get(secrets, { namespace: 'ns', name: 'first' }, never);
    const end = await call(kube).then(
      () => 'answered',
      (thrown: unknown) => reasonIn(thrown),
    );
    expect([server.calls.length - 1, end]).toEqual([sent, sent === 2 ? 'answered' : 'ApiUnavailable']);
  });
});

describe('discovery', () => {
  it('knows which resources are served at which version', async () => {
    const { transport } = await setUp((request, response) =>
      request.url.pathname === '/apis/external-secrets.io/v1'
        ? answer(response, 200, { resources: [{ name: 'externalsecrets' }, { name: 'externalsecrets/status' }] })
        : answer(response, 404, {}),
    );
    expect(await serves(transport, externalSecrets, never)).toBe(true);
    expect(await serves(transport, { ...externalSecrets, plural: 'pushsecrets' }, never)).toBe(false);
    expect(await serves(transport, clusterThings, never)).toBe(false);
  });

  it('finds out what a status may hold, and is silent about kinds that are not published', async () => {
    const schema = (status: unknown) => ({
      'x-kubernetes-group-version-kind': [{ group: 'external-secrets.io', version: 'v1', kind: 'ExternalSecret' }],
      properties: { status: { properties: status } },
    });
    const condition = (more: object) => ({ items: { properties: { type: { type: 'string' }, ...more } } });
    const answers = [
      schema({ conditions: condition({ type: { enum: ['Ready', 'Deleted'] } }), refreshTime: {} }),
      schema({ conditions: condition({ observedGeneration: {} }), observedGeneration: {} }),
      {},
    ];
    const { transport, server } = await setUp((_request, response) =>
      answer(response, 200, { components: { schemas: { a: answers.shift(), b: {} } } }),
    );
    const detect = async () => (await detectCompatibility(transport, [externalSecrets], never)).get('ExternalSecret');
    expect(await detect()).toEqual({
      observedGeneration: false,
      conditionObservedGeneration: false,
      conditionTypes: ['Ready', 'Deleted'],
    });
    expect(await detect()).toEqual({
      observedGeneration: true,
      conditionObservedGeneration: true,
      conditionTypes: undefined,
    });
    expect(await detect()).toBeUndefined();
    expect(server.requests[0]?.url.pathname).toBe('/openapi/v3/apis/external-secrets.io/v1');
  });
});
