import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { createKube } from './client.ts';
import { loadClusterAccess } from './config.ts';
import type { Kube } from './contract.ts';
import { detectCompatibility, serves } from './discovery.ts';
import { createEventRecorder } from './events.ts';
import { createToken } from './tokens.ts';
import { createTransport, type Transport } from './transport.ts';
import type { ConfigMap, KubeObject, Resource, Secret } from './types.ts';

const core = { group: '', version: 'v1', namespaced: true } as const;
const namespaces: Resource = { ...core, namespaced: false, plural: 'namespaces', kind: 'Namespace' };
const secrets: Resource = { ...core, plural: 'secrets', kind: 'Secret' };
const configMaps: Resource = { ...core, plural: 'configmaps', kind: 'ConfigMap' };
const serviceAccounts: Resource = { ...core, plural: 'serviceaccounts', kind: 'ServiceAccount' };
const externalSecrets: Resource = {
  group: 'external-secrets.io',
  version: 'v1',
  plural: 'externalsecrets',
  kind: 'ExternalSecret',
  namespaced: true,
};
const manager = { fieldManager: 'escapement-test' };
const never = new AbortController().signal;
const namespace = `client-${randomUUID().slice(0, 8)}`;
let transport: Transport;
let kube: Kube;

beforeAll(async () => {
  const access = await loadClusterAccess({ kubeconfigPath: inject('kubeconfigPath') }, systemClock);
  transport = createTransport({ access, clock: systemClock, userAgent: 'escapement/test' });
  kube = createKube(transport);
  await kube.create(namespaces, { metadata: { name: namespace } }, manager, never);
});

afterAll(async () => {
  await kube.delete(namespaces, { name: namespace }, {}, never);
  transport.close();
});

describe('kube client against an API server', () => {
  it('makes a hundred calls one after the other on one connection', async () => {
    for (let i = 0; i < 100; i++) await kube.get(namespaces, { name: namespace }, never);
    expect(transport.socketCount().calls).toBe(1);
  });

  it('gives Conflict for a stale update, a second create and a delete whose precondition is gone', async () => {
    const name = { namespace, name: 'stale' };
    const first = await kube.create<Secret>(secrets, { metadata: name, data: { a: 'YQ==' } }, manager, never);
    await kube.update<Secret>(secrets, { ...first, data: { a: 'Yg==' } }, manager, never);
    await expect(kube.update<Secret>(secrets, first, manager, never)).rejects.toMatchObject({ reason: 'Conflict' });
    await expect(kube.create<Secret>(secrets, { metadata: name }, manager, never)).rejects.toMatchObject({
      reason: 'Conflict',
    });
    const { resourceVersion = '' } = first.metadata;
    const stale = { preconditions: { resourceVersion } };
    await expect(kube.delete(secrets, name, stale, never)).rejects.toMatchObject({ reason: 'Conflict' });
    await kube.delete(secrets, name, {}, never);
    await kube.delete(secrets, name, {}, never);
    await expect(kube.get(secrets, name, never)).rejects.toMatchObject({ reason: 'ReferenceNotFound' });
  });

  it('patches, with a resourceVersion as its precondition where the patch has one', async () => {
    const name = { namespace, name: 'patched' };
    const first = await kube.create<ConfigMap>(
      configMaps,
      { metadata: name, data: { a: '1', b: '2' } },
      manager,
      never,
    );
    const patched = await kube.mergePatch<ConfigMap>(configMaps, name, { data: { a: null, c: '3' } }, manager, never);
    expect(patched.data).toEqual({ b: '2', c: '3' });
    const stale = { metadata: { resourceVersion: first.metadata.resourceVersion }, data: { d: '4' } };
    await expect(kube.mergePatch(configMaps, name, stale, manager, never)).rejects.toMatchObject({
      reason: 'Conflict',
    });
  });

  it('rejects an invalid Secret by field, without its value', async () => {
    const canary = 'Y2FuYXJ5LWNsdXN0ZXI=';
    const secret: Secret = { metadata: { namespace, name: 'bad' }, data: { 'not a key': canary } };
    const error = await kube.create(secrets, secret, manager, never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'TargetRejected', message: expect.stringContaining('data[not a key]') });
    expect(String(error)).not.toContain(canary);
    expect(String(error)).not.toContain('canary-cluster');
  });

  it('calls a Secret above 1 MiB too large', async () => {
    const big = { big: Buffer.alloc(1_100_000).toString('base64') };
    const created = kube.create<Secret>(secrets, { metadata: { namespace, name: 'big' }, data: big }, manager, never);
    await expect(created).rejects.toMatchObject({ reason: 'TargetTooLarge' });
  });

  it('says which right a ServiceAccount lacks', async () => {
    await kube.create(serviceAccounts, { metadata: { namespace, name: 'weak' } }, manager, never);
    const order = { namespace, name: 'weak', audiences: [], expirationSeconds: 600 };
    const { token } = await createToken(transport, order, never);
    const admin = await loadClusterAccess({ kubeconfigPath: inject('kubeconfigPath') }, systemClock);
    const credentials = { authorization: () => `Bearer ${token.text()}`, refused: () => {} };
    const weak = createTransport({
      access: { ...admin, credentials },
      clock: systemClock,
      userAgent: 'escapement/test',
    });
    const denied = createKube(weak).get(secrets, { namespace, name: 'x' }, never);
    await expect(denied).rejects.toMatchObject({
      reason: 'ApiDenied',
      message: expect.stringContaining(`system:serviceaccount:${namespace}:weak`),
    });
    weak.close();
  });

  it('mints tokens for an audience, and names a ServiceAccount that is missing', async () => {
    await kube.create(serviceAccounts, { metadata: { namespace, name: 'minted' } }, manager, never);
    const order = { namespace, name: 'minted', audiences: ['https://infisical.example'], expirationSeconds: 600 };
    const minted = await createToken(transport, order, never);
    const claims = decodeJwt(minted.token.text());
    expect(claims.aud).toEqual(['https://infisical.example']);
    expect(claims.sub).toBe(`system:serviceaccount:${namespace}:minted`);
    expect(Math.abs(minted.expiresAtMs - (claims.exp ?? 0) * 1_000)).toBeLessThan(2_000);
    const missing = createToken(transport, { ...order, name: 'missing' }, never);
    await expect(missing).rejects.toMatchObject({ reason: 'ReferenceNotFound' });
  });

  it('finds our kinds served, and what their status may hold', async () => {
    expect(await serves(transport, externalSecrets, never)).toBe(true);
    expect(await serves(transport, { ...externalSecrets, version: 'v9' }, never)).toBe(false);
    const found = await detectCompatibility(transport, [externalSecrets], never);
    const status = found.get('ExternalSecret');
    expect(status).toMatchObject({ observedGeneration: true, conditionObservedGeneration: true });
    expect(status?.conditionTypes ?? ['Ready', 'Reconciling', 'Stalled']).toEqual(
      expect.arrayContaining(['Ready', 'Reconciling', 'Stalled']),
    );
  });

  it('writes events that the API server accepts, and counts them up', async () => {
    const subject = await kube
      .get<KubeObject>(serviceAccounts, { namespace, name: 'default' }, never)
      .catch(() =>
        kube.create<KubeObject>(serviceAccounts, { metadata: { namespace, name: 'default' } }, manager, never),
      );
    let nowMs = Date.now();
    const clock = { ...systemClock, nowMs: () => nowMs };
    const sent = Promise.withResolvers<void>();
    const slot = async () => () => sent.resolve();
    const recorder = createEventRecorder({ transport, clock, slot });
    const about = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      name: 'default',
      namespace,
      uid: subject.metadata.uid ?? '',
    };
    const told = { type: 'Normal', reason: 'Tested', message: 'seen' } as const;
    const draft = { subject: about, component: 'external-secrets', ...told };
    recorder.record(draft);
    await sent.promise;
    nowMs += 61_000;
    recorder.record(draft);
    await recorder.stop();
    expect(recorder.dropped()).toBe(0);
    const fieldSelector = encodeURIComponent('reason=Tested');
    const answer = await transport.send(
      { method: 'GET', mayReplay: true, path: `/api/v1/namespaces/${namespace}/events?fieldSelector=${fieldSelector}` },
      never,
    );
    const list: { items: { count: number; source: { component: string } }[] } = JSON.parse(answer.body);
    expect(list.items.map(({ count }) => count)).toEqual([2]);
    expect(list.items[0]?.source.component).toBe(draft.component);
  });
});
