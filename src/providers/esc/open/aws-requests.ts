// One request to AWS and what became of it: calls that are signed, and roles that are assumed, by a token, which needs no
// signature, or by credentials. Keeps nothing.
import { amzDate, sigV4Authorization } from '../../../auth/signing/sigv4.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import type { SecretValue } from '../../../core/secret-value.ts';
import type { Upstream, UpstreamAnswer, UpstreamRequest } from '../../../http/contract.ts';
import { awsError, naming, notFromAws } from './aws-errors.ts';
import { serviceEndpoint } from './aws-regions.ts';
import {
  type AwsCredentials,
  type RoleCredentials,
  readJsonError,
  readRoleCredentials,
  readXmlError,
} from './aws-wire.ts';

/** A call of a service that speaks JSON. */
export interface AwsCall {
  /** Provider and object, for messages: `aws-secrets: secret "a"`. */
  readonly what: string;
  readonly service: 'secretsmanager' | 'ssm';
  /** `secretsmanager.GetSecretValue` */
  readonly target: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly input: object;
}

export interface RoleOrder {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly region: string;
  /** Absent: two hours, as the schema has it, or what a role allows that was left as it is made. */
  readonly durationSeconds?: number | undefined;
  readonly policyArns: readonly string[];
}

/** What a role is assumed by. */
export type RoleProof =
  | {
      readonly token: SecretValue;
      /** Who the token speaks for, for messages. */
      readonly subject: string;
      readonly audience: string;
    }
  | {
      readonly credentials: AwsCredentials;
      /** Whose they are, for messages. */
      readonly principal: string;
    };

/** How a request takes turns at the door. */
type Lane = Pick<UpstreamRequest, 'group' | 'turn'>;

/** A secret has at most 64 KiB, ten parameters 80: the largest in the longest form of JSON. */
const maxBytes = 640 * 1024;

/** The answer of a call that AWS has served. Throws TokenRejected when temporary credentials are refused. */
export async function sendCall(
  call: AwsCall,
  ports: { readonly upstream: Upstream; readonly nowMs: number; readonly lane: Lane },
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  const { credentials, input, region, service, target } = call;
  const { secretAccessKey, sessionToken } = credentials;
  const url = naming(call.what, () => serviceEndpoint(service, region));
  const body = JSON.stringify(input);
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-date': amzDate(ports.nowMs),
    'x-amz-target': target,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken.text() }),
  };
  const authorization = sigV4Authorization(
    { method: 'POST', path: url.pathname, headers: { ...headers, host: url.host }, body },
    { ...credentials, region, service },
  );
  const request = {
    method: 'POST',
    url,
    headers: { ...headers, authorization },
    body,
    maxBytes,
    ...ports.lane,
  } as const;
  const what = `${call.what} at ${url.host}`;
  const answer = await send(ports.upstream, request, call.what, signal);
  if (answer.status === 200) return answer;
  const place = {
    what,
    secrets: [secretAccessKey, sessionToken].flatMap((secret) => (secret === undefined ? [] : [secret.text()])),
    isTemporary: sessionToken !== undefined,
    loginHint: '',
  };
  throw awsError(answer, readJsonError(answer), place);
}

/** Seconds that are asked for when the document names none: the schema's own, then the most that roles allow at first. */
const usualDurations = [7_200, 3_600];

/** Credentials of the role. Throws LoginRejected when STS refuses. */
export async function assumeRole(
  order: RoleOrder,
  proof: RoleProof,
  ports: { readonly upstream: Upstream; readonly nowMs: () => number; readonly lane: Lane },
  signal: AbortSignal,
): Promise<{ readonly credentials: RoleCredentials; readonly answer: UpstreamAnswer }> {
  const what = `aws-login: role "${order.roleArn}"`;
  const url = naming(what, () => serviceEndpoint('sts', order.region));
  const wanted = order.durationSeconds === undefined ? usualDurations : [order.durationSeconds];
  const place = {
    what: `${what} at ${url.host}`,
    secrets: secretsOf(proof),
    isTemporary: false,
    loginHint:
      'token' in proof
        ? `its trust policy must name the cluster's issuer, subject "${proof.subject}" and audience "${proof.audience}"`
        : `its trust policy must let the operator's own identity assume it (${proof.principal})`,
  };
  for (const [at, seconds] of wanted.entries()) {
    const body = formOf(order, proof, seconds);
    const headers = formHeaders(proof, { url, body, region: order.region, nowMs: ports.nowMs() });
    const request = { method: 'POST', url, headers, body, maxBytes, ...ports.lane } as const;
    const answer = await send(ports.upstream, request, what, signal);
    if (answer.status === 200) {
      const credentials = readRoleCredentials(answer);
      if (credentials === undefined) throw notFromAws(place.what);
      return { credentials, answer };
    }
    const said = readXmlError(answer);
    const isTooLong = said.code === 'ValidationError' && said.message.includes('MaxSessionDuration');
    if (!isTooLong || at + 1 === wanted.length) throw awsError(answer, said, place);
  }
  throw new OperatorError('Internal', 'no duration was tried');
}

function secretsOf(proof: RoleProof): readonly string[] {
  if ('token' in proof) return [proof.token.text()];
  const { secretAccessKey, sessionToken } = proof.credentials;
  return [secretAccessKey, sessionToken].flatMap((secret) => (secret === undefined ? [] : [secret.text()]));
}

/** A token is proof enough; credentials sign. */
function formHeaders(
  proof: RoleProof,
  { url, body, region, nowMs }: Readonly<{ url: URL; body: string; region: string; nowMs: number }>,
): Readonly<Record<string, string>> {
  const plain = { 'content-type': 'application/x-www-form-urlencoded' };
  if ('token' in proof) return plain;
  const { credentials } = proof;
  const { sessionToken } = credentials;
  const headers = {
    ...plain,
    'x-amz-date': amzDate(nowMs),
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken.text() }),
  };
  const signed = { method: 'POST', path: url.pathname, headers: { ...headers, host: url.host }, body };
  return { ...headers, authorization: sigV4Authorization(signed, { ...credentials, region, service: 'sts' }) };
}

function formOf(order: RoleOrder, proof: RoleProof, seconds: number): string {
  const policies = order.policyArns.map((arn, at): [string, string] => [`PolicyArns.member.${at + 1}.arn`, arn]);
  return new URLSearchParams([
    ['Action', 'token' in proof ? 'AssumeRoleWithWebIdentity' : 'AssumeRole'],
    ['Version', '2011-06-15'],
    ['RoleArn', order.roleArn],
    ['RoleSessionName', order.sessionName],
    ['DurationSeconds', String(seconds)],
    ...policies,
    ...('token' in proof ? [['WebIdentityToken', proof.token.text()] as [string, string]] : []),
  ]).toString();
}

/** Says what was asked in whatever goes wrong on the way; the door itself names the host. */
async function send(
  upstream: Upstream,
  request: UpstreamRequest,
  what: string,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  try {
    return await upstream.send(request, signal);
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.reason !== 'Aborted') throw thrown.within(what);
    throw thrown;
  }
}
