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
    ['aws.yaml', { pulumiConfig: { 'aws:region': 'us-west-2', dbPassword: 'hunter2' } }],
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
