import { describe, expect, it } from 'vitest';
import { sealCiphertext } from '../../core/esc/ciphertext.ts';
import { inlineDesk } from '../../core/jobs.ts';
import { checkEnvironment } from './check.ts';
import { type Contents, clusterOf } from './esc.fixture.ts';
import type { EscProvider } from './open/contract.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from './open/kubernetes.ts';

const { signal } = new AbortController();
const table: Readonly<Record<string, EscProvider>> = {
  'kubernetes-secrets': kubernetesSecrets,
  'kubernetes-configmaps': kubernetesConfigMaps,
};

async function check(environments: Contents['environments'], name = 'shop/app', more: Partial<Contents> = {}) {
  const cluster = clusterOf({ environments, ...more });
  const checked = await checkEnvironment(
    name,
    { cluster, providers: new Map(Object.entries(table)), desk: inlineDesk() },
    signal,
  );
  return { ...checked, read: cluster.read };
}

const forAll = { namespaces: ['shop', 'infra'] };

describe('checkEnvironment', () => {
  it('tells type and secretness of every key, and calls no provider for it', async () => {
    const values = {
      text: 'a',
      number: 1,
      list: [1],
      nested: { plain: 1, deep: { 'fn::secret': 'CANARY' } },
      fromSecret: { 'fn::open::kubernetes-secrets': { get: { a: { name: 'db', key: 'a' } } } },
      password: '${fromSecret.a}',
      fromMap: { 'fn::open::kubernetes-configmaps': { get: { a: { name: 'map' } } } },
      url: 'db://${password}',
      copied: '${inherited}',
    };
    const checked = await check({
      'shop/app': { imports: ['base'], values },
      'shop/base': { values: { inherited: true } },
    });
    expect(checked.keys.map(({ name, type, secret }) => `${name} ${type}${secret ? ' secret' : ''}`)).toEqual([
      'copied boolean',
      'fromMap object',
      'fromSecret object secret',
      'inherited boolean',
      'list array',
      'nested object secret',
      'number number',
      'password any secret',
      'text string',
      'url string secret',
    ]);
    expect(checked.errors).toBe(0);
    expect(JSON.stringify(checked)).not.toContain('CANARY');
  });

  it('names what the document names, by import of any version and by reference', async () => {
    const { imports } = await check({
      'shop/app': { imports: ['base@1', 'infra/x'], values: { a: '${environments.infra.y.k}' } },
      'shop/base': {},
      'infra/x': { imports: ['inner'], sharedWith: forAll },
      'infra/inner': { values: { k: 1 } },
      'infra/y': { values: { k: 1 }, sharedWith: forAll },
    });
    expect(imports).toEqual(['infra/x', 'infra/y', 'shop/base@1']);
  });

  it('tells path and cause of what is wrong here and in the same namespace, and a name that was meant', async () => {
    const { diagnostics, errors } = await check({
      'shop/app': { imports: ['base'], values: { db: { host: 'h' }, url: '${db.hosts}' } },
      'shop/base': { values: { a: '${nope}' } },
    });
    expect(errors).toBe(2);
    expect(diagnostics).toEqual([
      expect.objectContaining({ message: 'environment "shop/base": values.a: unknown property "nope"' }),
      { severity: 'error', path: 'values.url', message: expect.any(String), suggestion: 'host' },
    ]);
  });

  it('tells of another namespace only that there is an error, once', async () => {
    const { diagnostics } = await check({
      'shop/app': { imports: ['infra/base'] },
      'infra/base': { values: { private: '${CANARY}', more: '${CANARY2}' }, sharedWith: forAll },
    });
    expect(diagnostics).toEqual([
      { severity: 'error', message: 'environment "infra/base" has an error: see its status' },
    ]);
  });

  it('is incomplete while something that it names is not there, or not shared', async () => {
    expect(await check({ 'shop/app': { imports: ['base'] } })).toMatchObject({ isIncomplete: true, errors: 1 });
    const environments = { 'shop/app': { imports: ['infra/x'] }, 'infra/x': { values: { a: 1 } } };
    expect(await check(environments)).toMatchObject({ isIncomplete: true, errors: 1 });
    const shared = { ...environments, 'infra/x': { values: { a: 1 }, sharedWith: forAll } };
    expect(await check(shared)).toMatchObject({ isIncomplete: false, errors: 0 });
  });

  it('names a cycle whole, across namespaces', async () => {
    const { diagnostics } = await check({
      'shop/app': { imports: ['base'], sharedWith: forAll },
      'shop/base': { imports: ['infra/x'] },
      'infra/x': { imports: ['shop/app'], sharedWith: forAll },
    });
    expect(diagnostics).toContainEqual({
      severity: 'error',
      path: 'imports',
      message: 'cyclic import: shop/app → shop/base → infra/x → shop/app',
    });
  });

  it('warns of secrets in plain text wherever they stand, and of no other use of fn::secret', async () => {
    const values = {
      plain: { 'fn::secret': 'CANARY' },
      deep: [{ a: { 'fn::toJSON': { b: { 'fn::secret': 'CANARY' } } } }],
      sealed: { 'fn::secret': { ciphertext: sealCiphertext(Buffer.alloc(16)) } },
      opened: { 'fn::secret': { 'fn::open::kubernetes-configmaps': { get: { a: { name: { 'fn::secret': 'n' } } } } } },
      empty: { 'fn::secret': '' },
    };
    const { plainSecrets, diagnostics, warnings } = await check({ 'shop/app': { values } });
    expect(plainSecrets).toEqual([
      'values.plain',
      'values.deep[0].a["fn::toJSON"].b',
      'values.opened["fn::secret"]["fn::open::kubernetes-configmaps"].get.a.name',
    ]);
    expect(warnings).toBe(3);
    expect(diagnostics[0]).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('`escapement env encrypt --key-file env.key -w FILE`'),
    });
    expect(JSON.stringify(diagnostics)).not.toContain('CANARY');
  });

  it('stays short, whatever the document holds', async () => {
    const values = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`k${n}${'x'.repeat(500)}`, '${nope}']));
    const imports = Array.from({ length: 200 }, (_, n) => `e${n}`);
    const checked = await check({ 'shop/app': { imports, values } });
    expect(checked.diagnostics.length).toBe(20);
    expect(checked.diagnostics.at(-1)?.message).toMatch(/^\d+ more are not shown$/);
    expect(JSON.stringify(checked).length).toBeLessThan(60_000);
  });
});
