// The AWS region of the operator: the environment, the profile, and on EC2 the instance itself, in this order.
import * as z from 'zod/mini';
import { OperatorError } from '../../../base/operator-error.ts';
import { ask, readJsonAs } from '../answers.ts';
import { ec2Metadata } from '../endpoints.ts';
import type { AwsPorts } from './found.ts';
import { ec2Token, isEc2Disabled } from './instance.ts';
import { readProfile } from './profile.ts';

/** Infisical reads the region out of the signature and refuses longer or odder ones. */
const regionForm = /^[a-z0-9-]{1,20}$/;

/** Throws InvalidCredential when there is none, or a malformed one; and what the metadata service's failure is. */
export async function awsRegion(ports: AwsPorts, signal: AbortSignal): Promise<string> {
  const region = (await configuredRegion(ports, signal)) ?? (await instanceRegion(ports, signal));
  if (regionForm.test(region)) return region;
  throw new OperatorError(
    'InvalidCredential',
    'the AWS region is malformed: set AWS_REGION to one such as eu-central-1',
  );
}

/** The region that the environment or the profile names. */
export async function configuredRegion(ports: AwsPorts, signal: AbortSignal): Promise<string | undefined> {
  const { AWS_REGION: region, AWS_DEFAULT_REGION: usual } = ports.environment;
  return region || usual || (await readProfile(ports, signal)).settings.get('region') || undefined;
}

const identityDocument = z.object({ region: z.string() });

async function instanceRegion(ports: AwsPorts, signal: AbortSignal): Promise<string> {
  const none = 'no AWS region is known: set AWS_REGION on the operator';
  if (isEc2Disabled(ports.environment)) throw new OperatorError('InvalidCredential', none);
  try {
    const what = 'EC2 instance metadata (region)';
    const headers = await ec2Token(ports, signal);
    const url = new URL('latest/dynamic/instance-identity/document', ec2Metadata(ports.environment));
    const answer = await ask(ports.metadata, what, { method: 'GET', url, headers }, signal);
    return readJsonAs(answer, what, identityDocument).region;
  } catch (thrown) {
    // Off EC2 the service does not answer, and asking for it is not what is wrong.
    if (thrown instanceof OperatorError && thrown.reason !== 'Aborted') throw thrown.within(none);
    throw thrown;
  }
}
