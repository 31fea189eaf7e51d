import { randomBytes } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { directoryOf, env } from './desk.fixture.ts';

const environment = (name: string, spec: string) =>
  `apiVersion: escapement.dev/v1alpha1\nkind: Environment\nmetadata: {name: ${name.split('/')[1]}, namespace: ${name.split('/')[0]}}\nspec:\n${spec.replaceAll(/^/gm, '  ')}\n`;
const stream = (...documents: readonly string[]) => documents.join('---\n');

const login = (share: string) =>
  environment('infra/login', `sharedWith: ${share}\nvalues: {token: {fn::secret: t0ken}}`);
const plain = (line: number, column: number) =>
  `DIR/all.yaml:${line}:${column}: warning: values.token: a secret stands here in plain text, for everybody who may read this object: reference a Secret (fn::open::kubernetes-secrets), or run \`escapement env encrypt --key-file env.key -w FILE\` and name the key in spec.encryptionKey\n`;
const app = environment('shop/app', 'imports: [infra/login]\nvalues:\n  a: ${token}\n');

describe('manifests of Environments', () => {
  it('are opened by the rules of the cluster, imports from the files beside them', async () => {
    const directory = directoryOf({ 'app.yaml': app, 'login.yaml': login('{namespaces: [shop]}') });
    const { code, out } = await env(['open', `${directory}/app.yaml`]);
    expect([code, JSON.parse(out)]).toEqual([0, { a: 't0ken', token: 't0ken' }]);
  });

  it('are checked all, with line and column of what is wrong', async () => {
    const broken = environment('shop/broken', 'values:\n  b: ${nope}\n');
    const directory = directoryOf({ 'all.yaml': stream(login('{namespaces: [other]}'), app, broken) });
    const { code, out } = await env(['check', `${directory}/all.yaml`]);
    expect([code, out.replaceAll(directory, 'DIR')]).toEqual([
      1,
      [
        plain(6, 19),
        'DIR/all.yaml#infra/login: ok, 1 value, 1 of them secret\n',
        'DIR/all.yaml:12:13: error: imports[0]: environment "infra/login" does not exist, or is not shared with namespace "shop" (spec.sharedWith)\n',
        'DIR/all.yaml:14:8: error: values.a: unknown property "token"\n',
        'DIR/all.yaml:22:8: error: values.b: unknown property "nope"\n',
      ].join(''),
    ]);
  });

  it.each([
    ['an import', 'imports: [infra/login]'],
    ['an import of an import', 'imports: [own]'],
    ['a reference', 'values: {a: "${environments.infra.login.token}"}'],
  ])('are not reached by %s where they are not shared', async (_, spec) => {
    const own = environment('shop/own', 'imports: [infra/login]');
    const files = { 'all.yaml': stream(login('{namespaces: [other]}'), own, environment('shop/app', spec)) };
    const { code, out, errors } = await env(['open', `${directoryOf(files)}/all.yaml#shop/app`]);
    expect([code, out]).toEqual([1, '']);
    expect(errors).toMatch(/"infra\/login" does not exist, or is not shared with namespace "shop"/);
    expect(errors).not.toContain('t0ken');
  });

  it('are shared by labels of Namespaces that the files hold', async () => {
    const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a}}\n';
    const text = stream(namespace, login('{namespaceSelector: {matchLabels: {team: a}}}'), app);
    const directory = directoryOf({ 'all.yaml': text });
    expect((await env(['get', `${directory}/all.yaml#shop/app`])).code).toBe(0);
  });

  it('may name revisions of one another: a check without them looks at the documents of the files, and says so', async () => {
    const base = environment('shop/base', 'tags: {stable: 1}\nvalues: {host: h}');
    const text = stream(base, environment('shop/app', 'imports: [base@stable]\nvalues: {url: "${host}/"}'));
    const path = `${directoryOf({ 'all.yaml': text })}/all.yaml`;
    const { code, out } = await env(['check', path]);
    expect([code, out.replaceAll(path, 'ALL')]).toEqual([
      0,
      [
        'ALL#shop/base: ok, 1 value, 0 of them secret\n',
        'environment "shop/base@1": warning: the revision is not to be had here: the document of the file is looked at in its place\n',
        'ALL#shop/app: ok, 2 values, 0 of them secret\n',
      ].join(''),
    ]);
    expect(await env(['check', `${path}#shop/app@new`])).toMatchObject({ code: 3 });
    // An open takes what the cluster keeps, or nothing.
    expect(await env(['open', `${path}#shop/app`])).toMatchObject({ code: 3, out: '' });
  });

  it('are chosen by name, the namespace of the command line being that of bare ones', async () => {
    const directory = directoryOf({ 'all.yaml': stream(login('{}'), environment('infra/b', 'values: {x: 1}')) });
    const path = `${directory}/all.yaml`;
    expect(JSON.parse((await env(['open', `${path}#b`, '-n', 'infra'])).out)).toEqual({ x: 1 });
    expect(await env(['open', path])).toMatchObject({ code: 2, errors: expect.stringContaining('holds several') });
    expect(await env(['open', `${path}#infra/c`])).toMatchObject({ code: 3 });
  });

  it.each(['List', 'EnvironmentList'])('are read in a %s, as kubectl writes it, with their places', async (kind) => {
    const typed = kind === 'List' ? { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment' } : {};
    const item = (name: string, spec: object) => ({ ...typed, metadata: { name, namespace: 'shop' }, spec });
    const items = [
      item('a', { imports: ['b'] }),
      item('b', { values: { x: 1 } }),
      item('c', { values: { y: '${z}' } }),
    ];
    const list = { apiVersion: 'escapement.dev/v1alpha1', kind, items };
    const directory = directoryOf({ 'all.yaml': JSON.stringify(list, undefined, 1) });
    const path = `${directory}/all.yaml`;
    const { code, out } = await env(['check', path]);
    expect([code, out.replaceAll(directory, 'DIR').replace(/:\d+:\d+:/, ':LINE:')]).toEqual([
      1,
      [
        'DIR/all.yaml#shop/a: ok, 1 value, 0 of them secret\n',
        'DIR/all.yaml#shop/b: ok, 1 value, 0 of them secret\n',
        'DIR/all.yaml:LINE: error: values.y: unknown property "z"\n',
      ].join(''),
    ]);
    const line =
      JSON.stringify(list, undefined, 1)
        .split('\n')
        .findIndex((text) => text.includes('${z}')) + 1;
    expect(out).toContain(`all.yaml:${line}:`);
    expect(JSON.parse((await env(['open', `${path}#shop/a`])).out)).toEqual({ x: 1 });
  });

  it('are read whatever lies beside them', async () => {
    const bomb = `apiVersion: v1\nkind: ConfigMap\na0: &a0 [x]\n${Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]\n`).join('')}`;
    const directory = directoryOf({
      'app.yaml': app,
      'login.yaml': login('{namespaces: [shop]}'),
      'bomb.yaml': bomb,
      'deep.yaml': `apiVersion: v1\nkind: X\na: ${'['.repeat(50_000)}`,
      'broken.yaml': 'apiVersion: v1\nkind: [',
    });
    symlinkSync('nowhere', `${directory}/dangling.yaml`);
    const paths = ['app', 'login'].map((name) => `${directory}/${name}.yaml`);
    expect(await env(['check', ...paths])).toMatchObject({ code: 0, errors: '' });
    expect((await env(['check', `${directory}/broken.yaml`])).code).toBe(1);
    expect((await env(['check', `${directory}/deep.yaml`])).code).toBe(1);
  });

  it('are encrypted where they lie, and open with the key', async () => {
    const directory = directoryOf({ 'login.yaml': login('{}'), key: randomBytes(32).toString('base64') });
    const key = ['--key-file', `${directory}/key`];
    await env(['encrypt', '-w', `${directory}/login.yaml`, ...key]);
    expect(await env(['check', `${directory}/login.yaml`])).toMatchObject({ code: 0 });
    expect(JSON.parse((await env(['open', `${directory}/login.yaml`, ...key])).out)).toEqual({ token: 't0ken' });
  });
});
