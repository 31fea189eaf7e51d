// Reads kubeconfig files as kubectl does: several files are merged (the first to name something wins), the current
// context chooses cluster and user, relative paths start at the file that holds them. Users that need a plugin to log
// in are left to auth-plugin.ts.
// Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Clock } from '../base/clock.ts';
import { isRecord } from '../base/json.ts';
import { OperatorError } from '../base/operator-error.ts';
import { type ClusterAccess, type Credentials, fixedCredentials, type TlsMaterial } from './access.ts';
import { tokenFileCredentials } from './in-cluster.ts';
import { type RereadFile, rereadFile, unreadable } from './reread-file.ts';

/** A member of a kubeconfig (cluster, user or context) with the file it came from. */
interface Entry {
  readonly path: string;
  /** `clusters "prod"`, for messages. */
  readonly title: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The parts of the current context. */
export interface ChosenContext {
  readonly contextName: string;
  readonly namespace: string;
  readonly cluster: Entry;
  readonly user: Entry | undefined;
}

/** The named context of the given files, or their current one. Throws `InvalidSpec` naming file and field. */
export function chooseContext(paths: readonly string[], wanted?: string): ChosenContext {
  const files = paths.map((path) => ({ path, document: readDocument(path) }));
  const contextName = wanted ?? files.map(({ document }) => document['current-context']).find(isFilled);
  const list = paths.join('", "');
  if (contextName === undefined) throw invalid(`kubeconfig "${list}": current-context is not set`);
  const context = find(files, 'contexts', 'context', contextName);
  if (context === undefined)
    throw invalid(
      `kubeconfig "${list}": ${wanted === undefined ? 'current-context' : 'context'} "${contextName}" is not among contexts`,
    );
  const clusterName = textField(context, 'cluster');
  if (clusterName === undefined) throw invalid(at(context, 'cluster', 'is not set'));
  const cluster = find(files, 'clusters', 'cluster', clusterName);
  if (cluster === undefined) throw invalid(at(context, 'cluster', `"${clusterName}" is not among clusters`));
  const userName = textField(context, 'user');
  const user = userName === undefined ? undefined : find(files, 'users', 'user', userName);
  if (userName !== undefined && user === undefined)
    throw invalid(at(context, 'user', `"${userName}" is not among users`));
  return { contextName, cluster, user, namespace: textField(context, 'namespace') ?? 'default' };
}

/** Whether the user logs in by a program or a provider's own flow. */
export function needsPlugin({ user }: ChosenContext): boolean {
  return user?.fields['exec'] !== undefined || user?.fields['auth-provider'] !== undefined;
}

/** Address, TLS and credentials of a context; `credentials` replaces those of the user entry. */
export function accessOf(chosen: ChosenContext, clock: Clock, plugin?: PluginLogin): ClusterAccess {
  const { cluster, user } = chosen;
  const tls = { ...clusterTls(cluster), ...(user === undefined ? {} : clientCertificate(user)), ...plugin?.tls };
  const caFile = clusterCaFile(cluster, clock);
  const proxy = textField(cluster, 'proxy-url');
  return {
    server: urlField(cluster, 'server', ['https:', 'http:']),
    ...(caFile === undefined
      ? { tls: () => tls }
      : { tls: () => ({ ...tls, caPem: caFile.text() }), refreshTls: () => caFile.invalidate() }),
    ...(proxy === undefined ? {} : { proxyUrl: urlField(cluster, 'proxy-url', ['http:', 'https:']) }),
    namespace: chosen.namespace,
    credentials: plugin?.credentials ?? userCredentials(user, clock),
  };
}

/** What a login plugin gave. */
export interface PluginLogin {
  readonly tls: TlsMaterial;
  readonly credentials: Credentials;
}

function clusterTls(cluster: Entry): TlsMaterial {
  const caPem = pemField(cluster, 'certificate-authority');
  const serverName = textField(cluster, 'tls-server-name');
  return {
    ...(caPem === undefined ? {} : { caPem }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(cluster.fields['insecure-skip-tls-verify'] === true ? { isUnverified: true } : {}),
  };
}

/** The file that holds the CA, followed; undefined when the CA stands in the kubeconfig itself, or there is none. */
function clusterCaFile(cluster: Entry, clock: Clock): RereadFile | undefined {
  const path = textField(cluster, 'certificate-authority');
  if (path === undefined || textField(cluster, 'certificate-authority-data') !== undefined) return undefined;
  return rereadFile(resolve(dirname(cluster.path), path), clock);
}

function clientCertificate(user: Entry): TlsMaterial {
  const certPem = pemField(user, 'client-certificate');
  const keyPem = pemField(user, 'client-key');
  if (certPem !== undefined && keyPem === undefined)
    throw invalid(at(user, 'client-key', 'is missing beside client-certificate'));
  if (certPem === undefined && keyPem !== undefined)
    throw invalid(at(user, 'client-certificate', 'is missing beside client-key'));
  return certPem === undefined || keyPem === undefined ? {} : { certPem, keyPem };
}

function userCredentials(user: Entry | undefined, clock: Clock): Credentials {
  if (user === undefined) return fixedCredentials(undefined);
  // kubectl prefers tokenFile over token.
  const tokenFile = textField(user, 'tokenFile');
  if (tokenFile !== undefined) {
    const file = rereadFile(resolve(dirname(user.path), tokenFile), clock);
    file.text();
    return tokenFileCredentials(file);
  }
  const username = textField(user, 'username');
  if (username === undefined) return fixedCredentials(textField(user, 'token'));
  const header = `Basic ${Buffer.from(`${username}:${textField(user, 'password') ?? ''}`).toString('base64')}`;
  return { authorization: () => header, refused: () => {} };
}

type Document = Readonly<Record<string, unknown>>;

function readDocument(path: string): Document {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw invalid(`kubeconfig "${path}" is not YAML`); // the parser's message quotes the file, which holds keys
  }
  if (!isRecord(document)) throw invalid(`kubeconfig "${path}" is empty or not an object`);
  return document;
}

function find(
  files: readonly { readonly path: string; readonly document: Document }[],
  list: string,
  member: string,
  name: string,
): Entry | undefined {
  for (const { path, document } of files) {
    const entries = document[list];
    const found = Array.isArray(entries)
      ? entries.find((entry) => isRecord(entry) && entry['name'] === name)
      : undefined;
    const fields = isRecord(found) ? found[member] : undefined;
    if (isRecord(fields)) return { path, fields, title: `${list} "${name}"` };
  }
  return undefined;
}

/** `<name>-data` (base64) or the file that `<name>` names. */
function pemField(entry: Entry, name: string): string | undefined {
  const data = textField(entry, `${name}-data`);
  if (data !== undefined) {
    const pem = Buffer.from(data, 'base64').toString('utf8');
    if (!pem.includes('-----BEGIN')) throw invalid(at(entry, `${name}-data`, 'is not PEM in base64'));
    return pem;
  }
  const path = textField(entry, name);
  if (path === undefined) return undefined;
  const absolute = resolve(dirname(entry.path), path);
  try {
    return readFileSync(absolute, 'utf8');
  } catch (thrown) {
    throw invalid(at(entry, name, unreadable(absolute, thrown).message));
  }
}

function urlField(entry: Entry, name: string, protocols: readonly string[]): URL {
  const text = textField(entry, name);
  if (text === undefined) throw invalid(at(entry, name, 'is not set'));
  const url = URL.parse(text);
  if (url === null || !protocols.includes(url.protocol)) {
    throw invalid(at(entry, name, `is not a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`));
  }
  return url;
}

function textField(entry: Entry, name: string): string | undefined {
  const value = entry.fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(at(entry, name, 'is not a string'));
  return value;
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function at({ path, title }: Entry, field: string, problem: string): string {
  return `kubeconfig "${path}": ${title}: ${field} ${problem}`;
}

function invalid(message: string): OperatorError {
  return new OperatorError('InvalidSpec', message);
}
