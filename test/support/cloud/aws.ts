// Doubles of AWS: STS, which checks signatures by the published algorithm, the EC2 metadata service (version 2), and the
// endpoint that hands out container credentials. What the latter two give, STS knows.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Clock } from '../../../src/base/clock.ts';
import type { CallerIdentity, StsRequest } from '../infisical-double/verifiers.ts';
import { type AwsKey, accessKeyOf, signatureFault } from './aws-signature.ts';
import { type CloudAnswer, type HttpDouble, startHttpDouble } from './http-double.ts';

export interface AwsDoubles {
  readonly sts: HttpDouble;
  readonly ec2: HttpDouble;
  readonly container: HttpDouble;
  /** Credentials that STS knows from then on. */
  addKey(principal: string, options?: { readonly isSession: boolean }): AwsKey;
  /** STS forgets them all. */
  forgetKeys(): void;
  /** Sends a signed request to STS under its own headers, as Infisical does. Throws when STS refuses. */
  forward(signed: StsRequest): Promise<CallerIdentity>;
  stop(): Promise<void>;
}

export interface AwsDoublesOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Whether STS takes a web identity token. */
  readonly isTrusted?: (webIdentityToken: string) => boolean;
  /** What the container endpoint wants to see as Authorization. */
  readonly containerToken?: string;
  /** Life of what is handed out. */
  readonly lifeMs?: number;
}

export const awsAccount = '111122223333';
export const ec2Role = 'node-role';
export const ec2Region = 'eu-north-1';

export async function startAwsDoubles(options: AwsDoublesOptions): Promise<AwsDoubles> {
  const { clock, isTrusted = () => false, containerToken, lifeMs = 3_600_000 } = options;
  const keys = new Map<string, AwsKey>();
  const addKey = (principal: string, { isSession } = { isSession: true }): AwsKey => {
    const accessKeyId = `${isSession ? 'ASIA' : 'AKIA'}${randomBytes(8).toString('hex').toUpperCase()}`;
    const arn = `arn:aws:${principal.startsWith('user/') ? 'iam' : 'sts'}::${awsAccount}:${principal}`;
    const key = { accessKeyId, secretAccessKey: randomBytes(30).toString('base64'), arn };
    const whole = isSession ? { ...key, sessionToken: randomBytes(60).toString('base64') } : key;
    keys.set(accessKeyId, whole);
    return whole;
  };
  const expiration = () => new Date(clock.nowMs() + lifeMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const handedOut = (principal: string) => {
    const { accessKeyId, secretAccessKey, sessionToken } = addKey(principal);
    return {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: expiration(),
    };
  };

  const assume = (form: URLSearchParams): CloudAnswer => {
    if (!isTrusted(form.get('WebIdentityToken') ?? '')) return stsError(400, 'InvalidIdentityToken');
    const role = form.get('RoleArn')?.split(':role/')[1] ?? '';
    const made = handedOut(`assumed-role/${role}/${form.get('RoleSessionName')}`);
    const elements = Object.entries({ ...made, SessionToken: made.Token }).map(
      ([name, value]) => `<${name}>${value}</${name}>`,
    );
    const credentials = `<Credentials>${elements.join('\n')}</Credentials>`;
    return { status: 200, headers: { 'content-type': 'text/xml' }, body: `<R><Result>${credentials}</Result></R>` };
  };
  const sts = await startHttpDouble((asked) => {
    const form = new URLSearchParams(asked.body);
    if (form.get('Action') === 'AssumeRoleWithWebIdentity') return assume(form);
    const fault = signatureFault(asked, { keys, nowMs: clock.nowMs(), service: 'sts' });
    if (fault !== undefined) return stsError(403, fault);
    const arn = keys.get(accessKeyOf(asked))?.arn;
    const result = { Account: awsAccount, Arn: arn, UserId: 'AIDA' };
    return { status: 200, body: { GetCallerIdentityResponse: { GetCallerIdentityResult: result } } };
  });

  const sessionTokens = new Set<string>();
  const ec2 = await startHttpDouble(({ method, path, headers }) => {
    if (path === '/latest/api/token') {
      if (method !== 'PUT' || !headers['x-aws-ec2-metadata-token-ttl-seconds']) return { status: 405 };
      const token = randomBytes(20).toString('base64url');
      sessionTokens.add(token);
      return { status: 200, body: token };
    }
    if (!sessionTokens.has(headers['x-aws-ec2-metadata-token'] ?? '')) return { status: 401 };
    const folder = '/latest/meta-data/iam/security-credentials/';
    if (path === folder) return { status: 200, body: ec2Role };
    if (path === `${folder}${ec2Role}`) {
      return { status: 200, body: { Code: 'Success', ...handedOut(`assumed-role/${ec2Role}/i-0123456789`) } };
    }
    if (path === '/latest/dynamic/instance-identity/document') return { status: 200, body: { region: ec2Region } };
    return { status: 404 };
  });

  const container = await startHttpDouble(({ headers }) => {
    const isAllowed = containerToken === undefined || headers['authorization'] === containerToken;
    if (!isAllowed) return { status: 403, body: { code: 'AccessDenied', message: `not ${headers['authorization']}` } };
    return { status: 200, body: handedOut('assumed-role/pod-role/eks-pod') };
  });

  return {
    sts,
    ec2,
    container,
    addKey,
    forgetKeys: () => keys.clear(),
    forward: (signed) => forward(sts.url, signed),
    stop: async () => void (await Promise.all([sts.stop(), ec2.stop(), container.stop()])),
  };
}

/** The request goes to the double's own address with the Host that was signed. */
async function forward(url: string, { method, headers, body }: StsRequest): Promise<CallerIdentity> {
  const sent = request(url, { method, headers });
  const answered = new Promise<unknown>((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (answer) => {
      if (answer.statusCode === 200) json(answer).then(resolve, reject);
      else reject(new Error(`STS answered ${answer.statusCode}`));
    });
  });
  sent.end(body);
  const { GetCallerIdentityResponse: reply } = (await answered) as StsReply; // written by the double above
  const { Account: account, Arn: arn } = reply.GetCallerIdentityResult;
  return { account, arn };
}

interface StsReply {
  readonly GetCallerIdentityResponse: {
    readonly GetCallerIdentityResult: { readonly Account: string; readonly Arn: string };
  };
}

function stsError(status: number, code: string): CloudAnswer {
  const body = `<ErrorResponse><Error><Code>${code}</Code><Message>refused at ${status}</Message></Error></ErrorResponse>`;
  return { status, headers: { 'content-type': 'text/xml' }, body };
}
