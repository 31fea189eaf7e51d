// The credentials port of one store: reads keys of Secrets, CA certificates and minted tokens under the namespace rules,
// and reports each object that it looked at, so that a repair of that object wakes the store's dependents.
import type { Credentials, SecretKeySelector, ServiceAccountTokens } from '../auth/contract.ts';
import { OperatorError } from '../base/operator-error.ts';
import { SecretValue } from '../core/secret-value.ts';
import { type ConfigMap, type KubeObject, keyOf, type ObjectName, type Resource, type Secret } from '../kube/types.ts';
import type { OperatorIdentity } from './operator-identity.ts';
import { type Referrer, referencedNamespace, takenNamespace } from './references.ts';

export const secretResource: Resource = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
};
export const configMapResource: Resource = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
const serviceAccountResource: Resource = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};

/** Reads single objects that are watched from then on. */
export interface ObjectReader {
  read<T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal): Promise<T | undefined>;
}

export interface TokenMinter {
  createToken(order: MintOrder, signal: AbortSignal): Promise<SecretValue>;
}

interface CaReference {
  readonly type: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key?: string;
  readonly namespace?: string;
}

export interface StoreCredentials extends Credentials {
  /** The PEM text that a caProvider names. */
  caText(caProvider: CaReference, signal: AbortSignal): Promise<string>;
}

export interface CredentialPorts {
  /** Asked for nothing but what the store's references name. */
  readonly objects: ObjectReader;
  readonly tokens: TokenMinter;
  readonly operator: OperatorIdentity;
}

/** The port for one store. */
export function storeCredentials(referrer: Referrer, { objects, tokens, operator }: CredentialPorts): StoreCredentials {
  /** The login presents the operator's own identity: who may choose its parameters is then a matter of its rules. */
  let isAmbient = false;

  async function secretBytes(selector: SecretKeySelector, field: string, signal: AbortSignal): Promise<Buffer> {
    const { name, key } = selector;
    if (name === undefined || name === '' || key === undefined || key === '') {
      throw new OperatorError('InvalidSpec', `${field}: name and key of the Secret are required`);
    }
    const namespace = referencedNamespace(referrer, selector.namespace, field);
    if (isAmbient && referrer.kind === 'ClusterSecretStore' && !selector.namespace) {
      operator.checkChooser(referrer, field);
    }
    const secret = await objects.read<Secret>(secretResource, { namespace, name }, signal);
    const at = `Secret "${namespace}/${name}"`;
    const taken = takenNamespace(referrer, selector.namespace, field);
    if (secret === undefined) throw new OperatorError('ReferenceNotFound', `${field}: ${at} does not exist${taken}`);
    const text = entryOf(secret.data, key);
    if (text === undefined)
      throw new OperatorError('InvalidCredential', `${field}: ${at} has no key "${key}"${keysOf(secret)}${taken}`);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length === 0) throw new OperatorError('InvalidCredential', `${field}: key "${key}" of ${at} is empty`);
    return bytes;
  }

  /** Looking at the ServiceAccount means that its creation wakes the store. Without the right to look, minting will tell. */
  async function refuseMissing(name: ObjectName, field: string, signal: AbortSignal): Promise<void> {
    const account = await objects.read(serviceAccountResource, name, signal).catch((thrown: unknown) => {
      if (thrown instanceof OperatorError && thrown.reason === 'ApiDenied') return 'unknown';
      throw thrown;
    });
    if (account !== undefined) return;
    throw new OperatorError('ReferenceNotFound', `${field}: ServiceAccount "${keyOf(name)}" does not exist`);
  }

  return {
    async secretKey(selector, field, signal) {
      return new SecretValue(await secretBytes(selector, field, signal));
    },
    async serviceAccount(selector, field, signal) {
      const { name, audiences = [], expirationSeconds = shortestTokenSeconds } = selector;
      if (name === '') throw new OperatorError('InvalidSpec', `${field}.name is empty`);
      if (audiences.includes('')) throw new OperatorError('InvalidSpec', `${field}.audiences holds an empty text`);
      const namespace = referencedNamespace(referrer, selector.namespace, field);
      await refuseMissing({ namespace, name }, field, signal);
      return mintedTokens({ namespace, name, audiences, expirationSeconds }, field, tokens);
    },
    ambient(host, field) {
      isAmbient = true;
      return operator.sources(referrer, host, field);
    },
    async caText(caProvider, signal) {
      const field = 'caProvider';
      if (caProvider.key === undefined || caProvider.key === '')
        throw new OperatorError('InvalidSpec', 'caProvider.key is required');
      if (referrer.kind === 'ClusterSecretStore' && !caProvider.namespace) {
        throw new OperatorError('InvalidSpec', 'caProvider.namespace is required for a ClusterSecretStore');
      }
      if (caProvider.type === 'Secret') return (await secretBytes(caProvider, field, signal)).toString('utf8');
      const namespace = referencedNamespace(referrer, caProvider.namespace, field);
      const at = `ConfigMap "${namespace}/${caProvider.name}"`;
      const map = await objects.read<ConfigMap>(configMapResource, { namespace, name: caProvider.name }, signal);
      if (map === undefined) throw new OperatorError('ReferenceNotFound', `${field}: ${at} does not exist`);
      const text = entryOf(map.data, caProvider.key);
      if (text === undefined || text === '')
        throw new OperatorError('InvalidCredential', `${field}: ${at} has no key "${caProvider.key}"`);
      return text;
    },
  };
}

/** What the API server gives at least (https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/). */
const shortestTokenSeconds = 600;

interface MintOrder {
  readonly namespace: string;
  readonly name: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

function mintedTokens(order: MintOrder, field: string, tokens: TokenMinter): ServiceAccountTokens {
  return {
    name: keyOf(order),
    audiences: order.audiences,
    async mint(signal) {
      try {
        return await tokens.createToken(order, signal);
      } catch (thrown) {
        if (!(thrown instanceof OperatorError)) throw thrown;
        const right =
          thrown.reason === 'ApiDenied' ? ' (Helm value rbac.serviceAccountTokenCreate gives the right)' : '';
        throw thrown.within(`${field}${right}`);
      }
    },
  };
}

/** The entry itself: `constructor` is a key like any other, and found only where it was set. */
function entryOf(data: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
}

function keysOf(secret: Secret): string {
  const keys = Object.keys(secret.data ?? {}).sort();
  return keys.length === 0 ? '; it is empty' : `; it has ${keys.slice(0, 10).join(', ')}`;
}
