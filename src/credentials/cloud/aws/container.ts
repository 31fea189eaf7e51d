// AWS credentials of the container: ECS tasks, and EKS Pod Identity. An endpoint of the environment hands them out, with a
// token from the environment or from a file that is rotated.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

import * as z from 'zod/mini';
import { tryJson } from '../../../base/json.ts';
import { ask, readJsonAs, refusal } from '../answers.ts';
import { containerCredentials } from '../endpoints.ts';
import { readNamedFile } from '../files.ts';
import { type AwsPorts, type AwsSource, foundCredentials } from './found.ts';

const what = 'AWS container credentials';

const reply = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  Token: z.optional(z.string()),
  Expiration: z.optional(z.string()),
  RoleArn: z.optional(z.string()),
});

const complaint = z.object({ code: z.string() });

export const containerRole: AwsSource = async (ports, signal) => {
  const url = containerCredentials(ports.environment);
  if (url === undefined) return undefined;
  const headers = { accept: 'application/json', ...(await authorization(ports, signal)) };
  const answer = await ask(ports.metadata, what, { method: 'GET', url, headers }, signal);
  if (answer.status !== 200) {
    const code = complaint.safeParse(tryJson(answer.body)).data?.code;
    throw refusal(answer, what, { code, hint: 'check the pod identity association, or the role of the task' });
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration, RoleArn } = readJsonAs(answer, what, reply);
  const raw = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: Token,
    expiration: Expiration,
  };
  return foundCredentials(raw, RoleArn ? `container role "${RoleArn}"` : 'the container role');
};

/** The file wins: it is rotated, the variable is not. */
async function authorization(
  { environment, readFile }: AwsPorts,
  signal: AbortSignal,
): Promise<{ authorization?: string }> {
  const variable = 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE';
  const path = environment[variable];
  if (path) return { authorization: (await readNamedFile(readFile, { variable, path }, signal)).text() };
  const token = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  return token ? { authorization: token } : {};
}
