// What AWS answers: XML of STS, JSON of Secrets Manager and of Systems Manager, and the errors of both. Foreign names stop
// here.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
import * as z from 'zod/mini';
import { isRecord, tryJson } from '../../../base/json.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { UpstreamAnswer } from '../../../http/contract.ts';

/** What requests are signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretValue;
  /** Absent for keys without an end. */
  readonly sessionToken?: SecretValue | undefined;
}

/** Credentials of a role. */
export interface RoleCredentials extends AwsCredentials {
  readonly sessionToken: SecretValue;
  /** Epoch ms by AWS's clock. */
  readonly expiresAtMs: number;
}

/** What an error answer says; empty where it says nothing. */
export interface AwsSaid {
  readonly code: string;
  readonly message: string;
}

/** The credentials in an answer of STS; undefined when they are not there. */
export function readRoleCredentials(answer: UpstreamAnswer): RoleCredentials | undefined {
  const xml = answer.body.toString('utf8');
  const accessKeyId = element(xml, 'AccessKeyId');
  const secretAccessKey = element(xml, 'SecretAccessKey');
  const sessionToken = element(xml, 'SessionToken');
  const expiresAtMs = Date.parse(element(xml, 'Expiration'));
  // The id stands in the Authorization header, where anything else would be part of the syntax.
  if (!isAccessKeyId(accessKeyId) || secretAccessKey === '' || sessionToken === '') return undefined;
  if (Number.isNaN(expiresAtMs)) return undefined;
  return {
    accessKeyId,
    secretAccessKey: new SecretValue(secretAccessKey),
    sessionToken: new SecretValue(sessionToken),
    expiresAtMs,
  };
}

export function isAccessKeyId(text: string): boolean {
  return /^\w{4,128}$/.test(text);
}

export function readXmlError({ body }: UpstreamAnswer): AwsSaid {
  const xml = body.toString('utf8');
  return { code: codeOf(element(xml, 'Code')), message: element(xml, 'Message') };
}

/** The code stands in the body or in a header, alone, behind a namespace, or before an address. */
export function readJsonError(answer: UpstreamAnswer): AwsSaid {
  const json = tryJson(answer.body);
  const said = isRecord(json) ? json : {};
  const type = said['__type'] ?? said['code'] ?? answer.headers['x-amzn-errortype'];
  const message = said['message'] ?? said['Message'];
  return {
    code: codeOf(typeof type === 'string' ? (type.split(':')[0]?.split('#').at(-1) ?? '') : ''),
    message: typeof message === 'string' ? message : '',
  };
}

/** A secret's text or bytes; undefined for another answer. */
export function readSecretValue(answer: UpstreamAnswer): SecretValue | undefined {
  const parsed = secretValue.safeParse(tryJson(answer.body));
  if (!parsed.success) return undefined;
  const { SecretString: text, SecretBinary: binary } = parsed.data;
  if (text !== undefined) return new SecretValue(text);
  return binary === undefined ? undefined : new SecretValue(Buffer.from(binary, 'base64'));
}

const secretValue = z.object({ SecretString: z.optional(z.string()), SecretBinary: z.optional(z.string()) });

export interface Parameter {
  /** The names by which it may have been asked for, `:version` or `:label` among them. */
  readonly names: readonly string[];
  readonly isList: boolean;
  readonly value: SecretValue;
}

/** Parameters, and the names for which there is none; undefined for another answer. */
export function readParameters(
  answer: UpstreamAnswer,
): { readonly found: readonly Parameter[]; readonly missing: readonly string[] } | undefined {
  const parsed = parameters.safeParse(tryJson(answer.body));
  if (!parsed.success) return undefined;
  const { Parameters: found = [], InvalidParameters: missing = [] } = parsed.data;
  return {
    missing,
    found: found.map(({ Name, ARN, Selector = '', Type, Value }) => ({
      names: [Name, ARN].flatMap((name) => (name === undefined ? [] : [`${name}${Selector}`])),
      isList: Type === 'StringList',
      value: new SecretValue(Value),
    })),
  };
}

const parameters = z.object({
  Parameters: z.optional(
    z.array(
      z.object({
        Name: z.string(),
        ARN: z.optional(z.string()),
        Selector: z.optional(z.string()),
        Type: z.optional(z.string()),
        Value: z.string(),
      }),
    ),
  ),
  InvalidParameters: z.optional(z.array(z.string())),
});

/** Codes are words; anything else might be a text that quotes what was sent. */
function codeOf(text: string): string {
  return /^[A-Za-z][\w.-]{0,63}$/.test(text) ? text : '';
}

/** The text of the first such element, or an empty one. The few that matter hold plain text. */
function element(xml: string, name: string): string {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
  return found.trim().replace(/&(?:lt|gt|quot|apos|amp|#39|#x27);/g, (entity) => entities[entity] ?? entity);
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&#x27;': "'",
  '&amp;': '&',
};
