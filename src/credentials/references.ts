// The one resolver of references to other objects: it knows which namespace a reference of a store may mean. A namespaced
// store stays in its namespace; a cluster store names one, or means the namespace of the ExternalSecret that uses it.
import { OperatorError } from '../base/operator-error.ts';

/** The store that refers, and who uses it. */
export interface Referrer {
  readonly kind: 'SecretStore' | 'ClusterSecretStore';
  readonly name: string;
  /** Namespace of a SecretStore; undefined for a ClusterSecretStore. */
  readonly namespace: string | undefined;
  /** Namespace of the ExternalSecret that uses the store; undefined while the store itself is validated. */
  readonly consumerNamespace: string | undefined;
}

/**
 * Says that a ClusterSecretStore leaves a namespace open: its credentials are those of each ExternalSecret's namespace,
 * so the store by itself can be neither right nor wrong.
 */
export class OpenNamespaceError extends OperatorError {
  constructor(field: string) {
    super(
      'InvalidSpec',
      `${field}.namespace is not set: a ClusterSecretStore needs it to be validated, without it each ExternalSecret's own namespace is used`,
    );
  }
}

/** Which namespace was taken, for the message of a cluster store's reference that names none; '' for any other. */
export function takenNamespace(referrer: Referrer, wanted: string | undefined, field: string): string {
  if (referrer.kind === 'SecretStore' || wanted) return '';
  return `; ${field}.namespace is not set, so the namespace of the ExternalSecret is taken`;
}

/** The namespace that `field` of the store means. Throws ReferenceDenied or OpenNamespaceError. */
export function referencedNamespace(referrer: Referrer, wanted: string | undefined, field: string): string {
  if (referrer.kind === 'SecretStore') {
    const own = referrer.namespace ?? '';
    if (wanted === undefined || wanted === '' || wanted === own) return own;
    throw new OperatorError(
      'ReferenceDenied',
      `${field}.namespace "${wanted}" is not allowed: a SecretStore may only refer to its own namespace "${own}"; remove the field or use a ClusterSecretStore`,
      { hint: '' },
    );
  }
  const namespace = wanted || referrer.consumerNamespace;
  if (namespace === undefined || namespace === '') throw new OpenNamespaceError(field);
  return namespace;
}
