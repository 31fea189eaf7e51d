import { describe, expect, it } from 'vitest';
import { seededBytes } from '../../core/generators/random.fixture.ts';
import { inlineDesk } from '../../core/jobs.ts';
import { parseExternalSecret } from '../../crds/external-secret.ts';
import type { GeneratorRefKind } from '../../crds/generators/table.ts';
import type { ObjectName, Resource } from '../../kube/types.ts';
import { Generators } from './generators.ts';

const { signal } = new AbortController();
const generation = { signal, desk: inlineDesk() };
const consumer = { namespace: 'shop', name: 'web' };
const apiVersion = 'generators.external-secrets.io/v1alpha1';
const ref = (kind: GeneratorRefKind | 'Grafana', name = 'g') => ({ apiVersion, kind, name });

/** Generators over objects by `plural/namespace/name`, or `plural/name`. */
function over(objects: Record<string, object>) {
  const held = new Map<string, Set<string>>();
  let tell: (resource: Resource, name: ObjectName) => void = () => {};
  const idOf = ({ plural }: Resource, { namespace, name }: ObjectName) =>
    [plural, ...(namespace === undefined ? [] : [namespace]), name].join('/');
  const generators = new Generators({
    random: seededBytes('s'),
    keyPair: async () => ({ d: 'AAAA', x: 'AAAA' }),
    sendWebhook: async ({ url }) => ({ status: 200, headers: {}, body: Buffer.from(JSON.stringify({ url })) }),
    controllerClass: 'default',
    clock: { nowMs: () => 59_000 },
    objects: {
      hold: (resource, name, holder) =>
        void held.set(holder, (held.get(holder) ?? new Set()).add(idOf(resource, name))),
      release: (holder) => void held.delete(holder),
      read: async <T>(resource: Resource, name: ObjectName) => objects[idOf(resource, name)] as T | undefined,
      subscribe(listener) {
        tell = listener;
        return () => {};
      },
    },
  });
  return { generators, held, changed: (resource: Resource, name: ObjectName) => tell(resource, name) };
}

const object = (spec: object) => ({ metadata: { name: 'g' }, spec });
const seed = {
  'secrets/shop/mfa': {
    metadata: { name: 'mfa' },
    data: { seed: Buffer.from('GEZDGNBV'.repeat(4)).toString('base64') },
  },
};

async function texts(objects: Record<string, object>, kind: GeneratorRefKind) {
  const values = await over(objects).generators.generate(ref(kind), consumer, generation);
  return Object.fromEntries([...values].map(([key, value]) => [key, value.reveal().toString()]));
}

describe('generate', () => {
  it.each([
    ['Fake', { 'fakes/shop/g': object({ data: { a: '1' } }) }, { a: '1' }],
    ['Password', { 'passwords/shop/g': object({}) }, { password: expect.stringMatching(/^.{24}$/) }],
    ['UUID', { 'uuids/shop/g': object({}) }, { uuid: expect.stringMatching(/^.{36}$/) }],
    [
      'SSHKey',
      { 'sshkeys/shop/g': object({ keyType: 'ed25519', comment: 'me' }) },
      { privateKey: expect.stringContaining('OPENSSH'), publicKey: expect.stringMatching(/^ssh-ed25519 \S+ me\n$/) },
    ],
    [
      'MFA',
      { 'mfas/shop/g': object({ secret: { name: 'mfa', key: 'seed' } }), ...seed },
      { token: expect.stringMatching(/^\d{6}$/), timeLeft: '1' },
    ],
    ['Webhook', { 'webhooks/shop/g': object({ url: 'https://h/x', result: {} }) }, { url: 'https://h/x' }],
    [
      'ClusterGenerator',
      { 'clustergenerators/g': object({ kind: 'Fake', generator: { fakeSpec: { data: { a: '1' } } } }) },
      { a: '1' },
    ],
  ] as const)('makes the values of a %s', async (kind, objects, expected) => {
    expect(await texts(objects, kind)).toEqual(expected);
  });

  it('gives other values each time', async () => {
    const { generators } = over({ 'uuids/shop/g': object({}) });
    const one = await generators.generate(ref('UUID'), consumer, generation);
    const other = await generators.generate(ref('UUID'), consumer, generation);
    expect(one.get('uuid')?.reveal()).not.toEqual(other.get('uuid')?.reveal());
  });

  it.each([
    ['a generator of another namespace', { 'uuids/else/g': object({}) }, 'UUID', 'ReferenceNotFound'],
    [
      'a seed that is not there',
      { 'mfas/shop/g': object({ secret: { name: 'x', key: 'k' } }) },
      'MFA',
      'ReferenceNotFound',
    ],
    [
      'a key that the seed has not',
      { 'mfas/shop/g': object({ secret: { name: 'mfa', key: 'k' } }), ...seed },
      'MFA',
      'ReferenceNotFound',
    ],
    ['a spec that does not parse', { 'passwords/shop/g': object({ length: 'long' }) }, 'Password', 'InvalidSpec'],
    ['a spec that cannot be met', { 'passwords/shop/g': object({ length: 500 }) }, 'Password', 'InvalidSpec'],
  ] as const)('fails for %s', async (_, objects, kind, reason) => {
    await expect(texts(objects, kind)).rejects.toMatchObject({ reason, message: expect.stringContaining('"') });
  });

  it('refuses references into another group', async () => {
    const foreign = { ...ref('Password'), apiVersion: 'example.org/v1' };
    await expect(over({}).generators.generate(foreign, consumer, generation)).rejects.toMatchObject({
      reason: 'InvalidSpec',
    });
  });
});

describe('areOurs', () => {
  const specOf = (...refs: readonly object[]) => {
    const spec = { dataFrom: refs.map((generatorRef) => ({ sourceRef: { generatorRef } })) };
    const { ok, issues } = parseExternalSecret({ metadata: { name: 'web' }, spec });
    if (ok === undefined) throw new Error(issues.join());
    return ok.spec;
  };
  const fakeOf = (controller: string) => ({ 'fakes/shop/g': object({ controller }) });

  it.each([
    ['generators that name no class', specOf(ref('UUID')), { 'uuids/shop/g': object({}) }, true],
    ['a generator of our class', specOf(ref('Fake')), fakeOf('default'), true],
    ['a generator that is missing', specOf(ref('UUID')), {}, true],
    ['no generator', specOf(), {}, true],
    ['a generator of another class', specOf(ref('UUID', 'u'), ref('Fake')), fakeOf('other'), false],
    ['a kind that is left to others', specOf(ref('Grafana')), {}, false],
  ])('judges %s', async (_, spec, objects, expected) => {
    expect(await over(objects).generators.areOurs(spec, consumer, signal)).toBe(expected);
  });
});

describe('what was looked at', () => {
  it('is held and wakes the ExternalSecret, until it is released', async () => {
    const { generators, held, changed } = over({
      'mfas/shop/g': object({ secret: { name: 'mfa', key: 'seed' } }),
      ...seed,
    });
    const woken: string[] = [];
    generators.whenChanged((key) => woken.push(key));
    await generators.generate(ref('MFA'), consumer, generation);
    expect([...(held.get('ExternalSecret/shop/web') ?? [])]).toEqual(['mfas/shop/g', 'secrets/shop/mfa']);
    const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
    changed(secrets, { namespace: 'shop', name: 'mfa' });
    changed(secrets, { namespace: 'shop', name: 'other' });
    expect(woken).toEqual(['shop/web']);
    generators.release('shop/web');
    changed(secrets, { namespace: 'shop', name: 'mfa' });
    expect([woken, held.size]).toEqual([['shop/web'], 0]);
  });
});
