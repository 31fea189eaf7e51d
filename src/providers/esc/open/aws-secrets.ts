// `aws-secrets`, by the published schema: secrets of AWS Secrets Manager, each by one GetSecretValue. A secret of bytes gives
// those bytes.
// https://www.pulumi.com/docs/esc/integrations/dynamic-secrets/aws-secrets/
import { bytesValue } from '../../../core/esc/value.ts';
import type { AwsAccess } from './aws-access.ts';
import { notFromAws } from './aws-errors.ts';
import { awsReadSchema, credentialsOf, eachOf } from './aws-inputs.ts';
import { readSecretValue } from './aws-wire.ts';
import type { EscProvider } from './contract.ts';
import { member, textOf } from './inputs.ts';

const string = { type: 'string', minLength: 1 } as const;

export function awsSecrets(access: AwsAccess): EscProvider {
  return {
    inputs: awsReadSchema({
      type: 'object',
      properties: { secretId: string, versionId: string, versionStage: string },
      required: ['secretId'],
    }),
    outputs: { type: 'object', additionalProperties: { type: 'string' } },
    secret: true,
    async open(inputs, context, signal) {
      const credentials = credentialsOf(inputs, 'aws-secrets');
      const region = textOf(inputs, 'region') ?? '';
      return await eachOf([...member(inputs, 'get').members], async ([name, entry]) => {
        const [secretId = '', VersionId, VersionStage] = ['secretId', 'versionId', 'versionStage'].map((key) =>
          textOf(entry, key),
        );
        const what = `aws-secrets: secret "${secretId}"`;
        const order = {
          what,
          service: 'secretsmanager',
          target: 'secretsmanager.GetSecretValue',
          region,
          credentials,
          input: { SecretId: secretId, VersionId, VersionStage },
        } as const;
        const value = readSecretValue(await access.call(order, context, signal));
        if (value === undefined) throw notFromAws(what);
        return [[name, bytesValue(value.reveal(), { secret: true })]];
      });
    },
  };
}
