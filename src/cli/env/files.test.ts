import { describe, expect, it } from 'vitest';
import { printedAnswers, printedDocuments, printedShapes } from '../../core/esc/as-printed.fixture.ts';
import type { EscProvider } from '../../providers/esc/open/contract.ts';
import { directoryOf, env } from './desk.fixture.ts';

async function opened(files: Readonly<Record<string, string>>, root: string, ...flags: readonly string[]) {
  const directory = directoryOf(files);
  const { code, out, errors } = await env(['open', `${directory}/${root}`, ...flags]);
  return { code, value: code === 0 ? JSON.parse(out) : out, errors: errors.replaceAll(directory, 'DIR') };
}

describe('an import of a file', () => {
  const files = {
    'dev.yaml': 'imports: [base, infra/net]\nvalues: {own: "${imports.base.at}", all: "${at}"}',
    'base.yml': 'values: {at: top}',
    'infra/net.yaml': 'imports: [base]\nvalues: {net: "${at}"}',
    'infra/base.yaml': 'values: {at: infra}',
  };

  it('is the file beside it, or in the folder that its name says', async () => {
    expect((await opened(files, 'dev.yaml')).value).toEqual({ at: 'infra', net: 'infra', own: 'top', all: 'infra' });
  });

  it('is found from a folder of the project too', async () => {
    const shop = { ...files, 'shop/app.yaml': 'imports: [infra/net]' };
    expect((await opened(shop, 'shop/app.yaml')).value).toEqual({ at: 'infra', net: 'infra' });
  });

  it('may be a reference', async () => {
    expect(
      (await opened({ ...files, 'x.yaml': 'values: {a: "${environments.infra.base.at}"}' }, 'x.yaml')).value,
    ).toEqual({
      a: 'infra',
    });
  });

  it.each([
    ['that is not there', 'nope', 'there is no file DIR/nope.yaml'],
    ['that leaves the directory', '../../etc/passwd', 'is no name'],
    ['at a version', 'base@3', 'files have no versions'],
  ])('%s is told at its place', async (_, name, problem) => {
    const { code, errors } = await opened({ ...files, 'dev.yaml': `imports:\n  - ${name}\n` }, 'dev.yaml');
    expect(code).toBe(1);
    expect(errors).toMatch(/^DIR\/dev\.yaml:2:5: error: imports\[0\]: /);
    expect(errors).toContain(problem);
  });

  it('with an error is told with its own file and line', async () => {
    const broken = { 'dev.yaml': 'imports: [infra/net]', 'infra/net.yaml': 'values:\n  hosts: 1\n  a: ${host}\n' };
    const { errors } = await opened(broken, 'dev.yaml');
    expect(errors).toBe('DIR/infra/net.yaml:3:8: error: values.a: unknown property "host"; did you mean "hosts"?\n');
  });
});

it('a file may be JSON', async () => {
  const object = { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata: { name: 'a' } };
  const directory = directoryOf({
    'dev.json': '{"imports": ["base"], "values": {"b": "${a}"}}',
    'base.yaml': 'values: {a: 1}',
    'env.json': JSON.stringify({ ...object, spec: { values: { c: 1 } } }),
  });
  expect(JSON.parse((await env(['open', `${directory}/dev.json`])).out)).toEqual({ a: 1, b: 1 });
  expect(JSON.parse((await env(['open', `${directory}/env.json#default/a`])).out)).toEqual({ c: 1 });
});

describe('names with --dir', () => {
  it('are files of that directory', async () => {
    const directory = directoryOf({ 'base.yaml': 'values: {a: 1}', 'shop/dev.yaml': 'imports: [base]' });
    expect(JSON.parse((await env(['open', '--dir', directory, 'shop/dev'])).out)).toEqual({ a: 1 });
  });

  it('are looked for there when a file from elsewhere imports them', async () => {
    const directory = directoryOf({
      'envs/acme/common.yaml': 'values: {a: 1, b: 1}',
      'envs/acme/prod.yaml': 'values: {b: 2}',
    });
    const stack = directoryOf({ 'Pulumi.dev.yaml': 'environment:\n  - acme/common\n  - acme/prod\n' });
    const told = await env(['open', '-d', `${directory}/envs`, `${stack}/Pulumi.dev.yaml`]);
    expect(JSON.parse(told.out)).toEqual({ a: 1, b: 2 });
  });
});

describe('a file of several documents', () => {
  const stream = '# common\nvalues: {a: 1}\n---\n# production\nvalues:\n  b: ${c}\n---\n# nothing\n';

  it('is checked whole, each problem in its line', async () => {
    const directory = directoryOf({ 'all.yaml': stream });
    const { code, out } = await env(['check', `${directory}/all.yaml`]);
    expect([code, out.replaceAll(directory, 'DIR')]).toEqual([
      1,
      'DIR/all.yaml#1: ok, 1 value, 0 of them secret\nDIR/all.yaml:6:8: error: values.b: unknown property "c"\n',
    ]);
  });

  it('is opened by number', async () => {
    const directory = directoryOf({ 'all.yaml': stream, 'app.yaml': 'imports: [all]\n' });
    expect(JSON.parse((await env(['open', `${directory}/all.yaml#1`])).out)).toEqual({ a: 1 });
    expect(JSON.parse((await env(['open', '-#1'], { input: stream })).out)).toEqual({ a: 1 });
    expect(await env(['open', `${directory}/all.yaml`])).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/choose one of \S+all\.yaml#1, \S+all\.yaml#2/),
    });
    expect(await env(['open', `${directory}/all.yaml#3`])).toMatchObject({ code: 2 });
    expect(await env(['open', `${directory}/app.yaml`])).toMatchObject({
      code: 1,
      errors: expect.stringContaining('there are 2 documents in this file, and an import means one'),
    });
  });

  it('is none for marks alone', async () => {
    for (const input of [
      '---\nvalues: {a: 1}\n',
      '%YAML 1.2\n---\nvalues: {a: 1}\n...\n---\n',
      'values: {a: 1}\n---\n',
    ]) {
      expect(JSON.parse((await env(['open', '-'], { input })).out)).toEqual({ a: 1 });
    }
  });
});

it("a stack's configuration stands over its environments, and is told by file and line", async () => {
  const directory = directoryOf({
    'acme/base.yaml': 'values: {pulumiConfig: {"aws:region": us-west-2, "app:size": 1}, a: 1}',
    'Pulumi.dev.yaml': 'environment:\n  - acme/base\nconfig:\n  aws:region: eu-west-1\n  app:key:\n    secure: AAAB\n',
  });
  const told = await env(['open', `${directory}/Pulumi.dev.yaml`, '-f', 'yaml']);
  expect(told.out).toBe('a: 1\npulumiConfig:\n  app:key: "[unknown]"\n  app:size: 1\n  aws:region: eu-west-1\n');
  expect(told.errors.replaceAll(directory, 'DIR')).toMatch(
    /^DIR\/Pulumi\.dev\.yaml:6:5: warning: config\["app:key"\]: is enc/,
  );
});

describe('what comes in', () => {
  it('is a document', async () => {
    const { out } = await env(['get', '-'], { input: 'values: {a: 1}' });
    expect(JSON.parse(out)).toEqual({ a: 1 });
  });

  it('is named in messages', async () => {
    const { code, out } = await env(['check', '-'], { input: 'values: {a: "${b}"}' });
    expect([code, out]).toEqual([1, '<input>:1:13: error: values.a: unknown property "b"\n']);
  });
});

it('a file that cannot be read is told', async () => {
  expect(await env(['check', './nope.yaml'])).toEqual({
    code: 3,
    out: '',
    errors: 'escapement env check: ./nope.yaml: cannot be read (ENOENT)\n',
  });
});

describe('the documents that ESC prints', () => {
  const files = {
    'infisical/oidc-login.yaml': printedDocuments.oidcLogin,
    'my-app/dev-config.yaml': printedDocuments.devConfig,
    'aws.yaml': printedDocuments.awsSecrets,
    'aws-stack.yaml': printedDocuments.awsStack,
    'app.yaml': printedDocuments.azureSecret,
    'azure.yaml': printedDocuments.azure,
    'my-org/common.yaml': printedDocuments.common,
    'my-org/aws-prod.yaml': printedDocuments.production,
    'my-org/demo.yaml': printedDocuments.stackConfiguration,
    'Pulumi.prod.yaml': 'environment:\n  - my-org/demo\n  - my-org/aws-prod\n',
  };
  const providers = Object.fromEntries(
    Object.entries(printedShapes).map(([name, shape]): [string, EscProvider] => {
      const open = async (inputs: Parameters<EscProvider['open']>[0]) => {
        const answer = printedAnswers[name]?.({ inputs } as Parameters<
          NonNullable<(typeof printedAnswers)[string]>
        >[0]);
        if (answer === undefined || 'error' in answer) throw new Error('no answer');
        return answer.value;
      };
      return [name, { ...shape, open }];
    }),
  );

  it.each([
    ['infisical/oidc-login.yaml', { environmentVariables: { ARM_ACCESS_TOKEN: 'token' } }],
    ['my-app/dev-config.yaml', { secrets: { apiKey: 'value of /api/service/key' } }],
    ['aws.yaml', { pulumiConfig: { dbPassword: 'hunter2' } }],
    ['aws-stack.yaml', { pulumiConfig: { 'aws:region': 'us-west-2' } }],
    ['app.yaml', { pulumiConfig: { 'myApp:datadogApiKey': { secretId: 'datadog' } } }],
    ['my-org/aws-prod.yaml', { pulumiConfig: { 'myApp:instanceType': 't3.large', 'myApp:replicas': 3 } }],
    ['Pulumi.prod.yaml', { pulumiConfig: { 'myApp:apiKey': 'demo-api-key-123', 'myApp:replicas': 3 } }],
  ])('evaluate: %s', async (path, value) => {
    const directory = directoryOf(files);
    expect(await env(['check', `${directory}/${path}`], { providers })).toMatchObject({ code: 0, errors: '' });
    const { code, out, errors } = await env(['open', `${directory}/${path}`], { providers });
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(JSON.parse(out)).toMatchObject(value);
  });
});
