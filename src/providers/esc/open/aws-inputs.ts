// What the providers that read from AWS have in common: their inputs, and entries that are the same are asked for once.

import { OperatorError } from '../../../base/operator-error.ts';
import { readAll } from '../../../base/read-all.ts';
import type { Schema } from '../../../core/esc/schema.ts';
import { type EscValue, objectValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { awsLoginSchema } from './aws-login.ts';
import { type AwsCredentials, isAccessKeyId } from './aws-wire.ts';
import { member, textOf } from './inputs.ts';

/** `region`, `login` and `get`, with entries that look like `entry`. */
export function awsReadSchema(entry: Schema): Schema {
  return {
    type: 'object',
    properties: {
      region: { type: 'string', minLength: 1 },
      login: awsLoginSchema,
      get: { type: 'object', additionalProperties: entry, minProperties: 1 },
    },
    required: ['region', 'login', 'get'],
  };
}

/** The credentials in `login`. Throws InvalidCredential for an id that cannot be one. */
export function credentialsOf(inputs: EscValue, provider: string): AwsCredentials {
  const login = member(inputs, 'login');
  const accessKeyId = textOf(login, 'accessKeyId') ?? '';
  if (!isAccessKeyId(accessKeyId)) {
    throw new OperatorError('InvalidCredential', `${provider}: login.accessKeyId is malformed`);
  }
  const sessionToken = textOf(login, 'sessionToken') ?? '';
  return {
    accessKeyId,
    secretAccessKey: new SecretValue(textOf(login, 'secretAccessKey') ?? ''),
    sessionToken: sessionToken === '' ? undefined : new SecretValue(sessionToken),
  };
}

/** An object with the value of each name; of several failures the first in order, so that it is the same each time. */
export async function eachOf<Entry>(
  entries: readonly Entry[],
  read: (entry: Entry) => Promise<readonly (readonly [name: string, value: EscValue])[]>,
): Promise<EscValue> {
  return objectValue((await readAll(entries.map(read))).flat());
}
