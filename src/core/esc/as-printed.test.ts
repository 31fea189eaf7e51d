// The documents that ESC's own pages print, with the shapes of the providers they call: placeholders, hosts and indentation
// filled in, nothing else.
import { describe, expect, it } from 'vitest';
import { readDocument } from './declare.ts';
import { opened, problems, secretPaths, shown } from './evaluation.fixture.ts';
import type { Opening, OpeningResult, ProviderShape } from './openings.ts';
import { recordSchema, type Schema } from './schema.ts';
import { textValue, valueOfJson } from './value.ts';

const string: Schema = { type: 'string' };
const anyObject: Schema = { type: 'object', additionalProperties: true };
const names = (each: Schema): Schema => ({ type: 'object', additionalProperties: each, minProperties: 1 });

const shapes: Readonly<Record<string, ProviderShape>> = {
  'infisical-login': {
    inputs: { type: 'object', properties: { oidc: recordSchema({ identityId: string }) } },
    outputs: recordSchema({ accessToken: string }),
  },
  'infisical-secrets': {
    inputs: recordSchema({
      login: recordSchema({ accessToken: string }),
      get: names(recordSchema({ projectId: string, environment: string, secretKey: string })),
    }),
    outputs: names(string),
    aliases: { retrieve: 'get' },
  },
  'aws-login': {
    inputs: recordSchema({ oidc: recordSchema({ roleArn: string, sessionName: string }) }),
    outputs: {
      type: 'object',
      properties: { accessKeyId: string, secretAccessKey: string, sessionToken: string, region: string },
    },
  },
  'aws-secrets': {
    inputs: recordSchema({ region: string, login: anyObject, get: names(recordSchema({ secretId: string })) }),
    outputs: names(string),
  },
  'azure-secrets': {
    inputs: recordSchema({ login: anyObject, get: names({ anyOf: [string, recordSchema({ name: string })] }) }),
    outputs: names(string),
  },
};

const answers: Readonly<Record<string, (opening: Opening) => OpeningResult>> = {
  'infisical-login': () => ({ value: valueOfJson({ accessToken: textValue('token', { secret: true }) }) }),
  'infisical-secrets': ({ inputs }) => {
    const wanted = inputs.members.get('get')?.members.get('apiKey')?.members.get('secretKey')?.data;
    const key = wanted?.kind === 'string' ? wanted.text : '';
    return { value: valueOfJson({ apiKey: `value of ${key}` }, { secret: true }) };
  },
  'aws-login': () => ({
    value: valueOfJson({ accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 'session', region: 'us-west-2' }),
  }),
  'aws-secrets': () => ({ value: valueOfJson({ dbPassword: 'hunter2' }, { secret: true }) }),
  'azure-secrets': () => ({ value: valueOfJson({ secretId: 'datadog' }) }),
};

function printed(text: string, texts: Readonly<Record<string, string>> = {}) {
  const lookUp = { provider: (name: string) => shapes[name], rotator: () => undefined };
  const open = (opening: Opening) => answers[opening.provider]?.(opening) ?? { error: 'unknown' };
  const root = readDocument('env', text);
  expect(problems(opened(root, texts, 'check', { shapes: lookUp }))).toEqual([]);
  const evaluation = opened(root, texts, 'open', { shapes: lookUp, open });
  expect(problems(evaluation)).toEqual([]);
  return evaluation;
}

const oidcLogin = `
values:
  infisical:
    login:
      fn::open::infisical-login:
        oidc:
          identityId: 7d3f0f1c
  environmentVariables:
    ARM_ACCESS_TOKEN: \${infisical.login.accessToken}
`;

describe('a document as printed', () => {
  it('logs in to Infisical', () => {
    const evaluation = printed(oidcLogin);
    expect(shown(evaluation)).toMatchObject({ environmentVariables: { ARM_ACCESS_TOKEN: 'token' } });
    expect(secretPaths(evaluation)).toEqual(['environmentVariables.ARM_ACCESS_TOKEN', 'infisical.login.accessToken']);
  });

  it('reads from Infisical with the login of an import, by `retrieve` and a key with a path', () => {
    const text = `
imports:
  - infisical/oidc-login
values:
  secrets:
    fn::open::infisical-secrets:
      login:
        accessToken: \${infisical.login.accessToken}
      retrieve:
        apiKey:
          projectId: 7d3f0f1c
          environment: dev
          secretKey: /api/service/key
`;
    const evaluation = printed(text, { 'infisical/oidc-login': oidcLogin });
    expect(shown(evaluation)).toMatchObject({ secrets: { apiKey: 'value of /api/service/key' } });
    expect(secretPaths(evaluation)).toContain('secrets');
  });

  it('logs in to AWS and reads a secret with that login', () => {
    const text = `
values:
  aws:
    login:
      fn::open::aws-login:
        oidc:
          roleArn: arn:aws:iam::123456789012:role/esc-oidc
          sessionName: pulumi-environments-session
    secrets:
      fn::open::aws-secrets:
        region: us-west-2
        login: \${aws.login}
        get:
          dbPassword:
            secretId: prod/db-password
  environmentVariables:
    AWS_ACCESS_KEY_ID: \${aws.login.accessKeyId}
    AWS_SECRET_ACCESS_KEY: \${aws.login.secretAccessKey}
    AWS_SESSION_TOKEN: \${aws.login.sessionToken}
  pulumiConfig:
    aws:region: \${aws.login.region}
    dbPassword: \${aws.secrets.dbPassword}
`;
    const evaluation = printed(text);
    expect(shown(evaluation)).toMatchObject({
      environmentVariables: { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_SESSION_TOKEN: 'session' },
      pulumiConfig: { 'aws:region': 'us-west-2', dbPassword: 'hunter2' },
    });
    expect(secretPaths(evaluation)).toContain('pulumiConfig.dbPassword');
  });

  it('holds stack configuration, a secret among it', () => {
    const text =
      'values:\n  pulumiConfig:\n    aws:region: us-west-2\n    myApp:apiKey:\n      fn::secret: demo-api-key-123\n';
    const evaluation = printed(text);
    expect(secretPaths(evaluation)).toEqual(['pulumiConfig["myApp:apiKey"]']);
  });

  it('makes what it opens from Azure secret', () => {
    const text = `
imports: [azure]
values:
  pulumiConfig:
    myApp:datadogApiKey:
      fn::secret:
        fn::open::azure-secrets:
          login: \${azure.login}
          get:
            secretId: https://my-keyvault.vault.azure.net/secrets/datadog-api-key
`;
    const evaluation = printed(text, { azure: 'values: {azure: {login: {clientId: c}}}' });
    expect(secretPaths(evaluation)).toEqual(['pulumiConfig["myApp:datadogApiKey"]']);
  });

  it('overrides what it imports', () => {
    const common = 'values:\n  pulumiConfig:\n    myApp:instanceType: t3.micro\n    myApp:replicas: 1\n';
    const text = `imports:
  - common
values:
  pulumiConfig:
    myApp:instanceType: t3.large  # override for production
    myApp:replicas: 3              # override for production
`;
    expect(shown(printed(text, { common }))).toEqual({
      pulumiConfig: { 'myApp:instanceType': 't3.large', 'myApp:replicas': 3 },
    });
  });
});
