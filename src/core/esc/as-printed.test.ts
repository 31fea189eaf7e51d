// The documents that ESC's own pages print evaluate, checked and opened.
import { describe, expect, it } from 'vitest';
import { printedAnswers, printedDocuments, printedShapes } from './as-printed.fixture.ts';
import { readDocument } from './declare.ts';
import { opened, problems, secretPaths, shown } from './evaluation.fixture.ts';
import type { Opening } from './openings.ts';

function printed(text: string, texts: Readonly<Record<string, string>> = {}) {
  const lookUp = { provider: (name: string) => printedShapes[name], rotator: () => undefined };
  const open = (opening: Opening) => printedAnswers[opening.provider]?.(opening) ?? { error: 'unknown' };
  const root = readDocument('env', text);
  expect(problems(opened(root, texts, 'check', { shapes: lookUp }))).toEqual([]);
  const evaluation = opened(root, texts, 'open', { shapes: lookUp, open });
  expect(problems(evaluation)).toEqual([]);
  return evaluation;
}

describe('a document as printed', () => {
  it('logs in to Infisical', () => {
    const evaluation = printed(printedDocuments.oidcLogin);
    expect(shown(evaluation)).toMatchObject({ environmentVariables: { ARM_ACCESS_TOKEN: 'token' } });
    expect(secretPaths(evaluation)).toEqual(['environmentVariables.ARM_ACCESS_TOKEN', 'infisical.login.accessToken']);
  });

  it('reads from Infisical with the login of an import, by `retrieve` and a key with a path', () => {
    const evaluation = printed(printedDocuments.devConfig, { 'infisical/oidc-login': printedDocuments.oidcLogin });
    expect(shown(evaluation)).toMatchObject({ secrets: { apiKey: 'value of /api/service/key' } });
    expect(secretPaths(evaluation)).toContain('secrets');
  });

  it('logs in to AWS and reads a secret with that login', () => {
    const evaluation = printed(printedDocuments.awsSecrets);
    expect(shown(evaluation)).toMatchObject({
      environmentVariables: { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_SESSION_TOKEN: 'session' },
      pulumiConfig: { dbPassword: 'hunter2' },
    });
    expect(secretPaths(evaluation)).toContain('pulumiConfig.dbPassword');
  });

  it('shares the login of a deployment with configuration and variables', () => {
    expect(shown(printed(printedDocuments.awsStack))).toMatchObject({
      environmentVariables: { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_SESSION_TOKEN: 'session' },
      pulumiConfig: { 'aws:region': 'us-west-2' },
    });
  });

  it('holds stack configuration, a secret among it', () => {
    const evaluation = printed(printedDocuments.stackConfiguration);
    expect(secretPaths(evaluation)).toEqual(['pulumiConfig["myApp:apiKey"]']);
  });

  it('makes what it opens from Azure secret', () => {
    const evaluation = printed(printedDocuments.azureSecret, { azure: printedDocuments.azure });
    expect(secretPaths(evaluation)).toEqual(['pulumiConfig["myApp:datadogApiKey"]']);
  });

  it('overrides what it imports', () => {
    expect(shown(printed(printedDocuments.production, { common: printedDocuments.common }))).toEqual({
      pulumiConfig: { 'myApp:instanceType': 't3.large', 'myApp:replicas': 3 },
    });
  });
});
