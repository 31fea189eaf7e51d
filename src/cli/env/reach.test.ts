import { describe, expect, it, onTestFinished } from 'vitest';
import { startInfisicalDouble } from '../../../test/support/infisical-double/double.ts';
import { startPulumiDouble } from '../../../test/support/pulumi-double/double.ts';
import { secret } from '../../../test/support/pulumi-double/values.ts';
import { directoryOf, env } from './desk.fixture.ts';

describe('a document that reads from Infisical', () => {
  async function scene() {
    const double = await startInfisicalDouble();
    onTestFinished(() => double.stop());
    const project = double.projects.add({ slug: 'shop', environments: [{ slug: 'dev' }] });
    double.secrets.set({
      project: 'shop',
      environment: 'dev',
      path: '/api/service',
      key: 'key',
      value: 'k3y-of-service',
    });
    const { clientId, clientSecret } = double.identities.add({
      name: 'r',
      universal: {},
      access: { shop: { role: 'viewer' } },
    });
    const login = `{siteUrl: ${double.url}, static: {clientId: ${clientId}, clientSecret: {fn::secret: "${clientSecret}"}}}`;
    const get = `{apiKey: {projectId: ${project.id}, environment: dev, secretKey: /api/service/key}}`;
    const directory = directoryOf({
      'infisical/login.yaml': `values: {infisical: {login: {fn::open::infisical-login: ${login}}}}`,
      'dev.yaml': `imports: [infisical/login]\nvalues:\n  s: {fn::open::infisical-secrets: {login: "\${infisical.login}", retrieve: ${get}}}\n  environmentVariables: {KEY: "\${s.apiKey}"}\n`,
    });
    const variables = { ESCAPEMENT_INSECURE_UPSTREAM_HOSTS: new URL(double.url).host };
    return { double, path: `${directory}/dev.yaml`, variables };
  }

  it('is checked without a request', async () => {
    const { double, path, variables } = await scene();
    expect(await env(['check', path], { variables })).toMatchObject({ code: 0, errors: '' });
    expect(double.requests.counts().total).toBe(0);
  });

  it('opens and runs with one login each, and ends that of the run alone: what is opened is for use', async () => {
    const { double, path, variables } = await scene();
    expect((await env(['open', path, 's.apiKey', '-f', 'string'], { variables })).out).toBe('k3y-of-service\n');
    const script = 'test "$KEY" = k3y-of-service && echo "$KEY"';
    expect(await env(['run', path, '--', 'sh', '-c', script], { variables })).toEqual({
      code: 0,
      out: '[secret]\n',
      errors: '',
    });
    expect(double.requests.counts().byKind).toMatchObject({ login: 2, revoke: 1 });
  });

  it('tells a host that may not be reached, where it is named', async () => {
    const { path } = await scene();
    const { code, errors } = await env(['open', path]);
    expect(code).toBe(1);
    expect(errors).toMatch(/infisical\/login\.yaml:1:\d+: error: values\.infisical\.login: .*insecure-upstream-hosts/);
  });
});

describe('an environment of Pulumi Cloud', () => {
  async function scene() {
    const double = await startPulumiDouble();
    onTestFinished(() => double.stop());
    double.environments.set('acme/shop/prod', { environmentVariables: { A: 'one', B: secret('hunter2') } });
    double.environments.set('acme/shop/prod', { environmentVariables: { A: secret('one'), B: secret('hunter2') } });
    return {
      double,
      variables: {
        ESCAPEMENT_INSECURE_UPSTREAM_HOSTS: double.host,
        PULUMI_BACKEND_URL: `http://${double.host}`,
        PULUMI_ACCESS_TOKEN: double.addToken(['acme']),
      },
    };
  }

  it('is checked, looked at, opened, run and compared', async () => {
    const { double, variables } = await scene();
    const prod = 'pulumi:acme/shop/prod';
    expect(await env(['check', prod], { variables })).toEqual({
      code: 0,
      errors: '',
      out: `${prod}: ok, 2 values, 2 of them secret\n`,
    });
    expect(JSON.parse((await env(['get', prod], { variables })).out)).toEqual({
      environmentVariables: { A: '[secret]', B: '[secret]' },
    });
    expect(double.counts.open).toBe(0);
    expect((await env(['open', `${prod}@1`, '-f', 'shell'], { variables })).out).toBe(
      "export A='one'\nexport B='hunter2'\n",
    );
    const run = ['run', prod, '--', 'sh', '-c', 'echo "$A $B"'];
    expect((await env(run, { variables })).out).toBe('[secret] [secret]\n');
    const changed = '~ environmentVariables.A: string -> string, secret\n';
    for (const operands of [[`${prod}@1`, prod], [`${prod}@1`, '@2'], [`${prod}@1`], [`${prod}:1`]]) {
      expect((await env(['diff', ...operands], { variables })).out).toBe(changed);
    }
  });

  it('is imported by a file that names it, and by any file where imports are said to lie there', async () => {
    const { double, variables } = await scene();
    double.environments.set('acme/default/base', { region: 'eu' });
    const directory = directoryOf({
      'app.yaml': 'imports: [own, pulumi:acme/shop/prod@1]\nvalues: {b: "${environmentVariables.A}-${own}"}',
      'own.yaml': 'values: {own: file}',
      'named.yaml': 'imports: [own, base, shop/prod@1]',
      'Pulumi.dev.yaml': 'environment:\n  - shop/prod\n',
    });
    const named = `${directory}/named.yaml`;
    expect(await env(['check', `${directory}/app.yaml`], { variables })).toMatchObject({ code: 0, errors: '' });
    expect(double.counts.open).toBe(0);
    expect(JSON.parse((await env(['open', `${directory}/app.yaml`], { variables })).out)).toEqual({
      own: 'file',
      b: 'one-file',
      environmentVariables: { A: 'one', B: 'hunter2' },
    });
    const from = ['--imports-from', 'pulumi:acme'];
    const both = { own: 'file', region: 'eu', environmentVariables: { A: 'one', B: '[secret]' } };
    const shown = await env(['open', named, ...from, '--show-secrets=false'], { variables });
    expect(JSON.parse(shown.out)).toEqual(both);
    const run = ['run', `${directory}/Pulumi.dev.yaml`, ...from, '--', 'sh', '-c', 'echo "$A $B"'];
    expect((await env(run, { variables })).out).toBe('[secret] [secret]\n');
    expect(await env(['check', named], { variables })).toMatchObject({
      code: 1,
      out: expect.stringMatching(/named\.yaml:1:16: error: imports\[1\]: .*no file .*--imports-from/),
    });
    expect(await env(['check', named, '--imports-from', 'nowhere'], { variables })).toMatchObject({ code: 2 });
  });

  it('that is imported, and is not there or has errors, is told at the import', async () => {
    const { double, variables } = await scene();
    double.environments.set('acme/shop/broken', { a: '${nope}' });
    const directory = directoryOf({ 'app.yaml': 'imports:\n  - pulumi:acme/shop/nope\n  - pulumi:acme\n' });
    const { code, out } = await env(['check', `${directory}/app.yaml`], { variables });
    expect(code).toBe(1);
    expect(out).toMatch(/app\.yaml:2:5: error: imports\[0\]: .*nope/);
    expect(out).toMatch(/app\.yaml:3:5: error: imports\[1\]: .*write pulumi:ORGANIZATION/);
  });

  it('needs a token, and tells a wrong one', async () => {
    const { variables } = await scene();
    const { PULUMI_ACCESS_TOKEN: _, ...without } = variables;
    for (const each of [without, { ...without, PULUMI_ACCESS_TOKEN: 'pul-nope' }]) {
      const told = await env(['open', 'pulumi:acme/shop/prod'], { variables: each });
      expect(told).toMatchObject({ code: 3, out: '', errors: expect.stringContaining('PULUMI_ACCESS_TOKEN') });
      expect(told.errors).not.toContain('pul-nope');
    }
  });
});

it('a cluster that is not there is told', async () => {
  const directory = directoryOf({
    kubeconfig:
      'current-context: c\nclusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]\ncontexts: [{name: c, context: {cluster: c, namespace: n}}]\n',
  });
  const told = await env(['get', '--kubeconfig', `${directory}/kubeconfig`, 'dev']);
  expect(told).toMatchObject({ code: 3, out: '', errors: expect.stringContaining('127.0.0.1') });
});
