// AWS credentials for a ServiceAccount token (IAM roles for service accounts): STS exchanges the token for those of a role.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
import { ask, refusal, unexpected } from '../answers.ts';
import { namedUrl } from '../endpoints.ts';
import type { CloudEnvironment } from '../environment.ts';
import { type NamedFile, readNamedFile } from '../files.ts';
import { type AwsPorts, type AwsSource, type FoundCredentials, foundCredentials } from './found.ts';
import { configuredRegion } from './region.ts';

const what = 'AWS STS (AssumeRoleWithWebIdentity)';
/** Shows up in CloudTrail and in the ARN of the session. */
const usualSessionName = 'escapement';

export const webIdentity: AwsSource = async (ports, signal) => {
  const { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: path } = ports.environment;
  if (!roleArn || !path) return undefined;
  const tokenFile = { variable: 'AWS_WEB_IDENTITY_TOKEN_FILE', path };
  return assumeByToken(ports, { roleArn, tokenFile, sessionName: ports.environment.AWS_ROLE_SESSION_NAME }, signal);
};

/** Exchanges the token in a file. Throws InvalidCredential for the file, LoginRejected when STS refuses. */
export async function assumeByToken(
  ports: AwsPorts,
  role: { readonly roleArn: string; readonly tokenFile: NamedFile; readonly sessionName: string | undefined },
  signal: AbortSignal,
): Promise<FoundCredentials> {
  const token = await readNamedFile(ports.readFile, role.tokenFile, signal);
  const url = stsEndpoint(ports.environment, await configuredRegion(ports, signal));
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role.roleArn,
    RoleSessionName: role.sessionName || usualSessionName,
    WebIdentityToken: token.text(),
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await ask(ports.upstream, what, { method: 'POST', url, headers, body }, signal);
  // XML is what this API documents; the few elements that matter hold plain text.
  const xml = answer.body.toString('utf8');
  if (answer.status !== 200) {
    const hint = `check the trust policy of role "${role.roleArn}", and the audience and age of the token`;
    throw refusal(answer, what, { code: element(xml, 'Code'), hint });
  }
  const [accessKeyId, secretAccessKey, sessionToken, expiration] = [
    element(xml, 'AccessKeyId'),
    element(xml, 'SecretAccessKey'),
    element(xml, 'SessionToken'),
    element(xml, 'Expiration'),
  ];
  if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined) throw unexpected(what);
  return foundCredentials({ accessKeyId, secretAccessKey, sessionToken, expiration }, `role "${role.roleArn}"`);
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([^<\\s]+)\\s*</${name}>`).exec(xml)?.[1]?.replaceAll('&amp;', '&');
}

/** Regions that the "legacy" setting sends to the global endpoint (sdkref/latest/guide/feature-sts-regionalized-endpoints.html). */
const legacyRegions = new Set(
  (
    'ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 aws-global ca-central-1 eu-central-1 eu-north-1 eu-west-1 ' +
    'eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2'
  ).split(' '),
);

const globalEndpoint = 'https://sts.amazonaws.com/';

function stsEndpoint(environment: CloudEnvironment, region: string | undefined): URL {
  const isIgnored = environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS?.toLowerCase() === 'true';
  const named = isIgnored
    ? undefined
    : (namedUrl(environment, 'AWS_ENDPOINT_URL_STS') ?? namedUrl(environment, 'AWS_ENDPOINT_URL'));
  if (named !== undefined) return named;
  const isLegacy = environment.AWS_STS_REGIONAL_ENDPOINTS?.toLowerCase() === 'legacy';
  if (region === undefined || region === 'aws-global' || (isLegacy && legacyRegions.has(region)))
    return new URL(globalEndpoint);
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return new URL(`https://sts.${encodeURIComponent(region)}.${suffix}/`);
}
