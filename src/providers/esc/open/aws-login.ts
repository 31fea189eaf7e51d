// `aws-login`, by the published schema. In the cluster, `oidc` assumes the role with a token of a ServiceAccount of the
// Environment's own namespace: `serviceAccount` (default `default`), `audience` (default what roles for ServiceAccounts use)
// and `region` (whose STS is asked; default the home of the role's partition) are additions. So is `ambient`, which assumes
// the role as the operator, where the administrator allows that; what the operator itself is never leaves it.
// https://www.pulumi.com/docs/esc/integrations/dynamic-login-credentials/aws-login/
import { OperatorError } from '../../../base/operator-error.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { digestOf } from '../../shared/digest.ts';
import type { AwsAccess, RoleIdentity } from './aws-access.ts';
import { naming } from './aws-errors.ts';
import { regionOfRole, serviceEndpoint } from './aws-regions.ts';
import type { RoleOrder } from './aws-requests.ts';
import type { EscProvider, OpenContext } from './contract.ts';
import { chosenOf, member, textOf, textsOf } from './inputs.ts';

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

const roleProperties = {
  roleArn: { type: 'string', minLength: 20, maxLength: 2_048 },
  sessionName: { type: 'string', minLength: 2, maxLength: 64 },
  duration: { type: 'string', pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$' },
  policyArns: { type: 'array', items: string, maxItems: mostPolicies },
} as const;
const subjectProperties = {
  subjectAttributes: { type: 'array', items: string },
  serviceAccount: string,
  audience: string,
} as const;
const required = ['roleArn', 'sessionName'] as const;

/** Ways to log in, of which one is set. */
const ways = ['oidc', 'ambient', 'static'] as const;

export function awsLogin(access: AwsAccess): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        region: string,
        oidc: { type: 'object', properties: { ...roleProperties, ...subjectProperties }, required },
        ambient: { type: 'object', properties: roleProperties, required },
        static: awsLoginSchema,
      },
      exactlyOne: ways,
    },
    outputs: {
      type: 'object',
      properties: { accessKeyId: string, secretAccessKey: string, sessionToken: string, region: string },
      required: ['accessKeyId', 'secretAccessKey'],
    },
    secret: true,
    async open(inputs, context, signal) {
      const way = chosenOf(inputs, ways);
      if (way === 'static') return given(inputs, textOf(inputs, 'region'));
      const order = orderOf(inputs, way);
      const identity =
        way === 'oidc'
          ? await accountOf(member(inputs, 'oidc'), context, signal)
          : operatorAt(naming('aws-login', () => serviceEndpoint('sts', order.region)).host, context);
      return await openRole(order, identity, access, context, signal);
    },
  };
}

function orderOf(inputs: EscValue, way: 'ambient' | 'oidc'): RoleOrder {
  const block = member(inputs, way);
  const roleArn = textOf(block, 'roleArn') ?? '';
  return {
    roleArn,
    sessionName: textOf(block, 'sessionName') ?? '',
    region: naming('aws-login', () => regionOfRole(roleArn, textOf(inputs, 'region'))),
    durationSeconds: naming('aws-login', () => secondsOf(textOf(block, 'duration') ?? '', way)),
    policyArns: textsOf(block, 'policyArns'),
  };
}

/** A ServiceAccount of the Environment's own namespace. */
async function accountOf(oidc: EscValue, context: OpenContext, signal: AbortSignal): Promise<RoleIdentity> {
  const name = textOf(oidc, 'serviceAccount') ?? 'default';
  const audience = textOf(oidc, 'audience') ?? usualAudience;
  const selector = { name, audiences: [audience] };
  const tokens = await context.credentials.serviceAccount(selector, 'aws-login: oidc.serviceAccount', signal);
  const subject = `system:serviceaccount:${context.namespace}:${name}`;
  return {
    method: 'oidc',
    key: digestOf(tokens.name, tokens.audiences),
    proof: async (waiting) => ({ token: await tokens.mint(waiting), subject, audience }),
  };
}

/** The operator's own identity; what it gives is of the role alone. Throws IdentityDenied where it may not be used. */
function operatorAt(host: string, { credentials }: OpenContext): RoleIdentity {
  const sources = credentials.ambient(host, 'aws-login: ambient');
  return {
    method: 'ambient',
    key: 'operator',
    async proof(waiting) {
      const own = await sources.aws(waiting);
      return { credentials: own, principal: own.principal };
    },
  };
}

async function openRole(
  order: RoleOrder,
  identity: RoleIdentity,
  access: AwsAccess,
  context: OpenContext,
  signal: AbortSignal,
): Promise<EscValue> {
  const { credentials, lifetimeMs } = await access.login(order, identity, context, signal);
  context.noteLifetime?.(lifetimeMs);
  return objectValue([
    ['accessKeyId', textValue(credentials.accessKeyId, { secret: true })],
    ['secretAccessKey', textValue(credentials.secretAccessKey.text(), { secret: true })],
    ['sessionToken', textValue(credentials.sessionToken.text(), { secret: true })],
    ['region', textValue(order.region)],
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
function secondsOf(duration: string, way: string): number | undefined {
  if (duration === '') return undefined;
  const [, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration) ?? [];
  const total = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  if (total >= durations.least && total <= durations.most) return total;
  throw new OperatorError('InvalidSpec', `${way}.duration ${JSON.stringify(duration)} is not between 15m and 12h`);
}
