// The operator's own identities, and who may use them where. They are the administrator's: a host sees them, and a
// namespaced store uses them, only if listed; otherwise anybody who may write a store could log in as the operator, or have
// its token sent to a host of his own.
import type { AmbientSources } from '../auth/contract.ts';
import { OperatorError } from '../base/operator-error.ts';
import { normalizeHost, normalizeHostEntry } from '../core/host-entry.ts';
import { SecretValue } from '../core/secret-value.ts';
import { fileErrorCode, readBoundedFile } from './bounded-file.ts';
import type { CloudSources } from './cloud/sources.ts';
import { readListedFile } from './listed-file.ts';
import type { Referrer } from './references.ts';

/** What the administrator allows, from the flags of the same names. */
export interface AmbientRules {
  /** `host` stands for all its ports, `host:port` for one. */
  readonly ambientIdentityHosts: readonly string[];
  /** `*` stands for all. */
  readonly ambientIdentityNamespaces: readonly string[];
  readonly credentialDirectories: readonly string[];
}

/** Hands out the operator's identities to whoever may use them. */
export interface OperatorIdentity {
  /** See `Credentials.ambient`. Throws IdentityDenied that names every flag which stands in the way. */
  sources(user: Referrer, host: string, field: string): AmbientSources;
  /**
   * For a parameter of such a login that `field` leaves to the user's own namespace: it chooses whom the operator logs in
   * as. Throws IdentityDenied unless that namespace may use the operator's identity anyway.
   */
  checkChooser(user: Referrer, field: string): void;
}

/** `ownTokenPath` is what logins present. Throws InvalidSpec for a listed host that is neither a host nor host:port. */
export function operatorIdentity(rules: AmbientRules, clouds: CloudSources, ownTokenPath: string): OperatorIdentity {
  const hosts = new Set(rules.ambientIdentityHosts.map((entry) => normalizeHostEntry(entry, 'ambient-identity-hosts')));
  const file: AmbientSources['file'] = (path, field, signal) =>
    readListedFile({ path, directories: rules.credentialDirectories, field }, signal);
  const sources: AmbientSources = {
    ...clouds,
    file,
    async serviceAccountTokenFile(path, field, signal) {
      const token = path === undefined ? await ownToken(ownTokenPath, field, signal) : await file(path, field, signal);
      return new SecretValue(token.text().trim());
    },
  };
  return {
    sources(user, host, field) {
      const problems = [
        ...(maySee(hosts, host) ? [] : [hostProblem(host)]),
        ...(mayUse(rules.ambientIdentityNamespaces, user) ? [] : [namespaceProblem(user)]),
      ];
      if (problems.length === 0) return sources;
      throw new OperatorError(
        'IdentityDenied',
        `${field}: this login presents the operator's own identity: ${problems.join('; ')}`,
      );
    },
    checkChooser({ consumerNamespace = '' }, field) {
      const { ambientIdentityNamespaces: listed } = rules;
      if (listed.includes('*') || listed.includes(consumerNamespace)) return;
      throw new OperatorError(
        'IdentityDenied',
        `${field}.namespace is not set, so that namespace "${consumerNamespace}" would choose whom the operator logs in as: name the namespace, or add "${consumerNamespace}" to --ambient-identity-namespaces (Helm value ambientIdentity.namespaces)`,
      );
    },
  };
}

function maySee(hosts: ReadonlySet<string>, host: string): boolean {
  const url = URL.parse(`https://${host}`);
  if (url === null) return false;
  const name = normalizeHost(url.hostname);
  // A port that is not written is that of https: over plain http, an entry with a port does not fit.
  return hosts.has(name) || hosts.has(`${name}:${url.port || '443'}`);
}

function mayUse(namespaces: readonly string[], { kind, namespace }: Referrer): boolean {
  if (kind === 'ClusterSecretStore') return true;
  return namespaces.includes('*') || (namespace !== undefined && namespaces.includes(namespace));
}

function hostProblem(host: string): string {
  return `host "${host}" may not see it: add "${host}" to --ambient-identity-hosts (Helm value ambientIdentity.hosts)`;
}

function namespaceProblem({ namespace = '' }: Referrer): string {
  return `namespace "${namespace}" may not use it: add "${namespace}" to --ambient-identity-namespaces (Helm value ambientIdentity.namespaces)`;
}

/** The operator's own token; its place is not a manifest's choice, so no directory is asked for. */
async function ownToken(path: string, field: string, signal: AbortSignal): Promise<SecretValue> {
  try {
    return new SecretValue(await readBoundedFile(path, signal));
  } catch (thrown) {
    if (thrown instanceof OperatorError) throw thrown;
    const code = fileErrorCode(thrown);
    const problem = code === 'ENOENT' ? 'does not exist: the operator runs outside a pod, or without a token' : code;
    throw new OperatorError('InvalidCredential', `${field}: the operator's own token file ${path} ${problem}`);
  }
}
