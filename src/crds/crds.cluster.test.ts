// The CRDs on a real API server, created plainly under a group of their own, so that neither what the server holds already
// nor other tests matter. Every sample is judged by it as parse.test.ts has it judged by the readers.
import got, { type Response } from 'got';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { parseExternalSecret } from './external-secret.ts';
import { customResourceDefinitions } from './kinds.ts';
import { externalSecretSamples, type Sample, storeSamples } from './samples.ts';
import { parseStore } from './secret-store.ts';

interface Access {
  readonly server: string;
  readonly token: string;
  readonly caPem: string;
}

interface Stored {
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

const access: Access = inject('controlPlane');
const group = `crds-${process.pid.toString(36)}-${Math.trunc(performance.timeOrigin).toString(36)}.example.com`;
const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

async function call(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Response<unknown>> {
  return await got(`${access.server}${path}`, {
    method,
    headers: { authorization: `Bearer ${access.token}` },
    https: { certificateAuthority: access.caPem },
    throwHttpErrors: false,
    responseType: 'json',
    retry: { limit: 0 },
    ...(body !== undefined && { json: body }),
  });
}

/** A CRD as committed, under the group of this run. */
const definitions = customResourceDefinitions().map((crd) => ({
  ...crd,
  metadata: { ...crd.metadata, name: crd.metadata.name.replace(crd.spec.group, group) },
  spec: { ...crd.spec, group },
}));

function collection(plural: string, version = 'v1'): string {
  const namespaced = plural === 'clustersecretstores' ? '' : '/namespaces/default';
  return `/apis/${group}/${version}${namespaced}/${plural}`;
}

function object(kind: string, fields: object, version = 'v1'): object {
  return { apiVersion: `${group}/${version}`, kind, metadata: { name: 'sample' }, ...fields };
}

async function create(plural: string, body: object, query = ''): Promise<Response<unknown>> {
  return await call('POST', `${collection(plural)}${query}`, body);
}

beforeAll(async () => {
  const created = await Promise.all(definitions.map((crd) => call('POST', crdPath, crd)));
  expect(created.map(({ statusCode, body }) => [statusCode, statusCode === 201 ? '' : body])).toEqual(
    definitions.map(() => [201, '']),
  );
  for (const { metadata, spec } of definitions) {
    const plural = metadata.name.slice(0, metadata.name.indexOf('.'));
    const path = `/apis/${group}/${spec.versions[0]?.name}/${plural}`;
    const served = async () => expect((await call('GET', path)).statusCode).toBe(200);
    await vi.waitFor(served, { timeout: 30_000, interval: 100 });
  }
});

afterAll(async () => {
  await Promise.all(definitions.map(({ metadata }) => call('DELETE', `${crdPath}/${metadata.name}`)));
});

it('takes the CRDs as structural, with names accepted', async () => {
  for (const { metadata } of definitions) {
    const { body } = await call('GET', `${crdPath}/${metadata.name}`);
    const { conditions } = (body as { status: { conditions: { type: string; status: string }[] } }).status;
    const states = Object.fromEntries(conditions.map(({ type, status }) => [type, status]));
    expect(states).toMatchObject({ Established: 'True', NamesAccepted: 'True' });
    expect(states).not.toHaveProperty('NonStructuralSchema');
  }
});

/** The fields that a refusal names, written as ours: `spec.data[0].secretKey`. */
function causes(body: unknown): string[] {
  const { details } = body as { details?: { causes?: { field?: string }[] } };
  return details?.causes?.map(({ field }) => field ?? '') ?? [];
}

function judged(
  kind: string,
  plural: string,
  samples: readonly Sample[],
  parse: typeof parseExternalSecret | typeof parseStore,
): void {
  describe(kind, () => {
    for (const { why, spec, wrong } of samples) {
      it(`${wrong === undefined ? 'takes' : 'refuses'} ${why}`, async () => {
        const reply = await create(plural, object(kind, { spec }), '?dryRun=All&fieldValidation=Ignore');
        if (wrong === undefined) {
          expect([reply.statusCode, causes(reply.body)]).toEqual([201, []]);
          // What the server made of it reads as the bare manifest does: both apply the same defaults.
          expect(parse(reply.body).ok?.spec).toEqual(parse(object(kind, { spec })).ok?.spec);
        } else {
          expect(reply.statusCode).toBe(422);
          expect(causes(reply.body)).toContain(wrong);
        }
      });
    }
  });
}

judged('ExternalSecret', 'externalsecrets', externalSecretSamples, parseExternalSecret);
judged('SecretStore', 'secretstores', storeSamples, parseStore);
judged('ClusterSecretStore', 'clustersecretstores', storeSamples, parseStore);

describe('objects in the API server', () => {
  it('are in progress until the operator has looked at them', async () => {
    await create('externalsecrets', object('ExternalSecret', {}));
    const { body } = await call('GET', `${collection('externalsecrets')}/sample`);
    expect((body as Stored).status).toEqual({ observedGeneration: -1 });
  });

  it('keep every condition and field that we report', async () => {
    const path = `${collection('secretstores')}/sample`;
    await create('secretstores', object('SecretStore', { spec: { provider: { fake: { data: [] } } } }));
    const conditions = ['Reconciling', 'Stalled', 'Ready'].map((type) => ({
      type,
      status: 'True',
      reason: 'Valid',
      message: 'm',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }));
    const status = { observedGeneration: 1, conditions, capabilities: 'ReadOnly' };
    const { body } = await call('GET', path);
    const written = await call('PUT', `${path}/status`, { ...(body as Stored), status });
    expect((written.body as Stored).status).toEqual(status);
  });

  it('keep a block of a provider that others serve, to the last field', async () => {
    const provider = {
      vault: { server: 'https://vault', auth: { tokens: [{ deep: { a: [1, null, 'x'] } }] }, flag: false },
    };
    await create('clustersecretstores', object('ClusterSecretStore', { spec: { provider } }));
    const { body } = await call('GET', `${collection('clustersecretstores')}/sample`);
    expect((body as Stored).spec).toEqual({ provider });
  });

  it('can be written as v1beta1 and read as v1', async () => {
    const spec = { secretStoreRef: { name: 's' }, data: [{ secretKey: 'a', remoteRef: { key: 'A' } }] };
    const older = { ...object('ExternalSecret', { spec }, 'v1beta1'), metadata: { name: 'older' } };
    expect((await call('POST', collection('externalsecrets', 'v1beta1'), older)).statusCode).toBe(201);
    const { body } = await call('GET', `${collection('externalsecrets')}/older`);
    expect((body as Stored).spec).toEqual(parseExternalSecret(older).ok?.spec);
  });

  it('get no default into their lists', async () => {
    const templateFrom = [{ secret: { name: 's', items: [{ key: 'k' }] } }];
    const data = [{ secretKey: 'a', remoteRef: { key: 'A' } }];
    const dataFrom = [{ rewrite: [{ merge: {} }], sourceRef: { generatorRef: { kind: 'UUID', name: 'u' } } }];
    const written = object('ExternalSecret', { spec: { target: { template: { templateFrom } }, data, dataFrom } });
    const { body } = await create('externalsecrets', { ...written, metadata: { name: 'lists' } });
    const { spec } = body as {
      spec: { target: { template: { templateFrom: unknown } }; data: unknown; dataFrom: unknown };
    };
    expect([spec.target.template.templateFrom, spec.data, spec.dataFrom]).toEqual([templateFrom, data, dataFrom]);
  });

  it('can be selected by their store', async () => {
    const { body } = await call('GET', `${collection('externalsecrets')}?fieldSelector=spec.secretStoreRef.name%3Ds`);
    expect((body as { items: Stored[] }).items.map(({ metadata }) => metadata.name)).toEqual(['older']);
  });
});
