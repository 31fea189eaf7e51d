// Documents in files. A document is named by its path below the directory, without `.yaml`: `base`, `infra/login`. A bare
// import is looked for beside the file that names it, then in the directory; `project/name` in the directory, then in the one
// around it, so that a directory may hold a folder for each project, or be such a folder.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { OperatorError } from '../../base/operator-error.ts';
import { keyForm, readKey } from '../../core/esc/cipher.ts';
import { readDocument, readStackSettings } from '../../core/esc/declare.ts';
import type { EscDocument } from '../../core/esc/expression.ts';
import { maxDocumentLength } from '../../core/esc/limits.ts';
import type { LoadFailure } from '../../core/esc/session.ts';
import type { DocumentSet } from './evaluation.ts';

const extensions = ['.yaml', '.yml'];
const nameForm = /^[\w-][\w.-]*(\/[\w-][\w.-]*){0,2}$/;

/** The text of a file. Throws ReferenceNotFound and InvalidSpec, naming it. */
export function readTextFile(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  try {
    if (statSync(path).size > 4 * maxDocumentLength)
      throw new OperatorError('InvalidSpec', `${path}: the file is too large`);
    return readFileSync(path, encoding);
  } catch (thrown) {
    if (thrown instanceof OperatorError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unreadable';
    throw new OperatorError('ReferenceNotFound', `${path}: cannot be read (${code})`);
  }
}

/** The key that a file holds. Throws InvalidCredential, naming it. */
export function readKeyFile(path: string): Buffer {
  const key = readKey(Buffer.from(readTextFile(path, 'latin1'), 'latin1'));
  if (key === undefined) throw new OperatorError('InvalidCredential', `${path}: the file does not hold ${keyForm}`);
  return key;
}

/** Whether the path is that of a stack's settings of Pulumi. */
export function isStackFile(path: string): boolean {
  return /(^|[/\\])Pulumi\.[^/\\]+\.ya?ml$/.test(path);
}

export interface FileRoot {
  /** As it was written on the command line; `-` for what came in. */
  readonly path: string;
  readonly text: string;
  /** Where names are looked for; the file's own directory when absent. */
  readonly directory: string | undefined;
}

export class FileDocuments implements DocumentSet {
  readonly root: EscDocument;
  readonly given = new Map<string, EscDocument | LoadFailure>();
  readonly #directory: string;
  readonly #paths = new Map<string, string>();

  constructor({ path, text, directory }: FileRoot) {
    this.#directory = directory ?? (path === '-' ? '.' : dirname(path));
    const name = this.#nameOf(path);
    this.#paths.set(name, path === '-' ? '<input>' : path);
    const read = isStackFile(path) ? readStackSettings : readDocument;
    this.root = read(name, text, (written) => this.#target(written, name));
  }

  /** The file of a document, for messages. */
  placeOf(name: string): string {
    return this.#paths.get(name) ?? name;
  }

  async load(names: readonly string[]): Promise<void> {
    for (const name of names) this.given.set(name, this.#load(name));
  }

  #load(name: string): EscDocument | LoadFailure {
    const path = this.#fileOf(name);
    if (path === undefined) return { error: this.#missing(name) };
    this.#paths.set(name, path);
    try {
      return readDocument(name, readTextFile(path), (written) => this.#target(written, name));
    } catch (thrown) {
      if (thrown instanceof OperatorError) return { error: thrown.message };
      throw thrown;
    }
  }

  #missing(name: string): string {
    if (name.includes('@')) return `environment ${JSON.stringify(name)}: files have no versions`;
    if (!nameForm.test(name)) return `environment ${JSON.stringify(name)} is no name: write name, or project/name`;
    return `environment "${name}": there is no file ${join(this.#directory, name)}.yaml`;
  }

  #nameOf(path: string): string {
    if (path === '-') return '';
    const below = relative(resolve(this.#directory), resolve(path)).split(sep).join(posix.sep);
    return below.replace(/\.ya?ml$/i, '');
  }

  /** A bare name means a file beside the one that holds it, where there is one. */
  #target(written: string, from: string): string {
    const folder = posix.dirname(from);
    const beside = `${folder}/${written}`;
    return !written.includes('/') && folder !== '.' && this.#fileOf(beside) !== undefined ? beside : written;
  }

  #fileOf(name: string): string | undefined {
    if (!nameForm.test(name)) return undefined;
    const places = name.includes('/') ? [this.#directory, join(this.#directory, '..')] : [this.#directory];
    return places
      .flatMap((place) => extensions.map((extension) => join(place, `${name}${extension}`)))
      .find((path) => existsSync(path));
  }
}
