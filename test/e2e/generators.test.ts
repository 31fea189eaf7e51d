// Generators on a real API server: what they give, when a value changes, and when it must not.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { condition } from '../support/wait.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('generators');
});
afterAll(() => scene.end());

const generators = 'generators.external-secrets.io/v1alpha1';
const uuid = (name: string) => ({ apiVersion: generators, kind: 'UUID', metadata: { name }, spec: {} });
const consumer = (name: string, kind: string, spec: object = {}) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
  metadata: { name },
  spec: { refreshInterval: '1h', dataFrom: [{ sourceRef: { generatorRef: { kind, name } } }], ...spec },
});

/** What stays meanwhile had its turn: an ExternalSecret beside it gets a new value every second. */
async function othersChange(times: number): Promise<void> {
  const name = 'sentinel';
  await scene.apply(uuid(name), consumer(name, 'UUID', { refreshInterval: '1s' }));
  await scene.whenSynced(name);
  for (let n = 0; n < times; n++) {
    const before = (await scene.secretData(name))?.['uuid'];
    await scene.secrets.until(name, 'has another value', (one) => decoded(one)['uuid'] !== before);
  }
}

async function manifest(name: string): Promise<string> {
  return await readFile(join(import.meta.dirname, '..', '..', 'docs', 'manifests', `${name}.yaml`), 'utf8');
}

describe('the manifests of docs/generators.md', () => {
  it('give a password once', async () => {
    await scene.apply(await manifest('generator-password'));
    await scene.whenSynced('database-password');
    expect(await scene.secretData('database-password')).toEqual({
      password: expect.stringMatching(/^[a-zA-Z0-9\-_$@]{32}$/),
    });
  });

  it('give an identifier, a key pair under other keys, and fixed values', async () => {
    await scene.apply(await manifest('generators'));
    await scene.whenSynced('generated');
    expect(await scene.secretData('generated')).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'ssh-private': expect.stringContaining('BEGIN OPENSSH PRIVATE KEY'),
      'ssh-public': expect.stringMatching(/^ssh-ed25519 \S+ deploy@example.com\n$/),
      region: 'eu',
    });
  });
});

describe('the Webhook of docs/generators.md', () => {
  it('sends what the page says, and gives the members of what is answered', async () => {
    const seen: string[] = [];
    const endpoint = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
        response.end(JSON.stringify({ data: { session: { token: scene.value('session'), seconds: 900 } } }));
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void endpoint.close());
    const { port } = endpoint.address() as AddressInfo; // of a TCP server
    const key = scene.value('service-key');
    const page = (await manifest('generator-webhook'))
      .replace('https://tokens.example.com', `http://127.0.0.1:${port}`)
      .replace('change-me', key);
    await scene.apply(page);
    await scene.whenSynced('session');
    expect(await scene.secretData('session')).toEqual({ token: scene.value('session'), seconds: '900' });
    const caller = createHash('sha256').update(key).digest('hex');
    expect(seen).toEqual([`POST /v1/sessions?caller=${caller} Bearer ${key} {"audience": "shop"}`]);
  });

  it('whose Secret has not the label says so, and sends nothing', async () => {
    const name = 'unlabelled';
    const spec = {
      url: 'https://127.0.0.1:9/',
      headers: { A: '{{ .s.k }}' },
      result: {},
      secrets: [{ name: 's', secretRef: { name } }],
    };
    await scene.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { k: scene.value('unlabelled') } },
      { apiVersion: generators, kind: 'Webhook', metadata: { name }, spec },
      consumer(name, 'Webhook'),
    );
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain('external-secrets.io/type: webhook');
    expect(condition(failed, 'Stalled')?.reason).toBe('ReferenceDenied');
  });
});

describe('a generated value', () => {
  it('changes at the interval', async () => {
    await scene.apply(uuid('beat'), consumer('beat', 'UUID', { refreshInterval: '2s' }));
    await scene.whenSynced('beat');
    const first = await scene.secretData('beat');
    await scene.secrets.until('beat', 'is another', (one) => decoded(one)['uuid'] !== first?.['uuid']);
  });

  it('stays through a restart and an edit of its generator', async () => {
    const names = ['kept', 'kept-once', 'kept-zero'];
    await scene.apply(
      ...names.map(uuid),
      consumer('kept', 'UUID'),
      consumer('kept-once', 'UUID', { refreshPolicy: 'CreatedOnce' }),
      consumer('kept-zero', 'UUID', { refreshInterval: '0' }),
    );
    for (const name of names) await scene.whenSynced(name);
    const before = await Promise.all(names.map((name) => scene.secretData(name)));
    await scene.operator().stop();
    await scene.startOperator();
    await scene.apply(uuid('after'), consumer('after', 'UUID'));
    await scene.whenSynced('after');
    await scene.apply({ ...uuid('kept'), metadata: { name: 'kept', labels: { touched: 'yes' } } });
    await othersChange(2);
    expect(await Promise.all(names.map((name) => scene.secretData(name)))).toEqual(before);
  });
});

describe('an ExternalSecret whose generator is missing', () => {
  it('says so, and is synced as soon as there is one', async () => {
    await scene.apply(consumer('late', 'UUID'));
    await scene.whenFailed('late');
    await scene.apply(uuid('late'));
    await scene.whenSynced('late');
  });
});

describe('an ExternalSecret of a generator that is served elsewhere', () => {
  it.each([
    ['by its class', consumer('foreign-class', 'Fake'), { controller: 'other', data: { a: '1' } }],
    ['by its kind', consumer('foreign-kind', 'Grafana'), undefined],
  ])('is left alone %s', async (_, manifestOf, fake) => {
    const { name } = manifestOf.metadata;
    if (fake !== undefined) await scene.apply({ apiVersion: generators, kind: 'Fake', metadata: { name }, spec: fake });
    await scene.apply(manifestOf);
    await othersChange(2);
    const [seen] = scene.externalSecrets.history(name).slice(-1);
    expect(seen?.object.status).toEqual({ observedGeneration: -1 });
  });
});
