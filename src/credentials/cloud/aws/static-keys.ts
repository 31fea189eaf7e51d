// AWS credentials that somebody wrote down: in the environment, or in the profile of a shared file.
import { OperatorError } from '../../../base/operator-error.ts';
import { type AwsSource, foundCredentials } from './found.ts';
import { readProfile } from './profile.ts';
import { assumeByToken } from './web-identity.ts';

export const environmentKeys: AwsSource = async ({ environment }) => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  // One alone is no choice of this source, as in the SDKs.
  if (!accessKeyId || !secretAccessKey) return undefined;
  const raw = { accessKeyId, secretAccessKey, sessionToken: environment.AWS_SESSION_TOKEN };
  return foundCredentials(raw, 'AWS_ACCESS_KEY_ID of the environment');
};

/** Settings that make a profile useless to a server without the AWS command line tool. */
const foreignSettings = ['sso_session', 'sso_start_url', 'credential_process', 'source_profile', 'credential_source'];

export const profileKeys: AwsSource = async (ports, signal) => {
  const { name, settings } = await readProfile(ports, signal);
  const whose = `profile "${name}"`;
  const roleArn = settings.get('role_arn');
  const tokenPath = settings.get('web_identity_token_file');
  if (roleArn && tokenPath) {
    const tokenFile = { variable: `${whose}: web_identity_token_file`, path: tokenPath };
    return assumeByToken(ports, { roleArn, tokenFile, sessionName: settings.get('role_session_name') }, signal);
  }
  const accessKeyId = settings.get('aws_access_key_id');
  const secretAccessKey = settings.get('aws_secret_access_key');
  if (accessKeyId || secretAccessKey) {
    return foundCredentials({ accessKeyId, secretAccessKey, sessionToken: settings.get('aws_session_token') }, whose);
  }
  const foreign = foreignSettings.find((setting) => settings.has(setting));
  if (foreign === undefined) return undefined;
  throw new OperatorError(
    'InvalidCredential',
    `AWS ${whose} uses ${foreign}, which is not served: give keys, or a role_arn with a web_identity_token_file`,
  );
};
