// Documents in files. A document is named by its path below the directory, without `.yaml`: `base`, `infra/login`. A bare
// import is looked for beside the file that names it, then in the directory; `project/name` in the directory, then in the one
// around it, so that a directory may hold a folder for each project, or be such a folder. Names that say another place
// (subject.ts), and names that no file has where `--imports-from` says one, are opened as ENVs of their own; what they give is
// imported.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { OperatorError } from '../../base/operator-error.ts';
import { keyForm, readKey } from '../../core/esc/cipher.ts';
import { documentOfValue, readDocument } from '../../core/esc/declare.ts';
import type { EscDocument } from '../../core/esc/expression.ts';
import { maxDocumentLength } from '../../core/esc/limits.ts';
import { hasErrors, type LoadFailure } from '../../core/esc/session.ts';
import { readStackSettings } from '../../core/esc/stack-settings.ts';
import { UsageError } from '../arguments.ts';
import type { DocumentSet } from './evaluation.ts';
import type { Opened, PlacedDiagnostic } from './opened.ts';
import { documentsIn } from './streams.ts';
import { type ImportsFrom, isElsewhere } from './subject.ts';

const extensions = ['.yaml', '.yml'];
/** Of names elsewhere, which may have a version. */
const elsewhereForm = /^[\w-][\w.-]*(\/[\w-][\w.-]*)?(@[\w.-]+)?$/;
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
  /** Where they are looked for then. */
  readonly importsFrom: ImportsFrom | undefined;
  /** Opens an ENV that is no file. */
  readonly openElsewhere: (name: string, signal: AbortSignal) => Promise<Opened>;
}

/** What an import may well lack; anything else is for the whole command to tell. */
const lacking: ReadonlySet<string> = new Set(['ReferenceNotFound', 'ScopeNotFound', 'InvalidSpec']);

export class FileDocuments implements DocumentSet {
  readonly root: EscDocument;
  readonly given = new Map<string, EscDocument | LoadFailure>();
  /** What was told of environments that are no files. */
  readonly elsewhere: PlacedDiagnostic[] = [];
  readonly #directory: string;
  readonly #paths = new Map<string, string>();
  readonly #importsFrom: ImportsFrom | undefined;
  readonly #openElsewhere: FileRoot['openElsewhere'];

  constructor({ path, text, directory, importsFrom, openElsewhere }: FileRoot) {
    this.#importsFrom = importsFrom;
    this.#openElsewhere = openElsewhere;
    this.#directory = directory ?? (path === '-' ? '.' : dirname(path));
    const name = this.#nameOf(path);
    this.#paths.set(name, path === '-' ? '<input>' : path);
    const targetOf = (written: string) => this.#target(written, name);
    if (!isStackFile(path)) {
      this.root = readDocument(name, text, targetOf);
      return;
    }
    const { root, environment } = readStackSettings(name, text, targetOf);
    this.root = root;
    if (environment === undefined) return;
    this.given.set(environment.name, environment);
    this.#paths.set(environment.name, this.placeOf(name));
  }

  /** The file of a document, for messages. */
  placeOf(name: string): string {
    return this.#paths.get(name) ?? name;
  }

  async load(names: readonly string[], signal: AbortSignal): Promise<void> {
    await Promise.all(names.map(async (name) => this.given.set(name, await this.#load(name, signal))));
  }

  async #load(name: string, signal: AbortSignal): Promise<EscDocument | LoadFailure> {
    if (isElsewhere(name)) return await this.#opened(name, name, signal);
    const path = this.#fileOf(name);
    if (path === undefined && this.#importsFrom !== undefined && elsewhereForm.test(name)) {
      return await this.#opened(name, this.#importsFrom(name), signal);
    }
    if (path === undefined) return { error: this.#missing(name) };
    this.#paths.set(name, path);
    try {
      const text = readTextFile(path);
      const { length } = documentsIn(text);
      if (length > 1) return { error: `${path}: there are ${length} documents in this file, and an import means one` };
      return readDocument(name, text, (written) => this.#target(written, name));
    } catch (thrown) {
      if (thrown instanceof OperatorError) return { error: thrown.message };
      throw thrown;
    }
  }

  async #opened(name: string, env: string, signal: AbortSignal): Promise<EscDocument | LoadFailure> {
    try {
      const { title, value, diagnostics } = await this.#openElsewhere(env, signal);
      this.elsewhere.push(...diagnostics);
      return hasErrors(diagnostics) ? { error: `${title} has errors` } : documentOfValue(name, value);
    } catch (thrown) {
      if (thrown instanceof UsageError) return { error: thrown.message };
      if (thrown instanceof OperatorError && lacking.has(thrown.reason)) return { error: thrown.message };
      throw thrown;
    }
  }

  #missing(name: string): string {
    if (name.includes('@')) {
      return `environment ${JSON.stringify(name)}: files have no versions; --imports-from opens what is no file`;
    }
    if (!nameForm.test(name)) return `environment ${JSON.stringify(name)} is no name: write name, or project/name`;
    return `environment "${name}": there is no file ${join(this.#directory, name)}.yaml; --imports-from names another place`;
  }

  #nameOf(path: string): string {
    if (path === '-') return '';
    const below = relative(resolve(this.#directory), resolve(path)).split(sep).join(posix.sep);
    return below.replace(/\.ya?ml$/i, '');
  }

  /** A bare name means a file beside the one that holds it, where there is one. */
  #target(written: string, from: string): string {
    if (isElsewhere(written)) return written;
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
