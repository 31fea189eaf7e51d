// A double of the AWS that Environments read from: STS, which judges tokens of ServiceAccounts by the trust policies of its
// roles, Secrets Manager and Systems Manager, which check signatures, rights and regions. All of it goes by AWS's own names.
import { randomBytes, randomUUID } from 'node:crypto';
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import type { Clock } from '../../../src/base/clock.ts';
import { awsAccount } from './aws.ts';
import { type AwsKey, accessKeyOf, signatureFault } from './aws-signature.ts';
import { type CloudAnswer, type CloudRequest, type HttpDouble, startHttpDouble } from './http-double.ts';
import type { Routes } from './routed-door.ts';

export interface RoleRules {
  readonly subject: string;
  readonly audience: string;
  /** ARN of who else may assume it, by its own credentials. */
  readonly principal?: string;
  /** 3,600 when absent, as roles are made. */
  readonly maxSessionSeconds?: number;
  /** Life of its credentials, whatever is asked for. */
  readonly lifeSeconds?: number;
  /** Regular expression over `service:resource`; everything when absent. */
  readonly allows?: RegExp;
}

export interface SecretVersion {
  readonly text?: string;
  /** The text for whoever signed the request. */
  readonly textFor?: (signer: AwsKey | undefined) => string;
  readonly bytes?: Buffer;
  readonly versionId?: string;
  readonly stage?: string;
}

export interface StoredParameter {
  readonly value: string;
  readonly type?: 'String' | 'StringList' | 'SecureString';
  /** `1` or a label; names may be asked for with it. */
  readonly selectors?: readonly string[];
}

export interface AwsApis {
  readonly http: HttpDouble;
  /** Requests by what they asked for: `AssumeRoleWithWebIdentity`, `secretsmanager.GetSecretValue` … */
  asked(): readonly string[];
  /** Roles by name, secrets and parameters by `region/name`. */
  readonly roles: Map<string, RoleRules>;
  readonly secrets: Map<string, readonly SecretVersion[]>;
  readonly parameters: Map<string, StoredParameter>;
  /** Seconds for which it asks all who come to stay away, each service in its way; undefined serves. */
  retryAfterSeconds: number | undefined;
  /** A key of a user, without an end. */
  addUser(name: string, allows?: RegExp): AwsKey;
  /** Every key that was ever given out, by a login or to a user. */
  given(): readonly AwsKey[];
  /** No key is known any more; of one role where that is named. */
  forgetKeys(role?: string): void;
  readonly routes: Routes;
  stop(): Promise<void>;
}

/** The regions that there are. */
const regions = ['us-east-1', 'us-west-2', 'eu-central-1', 'us-gov-west-1', 'cn-north-1'];
const services = ['sts', 'secretsmanager', 'ssm'];

export async function startAwsApis(options: {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Of the cluster: its tokens are taken. */
  readonly issuer: { readonly issuer: string; readonly keys: JSONWebKeySet };
}): Promise<AwsApis> {
  const { clock, issuer } = options;
  const keys = new Map<string, AwsKey & { readonly allows: RegExp }>();
  const given: AwsKey[] = [];
  const roles: AwsApis['roles'] = new Map();
  const secrets: AwsApis['secrets'] = new Map();
  const parameters: AwsApis['parameters'] = new Map();
  const asked: string[] = [];
  const keySet = createLocalJWKSet(issuer.keys);

  const addKey = (arn: string, allows: RegExp, expiresAtMs?: number) => {
    const session = expiresAtMs === undefined ? {} : { sessionToken: randomBytes(60).toString('base64'), expiresAtMs };
    const accessKeyId = `${expiresAtMs === undefined ? 'AKIA' : 'ASIA'}${randomBytes(8).toString('hex').toUpperCase()}`;
    const key = { accessKeyId, secretAccessKey: randomBytes(30).toString('base64'), arn, allows, ...session };
    keys.set(accessKeyId, key);
    given.push(key);
    return key;
  };

  const signer = (request: CloudRequest): Fault | { readonly arn: string } => {
    const code = signatureFault(request, { keys, nowMs: clock.nowMs(), service: 'sts' });
    if (code !== undefined) return { code, message: 'The request is not signed as it must be.' };
    return { arn: keys.get(accessKeyOf(request))?.arn ?? '' };
  };

  const assume = async (request: CloudRequest): Promise<CloudAnswer> => {
    const form = new URLSearchParams(request.body);
    const roleArn = form.get('RoleArn') ?? '';
    const name = roleArn.split(':role/')[1] ?? '';
    const role = roles.get(name);
    const action = form.get('Action');
    const verdict =
      action === 'AssumeRole'
        ? signer(request)
        : await judge(form.get('WebIdentityToken') ?? '', issuer.issuer, keySet);
    if ('code' in verdict) return xmlError(400, verdict.code, verdict.message);
    const isTrusted =
      'arn' in verdict
        ? role?.principal === verdict.arn
        : role?.subject === verdict.subject && verdict.audiences.includes(role.audience);
    if (role === undefined || !isTrusted)
      return xmlError(403, 'AccessDenied', `Not authorized to perform sts:${action}`);
    const seconds = Number(form.get('DurationSeconds') ?? 3_600);
    if (seconds > (role.maxSessionSeconds ?? 3_600)) {
      const text = 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.';
      return xmlError(400, 'ValidationError', text);
    }
    const expiresAtMs = clock.nowMs() + (role.lifeSeconds ?? seconds) * 1_000;
    const arn = `arn:aws:sts::${awsAccount}:assumed-role/${name}/${form.get('RoleSessionName')}`;
    const made = addKey(arn, role.allows ?? /^/, expiresAtMs);
    return assumed(made, arn, new Date(expiresAtMs).toISOString().replace(/\.\d+Z$/, 'Z'), clock.nowMs());
  };

  const getSecret = (region: string, input: Record<string, string>, signer: AwsKey | undefined): CloudAnswer => {
    const { SecretId = '', VersionId, VersionStage } = input;
    const stage = VersionStage ?? (VersionId === undefined ? 'AWSCURRENT' : undefined);
    const version = secrets
      .get(`${region}/${SecretId}`)
      ?.find(
        (each) =>
          (VersionId === undefined || each.versionId === VersionId) &&
          (stage === undefined || (each.stage ?? 'AWSCURRENT') === stage),
      );
    if (version === undefined) {
      return jsonError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    }
    const { bytes, textFor } = version;
    const text = textFor === undefined ? version.text : textFor(signer);
    const value = bytes === undefined ? { SecretString: text } : { SecretBinary: bytes.toString('base64') };
    return { status: 200, body: { Name: SecretId, VersionId: version.versionId, ...value } };
  };

  const getParameters = (
    region: string,
    input: { Names?: readonly string[]; WithDecryption?: boolean },
  ): CloudAnswer => {
    const { Names = [], WithDecryption = false } = input;
    const bare = Names.map((name) => name.split(':')[0]);
    if (Names.length > 10 || new Set(bare).size < Names.length) {
      return jsonError('ValidationException', 'names must be at most ten, and unique');
    }
    const found: object[] = [];
    const missing: string[] = [];
    for (const asName of Names) {
      const [name = '', selector] = asName.split(':');
      const stored = parameters.get(`${region}/${name}`);
      if (stored === undefined || (selector !== undefined && !stored.selectors?.includes(selector))) {
        missing.push(asName);
        continue;
      }
      const { type = 'String', value } = stored;
      const isSealed = type === 'SecureString' && !WithDecryption;
      const ARN = `arn:aws:ssm:${region}:${awsAccount}:parameter/${name.replace(/^\//, '')}`;
      const Selector = selector === undefined ? {} : { Selector: `:${selector}` };
      found.push({ Name: name, ARN, ...Selector, Type: type, Value: isSealed ? `sealed ${value.length}` : value });
    }
    return { status: 200, body: { Parameters: found, InvalidParameters: missing } };
  };

  const serve = (service: string, region: string, request: CloudRequest): CloudAnswer => {
    const nowMs = clock.nowMs();
    const fault = signatureFault(request, { keys, nowMs, service });
    if (fault !== undefined) return jsonError(jsonCodes[fault] ?? fault, `refused at ${new Date(nowMs).toISOString()}`);
    const input = JSON.parse(request.body);
    const key = keys.get(accessKeyOf(request));
    for (const resource of [input.SecretId ?? input.Names].flat()) {
      if (key?.allows.test(`${service}:${resource}`)) continue;
      const text = `User: ${key?.arn} is not authorized to perform: ${service}:Get on resource: ${resource} because no identity-based policy allows it`;
      return jsonError('AccessDeniedException', text);
    }
    return service === 'ssm' ? getParameters(region, input) : getSecret(region, input, key);
  };

  const http = await startHttpDouble(async (request) => {
    const [service = '', region = ''] = (request.headers['host'] ?? '').split('.');
    const form = new URLSearchParams(request.body);
    asked.push(request.headers['x-amz-target'] ?? form.get('Action') ?? '');
    if (double.retryAfterSeconds !== undefined) return throttled(service, double.retryAfterSeconds);
    if (service === 'sts') return await assume(request);
    return serve(service, region, request);
  });
  const names = services.flatMap((service) => regions.map((region) => `${service}.${region}.${domainOf(region)}`));
  const double: AwsApis = {
    http,
    retryAfterSeconds: undefined,
    roles,
    secrets,
    parameters,
    asked: () => [...asked],
    addUser: (name, allows = /^/) => addKey(`arn:aws:iam::${awsAccount}:user/${name}`, allows),
    given: () => [...given],
    forgetKeys(role) {
      for (const [id, { arn }] of keys) if (role === undefined || arn.includes(`/${role}/`)) keys.delete(id);
    },
    routes: Object.fromEntries(names.map((name) => [name, http.url])),
    stop: () => http.stop(),
  };
  return double;
}

export const roleArn = (name: string, partition = 'aws') => `arn:${partition}:iam::${awsAccount}:role/${name}`;

interface Fault {
  readonly code: string;
  readonly message: string;
}

type Verdict = Fault | { readonly subject: string; readonly audiences: readonly string[] };

async function judge(token: string, issuer: string, keySet: ReturnType<typeof createLocalJWKSet>): Promise<Verdict> {
  try {
    const { payload } = await jwtVerify(token, keySet, { issuer });
    return { subject: payload.sub ?? '', audiences: [payload.aud ?? []].flat() };
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      return {
        code: 'ExpiredTokenException',
        message: 'Token expired: current date/time must be before the expiration',
      };
    }
    if (error instanceof errors.JWTClaimValidationFailed) {
      return {
        code: 'InvalidIdentityToken',
        message: 'No OpenIDConnect provider found in your account for that issuer',
      };
    }
    const message = `The ID Token provided is not a valid JWT: ${token}; Request ID: ${randomUUID()}`;
    return { code: 'InvalidIdentityToken', message };
  }
}

function assumed(key: AwsKey, arn: string, expiration: string, nowMs: number): CloudAnswer {
  const body = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>${key.accessKeyId}</AccessKeyId>
      <SecretAccessKey>${key.secretAccessKey}</SecretAccessKey>
      <SessionToken>${key.sessionToken}</SessionToken>
      <Expiration>${expiration}</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`;
  const headers = { 'content-type': 'text/xml', date: new Date(nowMs).toUTCString() };
  return { status: 200, headers, body };
}

function throttled(service: string, seconds: number): CloudAnswer {
  const headers = { 'retry-after': String(seconds) };
  if (service !== 'sts') return jsonError('ThrottlingException', 'Rate exceeded', headers);
  const answer = xmlError(400, 'Throttling', 'Rate exceeded');
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

export function xmlError(status: number, code: string, message: string): CloudAnswer {
  const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${text}</Message></Error></ErrorResponse>`;
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

export function jsonError(code: string, message: string, headers: Readonly<Record<string, string>> = {}): CloudAnswer {
  const body = JSON.stringify({ __type: `com.amazonaws.double#${code}`, message });
  return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.1', ...headers }, body };
}

/** What services that speak JSON call the faults of a signature. */
const jsonCodes: Readonly<Record<string, string>> = {
  InvalidClientTokenId: 'UnrecognizedClientException',
  ExpiredToken: 'ExpiredTokenException',
  SignatureDoesNotMatch: 'InvalidSignatureException',
};

function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}
