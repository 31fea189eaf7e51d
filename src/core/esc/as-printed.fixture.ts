// The documents that ESC's own pages print, with the shapes of the providers they call: placeholders, hosts and indentation
// filled in, nothing else.
import type { Opening, OpeningResult, ProviderShape } from './openings.ts';
import { recordSchema, type Schema } from './schema.ts';
import { textValue, valueOfJson } from './value.ts';

const string: Schema = { type: 'string' };
const anyObject: Schema = { type: 'object', additionalProperties: true };
const names = (each: Schema): Schema => ({ type: 'object', additionalProperties: each, minProperties: 1 });

/** Shapes of the providers that they call. */
export const printedShapes: Readonly<Record<string, ProviderShape>> = {
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

/** What those answer. */
export const printedAnswers: Readonly<Record<string, (opening: Opening) => OpeningResult>> = {
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

/** By what they are for. */
export const printedDocuments = {
  oidcLogin: `
values:
  infisical:
    login:
      fn::open::infisical-login:
        oidc:
          identityId: 7d3f0f1c
  environmentVariables:
    ARM_ACCESS_TOKEN: \${infisical.login.accessToken}
`,

  devConfig: `
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
`,

  awsSecrets: `
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
    dbPassword: \${aws.secrets.dbPassword}
`,

  awsStack: `
values:
  aws:
    login:
      fn::open::aws-login:
        oidc:
          roleArn: arn:aws:iam::123456789012:role/pulumi-deployment-role
          sessionName: pulumi-session
  pulumiConfig:
    aws:region: \${aws.login.region}
  environmentVariables:
    AWS_ACCESS_KEY_ID: \${aws.login.accessKeyId}
    AWS_SECRET_ACCESS_KEY: \${aws.login.secretAccessKey}
    AWS_SESSION_TOKEN: \${aws.login.sessionToken}
`,

  azureSecret: `
imports: [azure]
values:
  pulumiConfig:
    myApp:datadogApiKey:
      fn::secret:
        fn::open::azure-secrets:
          login: \${azure.login}
          get:
            secretId: https://my-keyvault.vault.azure.net/secrets/datadog-api-key
`,

  production: `imports:
  - common
values:
  pulumiConfig:
    myApp:instanceType: t3.large  # override for production
    myApp:replicas: 3              # override for production
`,

  stackConfiguration:
    'values:\n  pulumiConfig:\n    aws:region: us-west-2\n    myApp:apiKey:\n      fn::secret: demo-api-key-123\n',

  azure: 'values: {azure: {login: {clientId: c}}}',

  common: 'values:\n  pulumiConfig:\n    myApp:instanceType: t3.micro\n    myApp:replicas: 1\n',
} as const;
