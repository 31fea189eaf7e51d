// AWS credentials of the EC2 instance's role, by version 2 of the metadata service: a session token first, then the name
// of the role, then its credentials.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
import * as z from 'zod/mini';
import { OperatorError } from '../../../base/operator-error.ts';
import { ask, readJsonAs, refusal, unexpected } from '../answers.ts';
import { ec2Metadata } from '../endpoints.ts';
import type { CloudEnvironment } from '../environment.ts';
import { type AwsPorts, type AwsSource, foundCredentials } from './found.ts';

const what = 'EC2 instance metadata';
const tokenSeconds = 21_600;

const roleCredentials = z.object({
  Code: z.string(),
  AccessKeyId: z.optional(z.string()),
  SecretAccessKey: z.optional(z.string()),
  Token: z.optional(z.string()),
  Expiration: z.optional(z.string()),
});

export function isEc2Disabled({ AWS_EC2_METADATA_DISABLED: disabled }: CloudEnvironment): boolean {
  return disabled?.toLowerCase() === 'true';
}

/** The header that every question after the first must carry. Throws what asking throws. */
export async function ec2Token(
  { environment, metadata }: AwsPorts,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const url = new URL('latest/api/token', ec2Metadata(environment));
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenSeconds) };
  const answer = await ask(metadata, what, { method: 'PUT', url, headers }, signal);
  if (answer.status !== 200) throw refusal(answer, what, { hint: 'is the metadata service of the instance enabled?' });
  const token = answer.body.toString('latin1').trim();
  if (!/^[\x21-\x7e]{1,1024}$/.test(token)) throw unexpected(what);
  return { 'x-aws-ec2-metadata-token': token };
}

export const instanceRole: AwsSource = async (ports, signal) => {
  if (isEc2Disabled(ports.environment)) return undefined;
  const headers = await sessionHeaders(ports, signal);
  const folder = new URL('latest/meta-data/iam/security-credentials/', ec2Metadata(ports.environment));
  const get = (url: URL) => ask(ports.metadata, what, { method: 'GET', url, headers }, signal);
  const names = await get(folder);
  const hint = 'the instance has no role: attach an instance profile';
  if (names.status !== 200) throw refusal(names, what, { hint });
  const role = names.body.toString('utf8').trim().split(/\s/)[0] ?? '';
  if (!/^[\w+=,.@-]{1,128}$/.test(role))
    throw role === '' ? new OperatorError('LoginRejected', `${what}: ${hint}`) : unexpected(what);
  const answer = await get(new URL(encodeURIComponent(role), folder));
  if (answer.status !== 200) throw refusal(answer, what, { hint });
  const said = readJsonAs(answer, what, roleCredentials);
  if (said.Code !== 'Success') {
    throw new OperatorError(
      'LoginRejected',
      `${what} has no credentials for role "${role}": check the role's trust policy`,
    );
  }
  const raw = { accessKeyId: said.AccessKeyId, secretAccessKey: said.SecretAccessKey, sessionToken: said.Token };
  return foundCredentials({ ...raw, expiration: said.Expiration }, `instance role "${role}"`);
};

/** Where nothing else is configured this service is only a guess: what is wrong may be that the others are not. */
async function sessionHeaders(ports: AwsPorts, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  try {
    return await ec2Token(ports, signal);
  } catch (thrown) {
    if (!(thrown instanceof OperatorError) || thrown.reason !== 'UpstreamUnavailable') throw thrown;
    throw thrown.within(
      'no AWS credentials in the environment, in files or for the pod, and none from the node (pods need a hop limit of 2 there)',
    );
  }
}
