// Kind ClusterExternalSecret: one ExternalSecret for many namespaces, chosen by name or by label. What its ExternalSecrets
// say is the schema of that kind; which namespaces there are is the controller's to find.
// Field reference of the compatible API: https://external-secrets.io/latest/api/clusterexternalsecret/
import * as z from 'zod/mini';
import { conditions, observedGeneration } from './condition.ts';
import { externalSecretSpec } from './external-secret.ts';
import { about, namespaceName, objectName, optional, text, textMap } from './kit.ts';
import { externalSecretsGroup, type KindResource, type ObjectMeta } from './object.ts';
import { type Parsed, parseObject, readStatus } from './parse.ts';
import { labelSelector } from './selectors.ts';

const metadata = about(
  'Labels and annotations of the ExternalSecrets; others are taken off.',
  z.object({
    labels: optional(textMap('Labels of the ExternalSecrets.')),
    annotations: optional(textMap('Annotations of the ExternalSecrets.')),
  }),
);

export const clusterExternalSecretSpec = about(
  'What is wanted, and where.',
  z.object({
    externalSecretSpec: about('Spec of the ExternalSecrets.', externalSecretSpec),
    externalSecretName: optional(
      objectName('Name of the ExternalSecrets; absent means the name of the ClusterExternalSecret.'),
    ),
    externalSecretMetadata: optional(metadata),
    namespaceSelector: optional(about('One more selector, as in `namespaceSelectors`. Deprecated.', labelSelector)),
    namespaceSelectors: optional(
      about('Namespaces by label: those that any of the selectors matches.', z.array(labelSelector)),
    ),
    namespaces: optional(
      about('Namespaces by name, besides those that are selected.', z.array(namespaceName('Name of a namespace.'))),
    ),
    refreshTime: optional(
      text(
        'Time between two looks at all namespaces, as a Go duration; changes are served at once. `0s` means none. Absent means 1h.',
      ),
    ),
  }),
);

const failedNamespace = z.object({
  namespace: text('Name of the namespace.'),
  reason: optional(text('Why the ExternalSecret is not there or not as wanted.')),
});

export const clusterExternalSecretStatus = about(
  'What the operator found and did.',
  z.object({
    observedGeneration: optional(observedGeneration),
    externalSecretName: optional(text('Name of the ExternalSecrets.')),
    provisionedNamespaces: optional(
      about('Namespaces whose ExternalSecret is as wanted, in order.', z.array(z.string())),
    ),
    failedNamespaces: optional(about('Namespaces where that failed, in order.', z.array(failedNamespace))),
    conditions: optional(conditions),
  }),
);

export type ClusterExternalSecretSpec = z.infer<typeof clusterExternalSecretSpec>;
export type ClusterExternalSecretStatus = z.infer<typeof clusterExternalSecretStatus>;

interface ClusterExternalSecret {
  readonly metadata: ObjectMeta;
  readonly spec: ClusterExternalSecretSpec;
  readonly status?: ClusterExternalSecretStatus;
}

export const clusterExternalSecretResource = {
  group: externalSecretsGroup,
  version: 'v1',
  plural: 'clusterexternalsecrets',
  kind: 'ClusterExternalSecret',
  namespaced: false,
} as const satisfies KindResource;

/** Reads a ClusterExternalSecret, applying every default; a status that cannot be read counts as absent. */
export function parseClusterExternalSecret(raw: unknown): Parsed<ClusterExternalSecret> {
  const parsed = parseObject(raw, clusterExternalSecretSpec);
  if (parsed.ok === undefined) return parsed;
  const status = readStatus(raw, clusterExternalSecretStatus);
  return { ok: status === undefined ? parsed.ok : { ...parsed.ok, status } };
}
