// Specs that two judges must agree on: the API server with our CRDs, and the readers of this room. For tests only.
import type { ExternalSecret } from './external-secret.ts';
import type { SecretStore } from './secret-store.ts';

export interface Sample {
  readonly why: string;
  readonly spec: unknown;
  /** Path of the field that is wrong; absent when the spec is good. */
  readonly wrong?: string;
  /** What it reads as, where that is the point. */
  readonly reads?: unknown;
}

const selector = { name: 'login', key: 'id' };
const scope = { projectSlug: 'shop', environmentSlug: 'prod' };
const universal = { universalAuthCredentials: { clientId: selector, clientSecret: selector } };

function entry(remoteRef: object, others: object = {}): object {
  return { data: [{ secretKey: 'password', remoteRef, ...others }] };
}

const targetDefaults = { creationPolicy: 'Owner', deletionPolicy: 'Retain' } as const;
const specDefaults = { target: targetDefaults, refreshInterval: '1h0m0s' } as const;

export const externalSecretSamples: readonly Sample[] = [
  { why: 'an empty spec, which the controller refuses with better words', spec: {}, reads: specDefaults },
  {
    why: 'the smallest useful spec',
    spec: { secretStoreRef: { name: 'vault' }, data: [{ secretKey: 'a', remoteRef: { key: 'A' } }] },
    reads: {
      ...specDefaults,
      secretStoreRef: { name: 'vault', kind: 'SecretStore' },
      data: [{ secretKey: 'a', remoteRef: { key: 'A' } }],
    } satisfies ExternalSecret['spec'],
  },
  { why: 'an empty remote key', spec: entry({ key: '' }) },
  {
    why: 'a target without policies',
    spec: { target: { name: 't' } },
    reads: { ...specDefaults, target: { ...targetDefaults, name: 't' } },
  },
  {
    why: 'an empty template with empty metadata',
    spec: { target: { template: { metadata: {} } } },
    reads: {
      ...specDefaults,
      target: { ...targetDefaults, template: { engineVersion: 'v2', mergePolicy: 'Replace', metadata: {} } },
    },
  },
  { why: 'every creation policy: CreateOrMerge', spec: { target: { creationPolicy: 'CreateOrMerge' } } },
  {
    why: 'policies that do not go together: the controller says so',
    spec: { target: { creationPolicy: 'Merge', deletionPolicy: 'Delete' } },
  },
  {
    why: 'a field nobody knows',
    spec: { ...entry({ key: 'A', colour: 'red' }) },
    reads: { ...specDefaults, ...entry({ key: 'A' }) },
  },
  {
    why: 'null where a field may be absent',
    spec: { target: null, data: null, secretStoreRef: null },
    reads: specDefaults,
  },
  {
    why: 'extract and find in one entry',
    spec: { dataFrom: [{ extract: { key: 'a' }, find: { name: { regexp: '^A' } } }] },
  },
  { why: 'a dataFrom entry with nothing in it', spec: { dataFrom: [{}] } },
  {
    why: 'all strategies',
    spec: entry({
      key: 'a',
      conversionStrategy: 'Unicode',
      decodingStrategy: 'Base64URL',
      nullBytePolicy: 'Fail',
      metadataPolicy: 'Fetch',
    }),
  },
  { why: 'a generator', spec: { dataFrom: [{ sourceRef: { generatorRef: { kind: 'Password', name: 'p' } } }] } },
  { why: 'a manifest target', spec: { target: { manifest: { apiVersion: 'v1', kind: 'ConfigMap' } } } },
  {
    why: 'a template target that is a path',
    spec: { target: { template: { templateFrom: [{ literal: '', target: 'spec.a[0]' }] } } },
  },
  {
    why: 'sync windows of all three forms',
    spec: {
      syncWindows: {
        kind: 'allow',
        windows: ['0 2 * * *', '@daily', '@every 6h'].map((schedule) => ({ schedule, duration: '1h' })),
      },
    },
  },
  { why: 'a duration that is none, which the controller refuses', spec: { refreshInterval: 'soon' } },

  {
    why: 'a creation policy in small letters',
    spec: { target: { creationPolicy: 'owner' } },
    wrong: 'spec.target.creationPolicy',
  },
  { why: 'a target name with a capital', spec: { target: { name: 'App' } }, wrong: 'spec.target.name' },
  { why: 'a target name of 254 characters', spec: { target: { name: 'a'.repeat(254) } }, wrong: 'spec.target.name' },
  { why: 'an empty store name', spec: { secretStoreRef: { name: '' } }, wrong: 'spec.secretStoreRef.name' },
  { why: 'a store kind that is none', spec: { secretStoreRef: { kind: 'Vault' } }, wrong: 'spec.secretStoreRef.kind' },
  { why: 'no remote key', spec: entry({}), wrong: 'spec.data[0].remoteRef.key' },
  { why: 'a remote key that is a number', spec: entry({ key: 4 }), wrong: 'spec.data[0].remoteRef.key' },
  { why: 'no remoteRef', spec: { data: [{ secretKey: 'a' }] }, wrong: 'spec.data[0].remoteRef' },
  {
    why: 'a key that no Secret may have',
    spec: { data: [{ secretKey: 'a b', remoteRef: { key: 'A' } }] },
    wrong: 'spec.data[0].secretKey',
  },
  { why: 'data that is an object', spec: { data: {} }, wrong: 'spec.data' },
  { why: 'a source of nothing', spec: entry({ key: 'a' }, { sourceRef: {} }), wrong: 'spec.data[0].sourceRef' },
  {
    why: 'two sources for one entry',
    spec: { dataFrom: [{ sourceRef: { storeRef: { name: 'a' }, generatorRef: { kind: 'UUID', name: 'b' } } }] },
    wrong: 'spec.dataFrom[0].sourceRef',
  },
  {
    why: 'a rewrite of nothing',
    spec: { dataFrom: [{ extract: { key: 'a' }, rewrite: [{}] }] },
    wrong: 'spec.dataFrom[0].rewrite[0]',
  },
  {
    why: 'two rewrites in one step',
    spec: {
      dataFrom: [
        { extract: { key: 'a' }, rewrite: [{ transform: { template: 'x' }, regexp: { source: 'a', target: 'b' } }] },
      ],
    },
    wrong: 'spec.dataFrom[0].rewrite[0]',
  },
  {
    why: 'a generator of an unknown kind',
    spec: { dataFrom: [{ sourceRef: { generatorRef: { kind: 'Dice', name: 'd' } } }] },
    wrong: 'spec.dataFrom[0].sourceRef.generatorRef.kind',
  },
  {
    why: 'template values that are numbers',
    spec: { target: { template: { data: { port: 5432 } } } },
    wrong: 'spec.target.template.data.port',
  },
  {
    why: 'a template version that is gone',
    spec: { target: { template: { engineVersion: 'v1' } } },
    wrong: 'spec.target.template.engineVersion',
  },
  {
    why: 'a manifest without a kind',
    spec: { target: { manifest: { apiVersion: 'v1', kind: '' } } },
    wrong: 'spec.target.manifest.kind',
  },
  { why: 'no windows', spec: { syncWindows: { kind: 'deny', windows: [] } }, wrong: 'spec.syncWindows.windows' },
  {
    why: 'a schedule of six fields',
    spec: { syncWindows: { kind: 'deny', windows: [{ schedule: '0 0 2 * * *', duration: '1h' }] } },
    wrong: 'spec.syncWindows.windows[0].schedule',
  },
  { why: 'an interval that is a number', spec: { refreshInterval: 60 }, wrong: 'spec.refreshInterval' },
];

const infisicalDefaults = {
  auth: universal,
  hostAPI: 'https://app.infisical.com/api',
  secretsScope: { ...scope, secretsPath: '/', recursive: false, expandSecretReferences: true },
} as const;

function infisical(auth: object, others: object = {}): object {
  return { provider: { infisical: { auth, secretsScope: scope, ...others } } };
}

function pulumi(others: object): object {
  return { provider: { pulumi: { organization: 'o', project: 'p', environment: 'e', ...others } } };
}

const oidcPath = 'spec.provider.infisical.auth.oidcAuthCredentials';

export const storeSamples: readonly Sample[] = [
  {
    why: 'Infisical with nothing but what is needed',
    spec: infisical(universal),
    reads: { provider: { infisical: infisicalDefaults } } satisfies SecretStore['spec'],
  },
  { why: 'an empty auth block, which the controller refuses with better words', spec: infisical({}) },
  { why: 'an empty selector', spec: infisical({ tokenAuthCredentials: { accessToken: {} } }) },
  {
    why: 'a ServiceAccount for kubernetes auth',
    spec: infisical({
      kubernetesAuthCredentials: { identityId: selector, serviceAccountRef: { name: 'app', audiences: ['a'] } },
    }),
  },
  {
    why: 'oidc with a ServiceAccount',
    spec: infisical({ oidcAuthCredentials: { identityId: selector, serviceAccountRef: { name: 'app' } } }),
  },
  { why: 'a CA bundle', spec: infisical(universal, { caBundle: 'LS0tLS0=' }) },
  { why: 'Pulumi with the older place of the token', spec: pulumi({ accessToken: { secretRef: selector } }) },
  {
    why: 'Pulumi by OIDC',
    spec: pulumi({ auth: { oidcConfig: { organization: 'o', serviceAccountRef: { name: 'app' } } } }),
    reads: {
      provider: {
        pulumi: {
          apiUrl: 'https://api.pulumi.com/api/esc',
          organization: 'o',
          project: 'p',
          environment: 'e',
          auth: { oidcConfig: { organization: 'o', serviceAccountRef: { name: 'app' }, expirationSeconds: 600 } },
        },
      },
    } satisfies SecretStore['spec'],
  },
  { why: 'an Environment of the same namespace', spec: { provider: { esc: { environment: 'web' } } } },
  { why: 'an Environment of another namespace', spec: { provider: { esc: { environment: 'platform/web.prod' } } } },
  { why: 'fake values', spec: { provider: { fake: { data: [{ key: 'a', value: '' }], validationResult: 2 } } } },
  {
    why: 'a provider that others serve, kept to the last field',
    spec: { provider: { vault: { server: 'https://vault', auth: { token: { deep: [{ a: 1 }] } } } } },
    reads: { provider: { vault: { server: 'https://vault', auth: { token: { deep: [{ a: 1 }] } } } } },
  },
  { why: 'an interval in seconds', spec: { ...infisical(universal), refreshInterval: 60 } },
  { why: 'an interval as a duration', spec: { ...infisical(universal), refreshInterval: '1m' } },
  {
    why: 'conditions of all kinds',
    spec: {
      ...infisical(universal),
      conditions: [
        {
          namespaceSelector: {
            matchLabels: { a: 'b' },
            matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }],
          },
        },
        { namespaces: ['team-a'], namespaceRegexes: ['^team-'] },
      ],
    },
  },
  {
    why: 'settings without effect',
    spec: { ...infisical(universal), controller: 'blue', retrySettings: { maxRetries: 3, retryInterval: '5s' } },
  },

  { why: 'no provider', spec: { controller: 'x' }, wrong: 'spec.provider' },
  { why: 'an empty provider', spec: { provider: {} }, wrong: 'spec.provider' },
  { why: 'two providers', spec: { provider: { fake: { data: [] }, vault: {} } }, wrong: 'spec.provider' },
  {
    why: 'no scope',
    spec: { provider: { infisical: { auth: universal } } },
    wrong: 'spec.provider.infisical.secretsScope',
  },
  {
    why: 'no login',
    spec: { provider: { infisical: { secretsScope: scope } } },
    wrong: 'spec.provider.infisical.auth',
  },
  {
    why: 'half a login',
    spec: infisical({ universalAuthCredentials: { clientId: selector } }),
    wrong: 'spec.provider.infisical.auth.universalAuthCredentials.clientSecret',
  },
  { why: 'oidc without a token', spec: infisical({ oidcAuthCredentials: { identityId: selector } }), wrong: oidcPath },
  {
    why: 'oidc with two tokens',
    spec: infisical({ oidcAuthCredentials: { identityId: selector, jwt: selector, serviceAccountRef: { name: 'a' } } }),
    wrong: oidcPath,
  },
  { why: 'Pulumi without a login', spec: pulumi({}), wrong: 'spec.provider.pulumi' },
  {
    why: 'Pulumi with both places of the login',
    spec: pulumi({ accessToken: {}, auth: { accessToken: {} } }),
    wrong: 'spec.provider.pulumi',
  },
  { why: 'Pulumi with an empty login', spec: pulumi({ auth: {} }), wrong: 'spec.provider.pulumi.auth' },
  {
    why: 'Pulumi with two logins',
    spec: pulumi({ auth: { accessToken: {}, oidcConfig: { organization: 'o', serviceAccountRef: { name: 'a' } } } }),
    wrong: 'spec.provider.pulumi.auth',
  },
  {
    why: 'a token of nine minutes',
    spec: pulumi({
      auth: { oidcConfig: { organization: 'o', serviceAccountRef: { name: 'a' }, expirationSeconds: 540 } },
    }),
    wrong: 'spec.provider.pulumi.auth.oidcConfig.expirationSeconds',
  },
  {
    why: 'a revision of an Environment by tag',
    spec: { provider: { esc: { environment: 'web', version: 'stable' } } },
  },
  {
    why: 'a version that cannot stand behind @',
    spec: { provider: { esc: { environment: 'web', version: 'a b' } } },
    wrong: 'spec.provider.esc.version',
  },
  {
    why: 'an Environment with a version',
    spec: { provider: { esc: { environment: 'web@3' } } },
    wrong: 'spec.provider.esc.environment',
  },
  {
    why: 'a certificate from a Deployment',
    spec: infisical(universal, { caProvider: { type: 'Deployment', name: 'd' } }),
    wrong: 'spec.provider.infisical.caProvider.type',
  },
  {
    why: 'fake values without a value',
    spec: { provider: { fake: { data: [{ key: 'a' }] } } },
    wrong: 'spec.provider.fake.data[0].value',
  },
  {
    why: 'an interval that is true',
    spec: { ...infisical(universal), refreshInterval: true },
    wrong: 'spec.refreshInterval',
  },
  {
    why: 'a namespace with a dot',
    spec: { ...infisical(universal), conditions: [{ namespaces: ['a.b'] }] },
    wrong: 'spec.conditions[0].namespaces[0]',
  },
];
