// A cluster as data, for tests of Environments: objects by name, and a note of what was looked at.
import type { Credentials } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { revisionName } from '../../core/environment-revisions.ts';
import { unpackValue } from '../../core/esc/packed-value.ts';
import type { EscValue } from '../../core/esc/value.ts';
import { inlineDesk } from '../../core/jobs.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { ClusterSources } from '../contract.ts';
import { type OpenOrder, type OpenPorts, openEnvironment } from './evaluation.ts';

export interface Contents {
  /** Specs by `namespace/name`; what does not fit the schema is served all the same. */
  readonly environments: Readonly<Record<string, object>>;
  /** Documents of revisions by `namespace/name@number`, owned by the Environment of that name. */
  readonly revisions?: Readonly<Record<string, object>>;
  /** Data of Secrets by `namespace/name`. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Opens where it is called; the value is at hand, however heavy. */
export async function openInline(
  order: OpenOrder,
  ports: Omit<OpenPorts, 'desk'>,
  signal: AbortSignal,
): Promise<{ readonly value: EscValue; readonly lifetimeMs: number | undefined }> {
  const { value, lifetimeMs } = await openEnvironment(order, { ...ports, desk: inlineDesk() }, signal);
  return { value: unpackValue(value), lifetimeMs };
}

export function clusterOf(contents: Contents): ClusterSources & { readonly read: string[] } {
  const read: string[] = [];
  return {
    read,
    async readEnvironment({ namespace, name }) {
      read.push(`${namespace}/${name}`);
      const spec = contents.environments[`${namespace}/${name}`];
      return spec && { metadata: { namespace, name, uid: uidOf(name), generation: 7 }, spec };
    },
    async readRevision({ namespace, name }) {
      for (const [key, data] of Object.entries(contents.revisions ?? {})) {
        const [place = '', number] = key.split('@');
        const [owner, environment = ''] = place.split('/');
        const uid = uidOf(environment);
        if (owner !== namespace || revisionName({ name: environment, uid }, Number(number)) !== name) continue;
        const ownerReferences = [{ kind: 'Environment', name: environment, uid, controller: true }];
        return { metadata: { namespace, name, ownerReferences }, revision: Number(number), data };
      }
      return undefined;
    },
    async readData(kind, { namespace, name }) {
      const data = (kind === 'Secret' ? contents.secrets : contents.configMaps)?.[`${namespace}/${name}`];
      return data && new Map(Object.entries(data).map(([key, text]) => [key, new SecretValue(text)]));
    },
    namespaceLabels: async (name) => contents.labels?.[name],
    credentialsIn: noCredentials,
  };
}

function uidOf(environment: string): string {
  return `uid-${environment}`;
}

function noCredentials(): Credentials {
  const none = () => Promise.reject(new OperatorError('ReferenceNotFound', 'none here'));
  return {
    secretKey: none,
    serviceAccount: none,
    ambient() {
      throw new OperatorError('IdentityDenied', 'none here');
    },
  };
}
