// Environments as manifests in files, read as the cluster would read them: under the same names and the same rules of who may
// use what. What no file has is asked of the cluster: other Environments, and revisions. A check may do without a revision, and
// looks at the document of the file in its place.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';
import { isRecord } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { revisionData, revisionName } from '../../core/environment-revisions.ts';
import type { Position } from '../../core/esc/diagnostics.ts';
import { parsePath } from '../../core/esc/reference.ts';
import { parseRevision } from '../../crds/environment-revision.ts';
import type { ClusterSources, NamespacedName } from '../../providers/contract.ts';
import { readTextFile } from './files.ts';

export interface Parsed {
  readonly document: Document;
  /** Where the object stands in it: at its root, or in a list. */
  readonly at: readonly (string | number)[];
  readonly lines: LineCounter;
  readonly object: Readonly<Record<string, unknown>>;
}

interface Found extends Parsed {
  readonly path: string;
}

/** Objects of a stream, those of lists included; what cannot be read, or is none, is left out. */
function objectsOf(text: string): readonly Parsed[] {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, logLevel: 'silent', uniqueKeys: false } as const;
  try {
    const documents = parseAllDocuments(text, options);
    return documents.flatMap((document) => {
      if (!('errors' in document) || document.errors.length > 0) return [];
      const objects = listed(document.toJS({ maxAliasCount: 100 }), []);
      return objects.map((each) => ({ document, lines, ...each }));
    });
  } catch (thrown) {
    // Nesting beyond the parser's stack, or aliases beyond all use: whoever reads it as a document says so.
    if (thrown instanceof RangeError || thrown instanceof ReferenceError) return [];
    throw thrown;
  }
}

/** The object, or those of a list, as `kubectl get -o yaml` writes it; items of a typed list may leave their kind to it. */
function listed(object: unknown, at: Parsed['at']): Pick<Parsed, 'at' | 'object'>[] {
  if (!isRecord(object)) return [];
  const { kind, apiVersion, items } = object;
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return [];
  if (at.length > 0 || !kind.endsWith('List') || !Array.isArray(items)) return [{ at, object }];
  const type = { apiVersion, kind: kind.slice(0, -'List'.length) };
  return items.flatMap((item: unknown, index) =>
    listed(isRecord(item) ? { ...type, ...item } : item, ['items', index]),
  );
}

/** Whether the text holds Kubernetes objects, and not a document of ESC. */
export function holdsManifests(text: string): boolean {
  return text.includes('apiVersion') && text.includes('kind') && objectsOf(text).length > 0;
}

export interface ManifestOptions {
  readonly path: string;
  readonly text: string;
  /** Where more manifests lie; the file's own directory when absent. */
  readonly directory: string | undefined;
  /** Of objects that name none. */
  readonly namespace: string;
  readonly cluster: ClusterSources;
  /** Whether the document of a file may stand for a revision that is not to be had. */
  readonly assumesRevisions: boolean;
  /** What files hold that were read before, by path: many files of one directory are checked in one call. */
  readonly parsed: Map<string, readonly Parsed[]>;
}

export class Manifests {
  /** `namespace/name` of the Environments in the file itself, in their order. */
  readonly own: readonly string[];
  readonly sources: ClusterSources;
  /** Revisions that a document of a file stood for: `namespace/name@3`. */
  readonly assumed = new Set<string>();
  readonly #environments = new Map<string, Found>();
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();

  constructor({ path, text, directory, namespace, cluster, assumesRevisions, parsed }: ManifestOptions) {
    const folder = directory ?? (path === '-' ? undefined : dirname(path));
    for (const each of folder === undefined ? [] : yamlFiles(folder)) {
      if (each !== path) this.#add(each, neighbour(each, parsed), namespace);
    }
    this.own = this.#add(path === '-' ? '<input>' : path, objectsOf(text), namespace);
    this.sources = {
      ...cluster,
      readEnvironment: async (name, signal) =>
        this.#environments.get(`${name.namespace}/${name.name}`)?.object ?? cluster.readEnvironment(name, signal),
      readRevision: async (name, signal) => {
        const of = this.#revisionOf(name);
        if (of === undefined) return await cluster.readRevision(name, signal);
        const revision = await keptRevision(of, cluster, signal).catch((thrown: unknown) => {
          if (assumesRevisions && thrown instanceof OperatorError) return undefined;
          throw thrown;
        });
        if (revision !== undefined || !assumesRevisions) return revision;
        this.assumed.add(`${of.namespace}/${of.name}@${of.number}`);
        return ownedByFile({ revision: of.number, data: revisionData(recordOf(of.object['spec'])) });
      },
      namespaceLabels: async (name, signal) => this.#labels.get(name) ?? cluster.namespaceLabels(name, signal),
    };
  }

  /** The Environment of a file whose revision has this name. */
  #revisionOf({ namespace, name: revision }: NamespacedName): FileRevision | undefined {
    const number = Number(/\.([1-9]\d{0,8})$/.exec(revision)?.[1]);
    for (const [full, { object }] of Number.isNaN(number) ? [] : this.#environments) {
      const [at = '', name = ''] = full.split('/');
      const isIts = at === namespace && revisionName({ name, uid: fileUid }, number) === revision;
      if (isIts) return { namespace, name, number, object };
    }
    return undefined;
  }

  /** File and position of a path in an Environment's document; undefined for one that no file has. */
  placeOf(environment: string, path: string): { readonly path: string; readonly begin?: Position } | undefined {
    const found = this.#environments.get(environment);
    if (found === undefined) return undefined;
    const at = nearestNode(found.document, [...found.at, 'spec', ...(parsePath(path) ?? []).map(({ key }) => key)]);
    if (at === undefined) return { path: found.path };
    const { line, col } = found.lines.linePos(at);
    return { path: found.path, begin: { line, column: col, offset: at } };
  }

  #add(path: string, objects: readonly Parsed[], defaultNamespace: string): string[] {
    const names: string[] = [];
    for (const { object, ...parsed } of objects) {
      const metadata = isRecord(object['metadata']) ? object['metadata'] : {};
      const { name, namespace = defaultNamespace, labels = {} } = metadata;
      if (typeof name !== 'string' || typeof namespace !== 'string') continue;
      if (object['kind'] === 'Namespace' && isRecord(labels)) this.#labels.set(name, textsOf(labels));
      if (object['kind'] !== 'Environment' || !String(object['apiVersion']).startsWith('escapement.dev/')) continue;
      const full = `${namespace}/${name}`;
      names.push(full);
      this.#environments.set(full, {
        path,
        ...parsed,
        object: { ...object, metadata: { ...metadata, namespace, uid: fileUid } },
      });
    }
    return names;
  }
}

/** Of Environments in files: the cluster's object of that name has one of its own. */
const fileUid = 'file';

interface FileRevision extends NamespacedName {
  readonly number: number;
  readonly object: Parsed['object'];
}

/** What the cluster keeps as this revision of the Environment that the file would replace. */
async function keptRevision(
  { namespace, name, number }: FileRevision,
  cluster: ClusterSources,
  signal: AbortSignal,
): Promise<unknown> {
  const environment = await cluster.readEnvironment({ namespace, name }, signal);
  const { uid } = recordOf(recordOf(environment)['metadata']);
  if (typeof uid !== 'string') return undefined;
  const raw = await cluster.readRevision({ namespace, name: revisionName({ name, uid }, number) }, signal);
  const revision = parseRevision(raw);
  return revision?.ownerUid === uid ? ownedByFile({ revision: revision.number, data: revision.data }) : undefined;
}

function ownedByFile(revision: object): object {
  return { ...revision, metadata: { ownerReferences: [{ uid: fileUid, controller: true }] } };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** A file that lies beside the one that was named; one that cannot be read holds nothing. */
function neighbour(path: string, parsed: Map<string, readonly Parsed[]>): readonly Parsed[] {
  let objects = parsed.get(path);
  if (objects !== undefined) return objects;
  try {
    objects = objectsOf(readTextFile(path));
  } catch (thrown) {
    if (!(thrown instanceof OperatorError)) throw thrown;
    objects = [];
  }
  parsed.set(path, objects);
  return objects;
}

function textsOf(labels: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}

function yamlFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ya?ml$/i.test(entry.name))
    .map(({ name }) => (folder === '.' ? name : join(folder, name)))
    .sort();
}

/** Where the node of the path begins, or the nearest around it. */
function nearestNode(document: Document, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}
