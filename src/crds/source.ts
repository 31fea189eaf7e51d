// Where the values of an ExternalSecret come from: references to remote values, searches, generators, key rewrites.
import * as z from 'zod/mini';
import { about, dataKey, defaulted, exactlyOne, objectName, oneOf, optional, text, textList, textMap } from './kit.ts';

export const decodingStrategies = ['Auto', 'Base64', 'Base64URL', 'None'] as const;

const strategies = {
  conversionStrategy: optional(
    oneOf(['Default', 'Unicode'], 'How characters are replaced that a key may not hold; absent means Default.'),
  ),
  decodingStrategy: optional(oneOf(decodingStrategies, 'How values are decoded; absent means None.')),
  nullBytePolicy: optional(oneOf(['Ignore', 'Fail'], 'What to do about zero bytes in a value; absent means Ignore.')),
};

const storeName = optional(objectName('Name of the store.'));
const storeKind = oneOf(['SecretStore', 'ClusterSecretStore'], 'Kind of the store; absent means SecretStore.');
const storeRefFields = z.object({ name: storeName, kind: optional(storeKind) });

/** The default is written into the object, so that `kubectl get` shows it. */
export const defaultStoreRefFields = z.object({ name: storeName, kind: defaulted(storeKind, 'SecretStore') });

const generatorKinds = [
  'ACRAccessToken',
  'BeyondtrustWorkloadCredentialsDynamicSecret',
  'CloudsmithAccessToken',
  'ClusterGenerator',
  'ECRAuthorizationToken',
  'Fake',
  'GCRAccessToken',
  'GithubAccessToken',
  'GitlabDeployToken',
  'Grafana',
  'MFA',
  'Password',
  'QuayAccessToken',
  'SSHKey',
  'STSSessionToken',
  'UUID',
  'VaultDynamicSecret',
  'Webhook',
] as const;

const generatorRef = z.object({
  apiVersion: defaulted(
    text('API version of the generator. Default generators.external-secrets.io/v1alpha1.'),
    'generators.external-secrets.io/v1alpha1',
  ),
  kind: oneOf(
    generatorKinds,
    'Kind of the generator. Served: ClusterGenerator, Fake, MFA, Password, SSHKey, UUID and Webhook; an object that names another is left to the controller that serves it.',
  ),
  name: objectName('Name of the generator.'),
});

const remoteRef = z.object({
  key: text('Name of the value at the provider.'),
  property: optional(text('Part of the value, as a gjson path into its JSON; absent means the whole value.')),
  version: optional(text('Version of the value, where the provider has versions; absent means the newest.')),
  metadataPolicy: optional(
    oneOf(['None', 'Fetch'], 'Without effect: the providers served here have no metadata to read in place of a value.'),
  ),
  ...strategies,
});

/** One value, or the map inside it, at the provider. */
export type RemoteRef = z.infer<typeof remoteRef>;

const find = z.object({
  path: optional(
    text('Where to search: a folder when it starts with `/`, else a prefix of the name. Absent means the whole scope.'),
  ),
  name: optional(
    about('Search by name.', z.object({ regexp: optional(text('RE2 expression that names must match somewhere.')) })),
  ),
  tags: optional(textMap('Tags that a value must carry.')),
  ...strategies,
});

/** A search for values. */
export type Find = z.infer<typeof find>;

const merge = z.object({
  into: defaulted(text('Key that receives the merged JSON; only for strategy JSON. Default empty.'), ''),
  priority: optional(textList('Keys whose entries come last and so win, in this order.')),
  priorityPolicy: defaulted(
    oneOf(['IgnoreNotFound', 'Strict'], 'Strict: every key in `priority` must exist. Default Strict.'),
    'Strict',
  ),
  conflictPolicy: defaulted(
    oneOf(['Ignore', 'Error'], 'What happens when two values hold the same key. Default Error.'),
    'Error',
  ),
  strategy: defaulted(
    oneOf(['Extract', 'JSON'], 'Extract: entries become keys. JSON: all become one JSON value. Default Extract.'),
    'Extract',
  ),
});

const rewrite = exactlyOne(
  {
    merge: optional(about('Merges the entries of several values.', merge)),
    regexp: optional(
      about(
        'Renames keys by regular expression.',
        z.object({
          source: text('RE2 expression.'),
          target: text('Replacement; `$1` stands for the first group.'),
        }),
      ),
    ),
    transform: optional(
      about(
        'Renames keys by template.',
        z.object({ template: text('Template of the new key; `.value` is the old one.') }),
      ),
    ),
  },
  'One step of renaming.',
);

/** One step of renaming keys. */
export type Rewrite = z.infer<typeof rewrite>;

function sourceRefWith(generator: string) {
  return exactlyOne(
    {
      storeRef: optional(about('Another store than `spec.secretStoreRef`.', storeRefFields)),
      generatorRef: optional(about(generator, generatorRef)),
    },
    'Takes this entry from elsewhere.',
  );
}

const sourceRef = sourceRefWith('A generator whose output is taken.');

export type SourceRef = z.infer<typeof sourceRef>;

const dataEntry = z.object({
  secretKey: dataKey('Key of the target that receives the value.'),
  remoteRef: about('The value at the provider.', remoteRef),
  sourceRef: optional(sourceRefWith('Not served: take a generator in `dataFrom`, and one of its keys by `rewrite`.')),
});

/** One key of the target and where its value comes from. */
export type DataEntry = z.infer<typeof dataEntry>;

const dataFromEntry = z.object({
  extract: optional(about('Takes every entry of one value that is a JSON object.', remoteRef)),
  find: optional(about('Takes every value that a search finds.', find)),
  rewrite: optional(about('Renames keys, step by step in this order.', z.array(rewrite))),
  sourceRef: optional(sourceRef),
});

/** A generator as an ExternalSecret names it. */
export type GeneratorRef = z.infer<typeof generatorRef>;

/** A source of many keys. */
export type DataFrom = z.infer<typeof dataFromEntry>;

export const data = about('Keys of the target, one by one.', z.array(dataEntry));
export const dataFrom = about(
  'Sources of many keys; later ones win over earlier ones, `data` over all.',
  z.array(dataFromEntry),
);
