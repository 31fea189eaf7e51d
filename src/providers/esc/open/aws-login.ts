// `aws-login`, by the published schema. In the cluster, `oidc` assumes the role with a token of a ServiceAccount of the
// Environment's own namespace: `serviceAccount` (default `default`), `audience` (default what roles for ServiceAccounts use)
// and `region` (whose STS is asked; default the home of the role's partition) are additions. The operator's own identity
// is never used.
// https://www.pulumi.com/docs/esc/integrations/dynamic-login-credentials/aws-login/
import { OperatorError } from '../../../base/operator-error.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import type { AwsAccess } from './aws-access.ts';
import { naming } from './aws-errors.ts';
import { regionOfRole } from './aws-regions.ts';
import type { EscProvider, OpenContext } from './contract.ts';
import { member, textOf, textsOf } from './inputs.ts';

const usualAudience = 'sts.amazonaws.com';
const string = { type: 'string', minLength: 1 } as const;

/** Credentials as the other providers of AWS take them. */
export const awsLoginSchema = {
  type: 'object',
  properties: { accessKeyId: string, secretAccessKey: string, sessionToken: { type: 'string' } },
  required: ['accessKeyId', 'secretAccessKey'],
} as const;

/** What STS lets a session last, in seconds. */
const durations = { least: 900, most: 43_200 };
/** What STS takes. */
const mostPolicies = 10;

export function awsLogin(access: AwsAccess): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        region: string,
        oidc: {
          type: 'object',
          properties: {
            roleArn: { type: 'string', minLength: 20, maxLength: 2_048 },
            sessionName: { type: 'string', minLength: 2, maxLength: 64 },
            duration: { type: 'string', pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$' },
            policyArns: { type: 'array', items: string, maxItems: mostPolicies },
            subjectAttributes: { type: 'array', items: string },
            serviceAccount: string,
            audience: string,
          },
          required: ['roleArn', 'sessionName'],
        },
        static: awsLoginSchema,
      },
    },
    outputs: {
      type: 'object',
      properties: { accessKeyId: string, secretAccessKey: string, sessionToken: string, region: string },
      required: ['accessKeyId', 'secretAccessKey'],
    },
    secret: true,
    async open(inputs, context, signal) {
      const isOidc = inputs.members.has('oidc');
      if (isOidc === inputs.members.has('static')) {
        throw new OperatorError('InvalidSpec', 'aws-login: set exactly one of oidc and static');
      }
      const region = textOf(inputs, 'region');
      return isOidc ? await openRole(member(inputs, 'oidc'), region, access, context, signal) : given(inputs, region);
    },
  };
}

async function openRole(
  oidc: EscValue,
  namedRegion: string | undefined,
  access: AwsAccess,
  context: OpenContext,
  signal: AbortSignal,
): Promise<EscValue> {
  const roleArn = textOf(oidc, 'roleArn') ?? '';
  const region = naming('aws-login', () => regionOfRole(roleArn, namedRegion));
  const name = textOf(oidc, 'serviceAccount') ?? 'default';
  const audience = textOf(oidc, 'audience') ?? usualAudience;
  const order = {
    roleArn,
    sessionName: textOf(oidc, 'sessionName') ?? '',
    region,
    durationSeconds: naming('aws-login', () => secondsOf(textOf(oidc, 'duration') ?? '')),
    policyArns: textsOf(oidc, 'policyArns'),
    subject: `system:serviceaccount:${context.namespace}:${name}`,
    audience,
  };
  const selector = { name, audiences: [audience] };
  const tokens = await context.credentials.serviceAccount(selector, 'aws-login: oidc.serviceAccount', signal);
  const { credentials, lifetimeMs } = await access.login(order, tokens, context, signal);
  context.noteLifetime?.(lifetimeMs);
  return objectValue([
    ['accessKeyId', textValue(credentials.accessKeyId, { secret: true })],
    ['secretAccessKey', textValue(credentials.secretAccessKey.text(), { secret: true })],
    ['sessionToken', textValue(credentials.sessionToken.text(), { secret: true })],
    ['region', textValue(region)],
  ]);
}

function given(inputs: EscValue, region: string | undefined): EscValue {
  const block = member(inputs, 'static');
  const keys = ['accessKeyId', 'secretAccessKey', 'sessionToken'];
  const entries = keys.map((key) => [key, textOf(block, key) ?? ''] as const).filter(([, text]) => text !== '');
  return objectValue([
    ...entries.map(([key, text]) => [key, textValue(text, { secret: true })] as const),
    ...(region === undefined ? [] : [['region', textValue(region)] as const]),
  ]);
}

/** `1h30m` in seconds; undefined for an empty text. Throws InvalidSpec for what STS would refuse. */
function secondsOf(duration: string): number | undefined {
  if (duration === '') return undefined;
  const [, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration) ?? [];
  const total = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  if (total >= durations.least && total <= durations.most) return total;
  throw new OperatorError('InvalidSpec', `oidc.duration ${JSON.stringify(duration)} is not between 15m and 12h`);
}
