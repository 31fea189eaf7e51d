// What our kinds share as Kubernetes objects, in shapes that fit those of the API room without importing it.

/** Object metadata as the API server delivers it; passed on as it came. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

/** Which collection of the API a kind lives in. */
export interface KindResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** API group of External Secrets Operator, whose kinds we serve. */
export const externalSecretsGroup = 'external-secrets.io';
