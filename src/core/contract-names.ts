// The names that a drop-in for ESO must share with it: labels, annotations, finalizers. Source: ESO 2.9,
// apis/externalsecrets/v1 and pkg/controllers/externalsecret (https://github.com/external-secrets/external-secrets).

/** On every target; the label that Secrets are watched by. */
export const managedLabel = 'reconcile.external-secrets.io/managed';
export const managedLabelValue = 'true';

/** On targets with creationPolicy Owner: hash of `namespace/name` of the ExternalSecret. */
export const createdByLabel = 'reconcile.external-secrets.io/created-by';

/** On every target: hash of the whole `.data`, for drift detection. */
export const dataHashAnnotation = 'reconcile.external-secrets.io/data-hash';

/** Annotations by which a user asks for a sync now; the second form is the one that ESO's documentation shows. */
export const forceSyncAnnotations = ['external-secrets.io/force-sync', 'force-sync'] as const;

/** What ESO puts on every ExternalSecret. Never added here; honoured and removed when the object is deleted. */
export const externalSecretFinalizer = 'externalsecrets.external-secrets.io/externalsecret-cleanup';

export const externalSecretApiVersion = 'external-secrets.io/v1';

/** Of the Environments that publish; ESO knows nothing of them. */
export const environmentApiVersion = 'escapement.dev/v1alpha1';

/** An annotation of a ClusterExternalSecret that its ExternalSecrets carry too: a new value makes them refresh. */
export const forceSyncAnnotation = 'external-secrets.io/force-sync';

/** What ESO puts on every ClusterExternalSecret; taken off here when the object is deleted. */
export const clusterExternalSecretFinalizer = 'externalsecrets.external-secrets.io/clusterexternalsecret-cleanup';

/** What ESO puts on every namespace that a ClusterExternalSecret of this name serves; never added here. */
export function namespaceFinalizer(clusterExternalSecret: string): string {
  return `externalsecrets.external-secrets.io/ces-${clusterExternalSecret}`;
}
