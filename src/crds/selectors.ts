// References from a store to other objects: a key of a Secret, a ServiceAccount, a certificate, namespaces by label.
// Which namespaces a reference may reach is decided by the room that resolves it.
import * as z from 'zod/mini';
import {
  about,
  dataKey,
  namespaceName,
  objectName,
  oneOf,
  optional,
  text,
  textList,
  textMap,
  withFacts,
} from './kit.ts';

const namespaceRule =
  'A SecretStore always reads in its own namespace; in a ClusterSecretStore, absence means the namespace of the ExternalSecret.';

const secretKeyFields = z.object({
  name: optional(objectName('Name of the Secret.')),
  namespace: optional(namespaceName(`Namespace of the Secret. ${namespaceRule}`)),
  key: optional(dataKey('Key in the data of the Secret.')),
});

/** One key of a Secret; whether it is complete is checked where it is read. */
export type SecretKeyRef = z.infer<typeof secretKeyFields>;

export function secretKeyRef(description: string): typeof secretKeyFields {
  return about(description, secretKeyFields);
}

const serviceAccountFields = z.object({
  name: objectName('Name of the ServiceAccount.'),
  namespace: optional(namespaceName(`Namespace of the ServiceAccount. ${namespaceRule}`)),
  audiences: optional(
    textList('Audiences (`aud`) of the token that is asked for; absent means those of the API server.'),
  ),
});

/** A ServiceAccount whose tokens are minted on demand. */
export type ServiceAccountRef = z.infer<typeof serviceAccountFields>;

export function serviceAccountRef(description: string): typeof serviceAccountFields {
  return about(description, serviceAccountFields);
}

export const caProvider = about(
  'Where to find the PEM certificates that the upstream is verified with, beside the well-known ones.',
  z.object({
    type: oneOf(['Secret', 'ConfigMap'], 'Kind of the object that holds the certificates.'),
    name: objectName('Name of that object.'),
    key: optional(dataKey('Key in its data.')),
    namespace: optional(namespaceName('Its namespace: required in a ClusterSecretStore, left out in a SecretStore.')),
  }),
);

const labelRequirement = z.object({
  key: text('Label key.'),
  operator: text('In, NotIn, Exists or DoesNotExist.'),
  values: optional(
    withFacts(textList('Values to compare with; empty for Exists and DoesNotExist.'), {
      'x-kubernetes-list-type': 'atomic',
    }),
  ),
});

export const labelSelector = withFacts(
  z.object({
    matchLabels: optional(textMap('Labels that must have these values.')),
    matchExpressions: optional(
      withFacts(z.array(labelRequirement), {
        description: 'Further requirements; all must hold.',
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
  }),
  { description: 'Selects by labels; empty selects everything.', 'x-kubernetes-map-type': 'atomic' },
);

export type LabelSelector = z.infer<typeof labelSelector>;

/** Hosts that namespaces may name, by their labels: no field of a kind, but a flag that selects as kinds do. */
export const namespaceHostsRules = z.array(
  z.strictObject({
    namespaces: labelSelector,
    /** `host` stands for all its ports, `host:port` for one. Empty allows none. */
    hosts: z.array(z.string()),
  }),
);

export type NamespaceHostsRule = z.infer<typeof namespaceHostsRules>[number];
