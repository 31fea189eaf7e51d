// Environments as manifests in files, read as the cluster would read them: under the same names and the same rules of who may
// use what. What no file has is asked of the cluster.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';
import { isRecord } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Position } from '../../core/esc/diagnostics.ts';
import { parsePath } from '../../core/esc/reference.ts';
import type { ClusterSources } from '../../providers/contract.ts';
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
  /** What files hold that were read before, by path: many files of one directory are checked in one call. */
  readonly parsed: Map<string, readonly Parsed[]>;
}

export class Manifests {
  /** `namespace/name` of the Environments in the file itself, in their order. */
  readonly own: readonly string[];
  readonly sources: ClusterSources;
  readonly #environments = new Map<string, Found>();
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();

  constructor({ path, text, directory, namespace, cluster, parsed }: ManifestOptions) {
    const folder = directory ?? (path === '-' ? undefined : dirname(path));
    for (const each of folder === undefined ? [] : yamlFiles(folder)) {
      if (each !== path) this.#add(each, neighbour(each, parsed), namespace);
    }
    this.own = this.#add(path === '-' ? '<input>' : path, objectsOf(text), namespace);
    this.sources = {
      ...cluster,
      readEnvironment: async (name, signal) =>
        this.#environments.get(`${name.namespace}/${name.name}`)?.object ?? cluster.readEnvironment(name, signal),
      namespaceLabels: async (name, signal) => this.#labels.get(name) ?? cluster.namespaceLabels(name, signal),
    };
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
      this.#environments.set(full, { path, ...parsed, object: { ...object, metadata: { ...metadata, namespace } } });
    }
    return names;
  }
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
