// What may go wrong at each provider that opens from a cloud, in documents of `cases.ts` and at the doubles, and what the cloud
// or we say then.
import { azureVaultName } from './azure-vault.ts';
import { type CloudCase, cloudCases } from './cases.ts';
import { type Clouds, connectHost, vaultHost } from './clouds.ts';
import type { CloudAnswer, HttpDouble } from './http-double.ts';

/** What a document asks for in place of what it does. */
export interface Fault {
  readonly change: (values: object) => object;
  readonly reason: string;
  /** In the cloud's words, or in ours. */
  readonly says: string;
}

export interface Faults {
  /** Of the cloud: those that log in, and the one that reads. */
  readonly hosts: readonly string[];
  readonly missing: Fault;
  readonly forbidden: Fault;
  /** Another region, project, vault, or whatever else the cloud is divided by. */
  readonly elsewhere: Fault;
  /** A login that the cloud refuses, where the provider has one before it. */
  readonly stranger?: Fault;
  /** Asks whoever comes to any of the hosts to stay away for `throttledSeconds`, or serves again. */
  readonly throttle: (clouds: Clouds, isOn: boolean) => void;
  /** Ends all credentials that were given out; absent where none are, or none are used here. */
  readonly end?: (clouds: Clouds) => void;
}

export type FaultKind = 'missing' | 'forbidden' | 'elsewhere' | 'stranger';

export const throttledSeconds = 7;

/** How what must not be told looks: tokens, keys, and access keys of AWS. */
export const credential =
  /eyJ|ASIA|ghs_|ya29|federated-\d|entra-token-\d|hvs\.|pul-|connect-token|another-token|PRIVATE KEY/;

/** The document with a text of it replaced. */
const replacing = (from: string, to: string) => (values: object) =>
  JSON.parse(JSON.stringify(values).replaceAll(from, to)) as object;
const missing = replacing('prod-db', 'nope');
const forbidden = replacing('prod-db', 'sealed');

const headers = { 'retry-after': String(throttledSeconds) };
const answering =
  (doubles: (clouds: Clouds) => readonly HttpDouble[], answer: Pick<CloudAnswer, 'status' | 'body'>) =>
  (clouds: Clouds, isOn: boolean) => {
    for (const double of doubles(clouds)) double.answerWith(isOn ? { ...answer, headers } : undefined);
  };

const ofAws = {
  forbidden: { change: forbidden, reason: 'AccessDenied', says: 'no identity-based policy allows it' },
  stranger: {
    change: replacing('role/reader', 'role/stranger'),
    reason: 'LoginRejected',
    says: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
  },
  throttle({ aws }: Clouds, isOn: boolean) {
    aws.retryAfterSeconds = isOn ? throttledSeconds : undefined;
  },
  end: ({ aws }: Clouds) => aws.forgetKeys(),
};

const faultsOf: Readonly<Record<string, Faults>> = {
  'aws-secrets': {
    ...ofAws,
    hosts: ['sts.us-west-2.amazonaws.com', 'secretsmanager.us-west-2.amazonaws.com'],
    missing: {
      change: missing,
      reason: 'InvalidValue',
      says: "ResourceNotFoundException: Secrets Manager can't find the specified secret",
    },
    elsewhere: {
      change: replacing('us-west-2', 'eu-central-1'),
      reason: 'InvalidValue',
      says: 'secret "prod-db" at secretsmanager.eu-central-1.amazonaws.com',
    },
  },
  'aws-parameter-store': {
    ...ofAws,
    hosts: ['sts.us-west-2.amazonaws.com', 'ssm.us-west-2.amazonaws.com'],
    missing: { change: missing, reason: 'InvalidValue', says: 'there is no parameter "nope" in us-west-2' },
    elsewhere: { change: replacing('us-west-2', 'eu-central-1'), reason: 'InvalidValue', says: 'in eu-central-1' },
  },
  'azure-secrets': {
    hosts: ['login.microsoftonline.com', `${azureVaultName}.vault.azure.net`],
    missing: { change: missing, reason: 'InvalidValue', says: '404 (SecretNotFound)' },
    forbidden: { change: forbidden, reason: 'AccessDenied', says: 'Caller is not authorized' },
    elsewhere: {
      change: replacing(azureVaultName, 'other-vault'),
      reason: 'UpstreamUnavailable',
      says: 'other-vault.vault.azure.net',
    },
    stranger: {
      change: replacing('"oidc":true', '"oidc":true,"serviceAccount":"reader"'),
      reason: 'LoginRejected',
      says: 'No matching federated identity record found for presented assertion subject',
    },
    throttle: answering(({ azure }) => [azure.entra, azure.vault], {
      status: 429,
      body: { error: { code: 'Throttled', message: 'too many' } },
    }),
    end: ({ azure }) => azure.endTokens(),
  },
  'gcp-secrets': {
    hosts: ['sts.googleapis.com', 'iamcredentials.googleapis.com', 'secretmanager.googleapis.com'],
    missing: { change: missing, reason: 'InvalidValue', says: '404 (NOT_FOUND)' },
    forbidden: {
      change: forbidden,
      reason: 'AccessDenied',
      says: "Permission 'secretmanager.versions.access' denied",
    },
    elsewhere: {
      change: replacing('123456789012', '999999999999'),
      reason: 'LoginRejected',
      says: 'check project, workloadPoolId and providerId',
    },
    stranger: {
      change: replacing('"oidc":{', '"oidc":{"kubernetesServiceAccount":"reader",'),
      reason: 'LoginRejected',
      says: 'rejected by the attribute condition',
    },
    throttle: answering(({ google }) => [google.sts, google.iam, google.secretManager], {
      status: 429,
      body: { error: { status: 'RESOURCE_EXHAUSTED', message: 'quota' } },
    }),
    end: ({ google }) => google.endTokens(),
  },
  '1password-secrets': {
    hosts: [connectHost],
    missing: { change: replacing('Shop/Database', 'Shop/Nope'), reason: 'InvalidValue', says: 'no item "Nope"' },
    forbidden: {
      change: replacing('connect-token-', 'another-token-'),
      reason: 'AccessDenied',
      says: 'the token is refused: it is wrong, has ended or was revoked, "Invalid token signature"',
    },
    elsewhere: { change: replacing('op://Shop', 'op://Hidden'), reason: 'ScopeNotFound', says: 'no vault "Hidden"' },
    throttle: answering(({ onePassword }) => [onePassword], { status: 429, body: {} }),
  },
  'gh-login': {
    hosts: ['api.github.com'],
    missing: { change: replacing('"acme"', '"nobody"'), reason: 'ScopeNotFound', says: 'not installed there' },
    forbidden: {
      change: replacing('"owner":"acme"', '"owner":"acme","repositories":["secret"]'),
      reason: 'AccessDenied',
      says: 'There is at least one repository that does not exist',
    },
    elsewhere: { change: replacing('4711', '4712'), reason: 'LoginRejected', says: 'check appId and privateKey' },
    throttle: answering(({ github }) => [github], { status: 403, body: { message: 'secondary rate limit' } }),
  },
  'pulumi-environment': {
    hosts: ['api.pulumi.com'],
    missing: { change: replacing('shop/prod', 'shop/nope'), reason: 'ScopeNotFound', says: 'no such environment' },
    forbidden: {
      change: replacing('{"audience"', '{"serviceAccount":"reader","audience"'),
      reason: 'LoginRejected',
      says: 'the token fits no policy of the organization',
    },
    elsewhere: { change: replacing('acme/', 'other/'), reason: 'LoginRejected', says: 'organization' },
    throttle({ pulumi }, isOn) {
      if (isOn) pulumi.fail('open', { status: 429, headers, body: 'slow down' }); // the next one only
    },
    end: ({ pulumi }) => pulumi.revokeTokens(),
  },
  'vault-secrets': {
    hosts: [vaultHost],
    missing: { change: missing, reason: 'InvalidValue', says: 'there is no such secret' },
    forbidden: { change: forbidden, reason: 'AccessDenied', says: 'the token has no right to read there' },
    elsewhere: {
      change: replacing('"namespace":"shop"', '"namespace":"other"'),
      reason: 'LoginRejected',
      says: 'permission denied',
    },
    stranger: {
      change: replacing('"role":', '"serviceAccount":"reader","role":'),
      reason: 'LoginRejected',
      says: 'invalid subject',
    },
    throttle({ vault }, isOn) {
      vault.faults.splice(0, vault.faults.length, ...(isOn ? [{ path: /^/, status: 429, headers }] : []));
    },
    end: ({ vault }) => vault.endTokens(),
  },
};

export interface FaultyCase extends CloudCase {
  readonly faults: Faults;
}

/** Throws for a provider whose faults nobody has written down. */
export const faultyCases: readonly FaultyCase[] = cloudCases.map((each) => {
  const faults = faultsOf[each.provider];
  if (faults === undefined) throw new Error(`what may fail at ${each.provider}?`);
  return { ...each, faults };
});

/** The faults of a document that a provider knows. */
export function toldFaults({
  missing,
  forbidden,
  elsewhere,
  stranger,
}: Faults): readonly (readonly [FaultKind, Fault])[] {
  const all = { missing, forbidden, elsewhere, ...(stranger && { stranger }) };
  return Object.entries(all) as (readonly [FaultKind, Fault])[]; // by the names above
}

/** In whose name a failure is told: the provider's own, or that of the login before it. */
export function tellers(provider: string): RegExp {
  return new RegExp(`: (?:${provider}|${provider.replace(/-.*$/, '-login')}): `);
}
