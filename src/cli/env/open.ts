// From an ENV of the command line to its evaluation, wherever it lies, with a place for each diagnostic.
import { OperatorError } from '../../base/operator-error.ts';
import { plainSecretWarning } from '../../core/environment-check.ts';
import { environmentName } from '../../core/environment-names.ts';
import { decryptWith } from '../../core/esc/cipher.ts';
import type { Cipher } from '../../core/esc/ciphertext.ts';
import { documentOfData } from '../../core/esc/declare.ts';
import type { Diagnostic } from '../../core/esc/diagnostics.ts';
import type { EscDocument } from '../../core/esc/expression.ts';
import type { Opening } from '../../core/esc/openings.ts';
import { plainSecretPaths } from '../../core/esc/plain-secrets.ts';
import type { ClusterSources } from '../../providers/contract.ts';
import { Documents } from '../../providers/esc/documents.ts';
import { readDecrypter } from '../../providers/esc/encryption-key.ts';
import type { OpenContext } from '../../providers/esc/open/contract.ts';
import { UsageError } from '../arguments.ts';
import { type DocumentSet, evaluateWhole } from './evaluation.ts';
import { FileDocuments, readKeyFile, readTextFile } from './files.ts';
import { holdsManifests, Manifests, type Parsed } from './manifests.ts';
import type { Opened, PlacedDiagnostic } from './opened.ts';
import { documentsIn } from './streams.ts';
import { type ImportsFrom, readSubject, type Subject } from './subject.ts';
import type { World } from './world.ts';

export interface Wanted {
  readonly mode: 'check' | 'open';
  /** A check decrypts as well. */
  readonly showSecrets: boolean;
  /** `--dir`: where names are files. */
  readonly directory: string | undefined;
  /** `--imports-from`: where imports of files are that no file has. */
  readonly importsFrom: ImportsFrom | undefined;
  /** `--key-file` and `--key-secret`. */
  readonly keyFile: string | undefined;
  readonly keySecret: string | undefined;
  /** Warns of secrets that an Environment, as an object, holds in plain text. */
  readonly tellsPlainSecrets?: true;
}

interface Ports {
  readonly world: World;
  readonly readInput: () => Promise<Buffer>;
  /** Manifests that were read already. */
  readonly parsed?: Map<string, readonly Parsed[]>;
}

/** All Environments that the text names: a file of manifests may hold several. Throws UsageError, and what reading throws. */
export async function openAll(text: string, wanted: Wanted, ports: Ports, signal: AbortSignal): Promise<Opened[]> {
  const [path = '', chosen] = /(\.(ya?ml|json)|^-)#/i.test(text) ? text.split('#') : [text];
  const subject = withDirectory(readSubject(path), wanted.directory);
  if (subject.kind === 'pulumi') return [await openCloud(subject, wanted, ports.world, signal)];
  if (subject.kind !== 'file') return [await openNamed(subject.name, wanted, ports.world, signal)];
  const content = subject.path === '-' ? (await ports.readInput()).toString('utf8') : readTextFile(subject.path);
  const { directory } = wanted;
  if (!holdsManifests(content))
    return await openDocuments({ path: subject.path, content, chosen }, wanted, ports, signal);
  const { namespace, cluster } = ports.world;
  const manifests = new Manifests({
    path: subject.path,
    text: content,
    directory,
    namespace,
    cluster,
    assumesRevisions: wanted.mode === 'check',
    parsed: ports.parsed ?? new Map(),
  });
  const names = chosen === undefined ? manifests.own : [fullName(chosen, namespace)];
  if (names.length === 0) throw new OperatorError('InvalidSpec', `${path}: there is no Environment in this file`);
  const opened: Opened[] = [];
  for (const name of names) {
    const order = { name, title: `${path}#${name}`, sources: manifests.sources, wanted, world: ports.world };
    const one = await openEnvironmentOf({ ...order, placeOf: manifestPlace(manifests) }, signal);
    opened.push({ ...one, diagnostics: [...one.diagnostics, ...[...manifests.assumed].map(assumption)] });
    manifests.assumed.clear();
  }
  return opened;
}

/** The one Environment that the text names. Throws UsageError when it names several. */
export async function openOne(text: string, wanted: Wanted, ports: Ports, signal: AbortSignal): Promise<Opened> {
  const [first, ...others] = await openAll(text, wanted, ports, signal);
  if (first === undefined || others.length > 0) {
    const titles = [first, ...others].map((each) => each?.title).join(', ');
    throw new UsageError(`${text} holds several Environments: choose one of ${titles}`);
  }
  return first;
}

/** A name is a file where a directory is given. */
function withDirectory(subject: Subject, directory: string | undefined): Subject {
  if (subject.kind !== 'named' || directory === undefined) return subject;
  return { kind: 'file', path: `${directory.replace(/\/$/, '')}/${subject.name}.yaml` };
}

function fullName(name: string, namespace: string): string {
  return name.includes('/') ? name : `${namespace}/${name}`;
}

async function openNamed(name: string, wanted: Wanted, world: World, signal: AbortSignal): Promise<Opened> {
  const full = fullName(name, world.namespace);
  const order = { name: full, title: `environment "${full}"`, sources: world.cluster, wanted, world };
  return await openEnvironmentOf({ ...order, placeOf: environmentPlace }, signal);
}

interface EnvironmentOrder {
  readonly name: string;
  readonly title: string;
  readonly sources: ClusterSources;
  readonly wanted: Wanted;
  readonly world: World;
  readonly placeOf: (diagnostic: Diagnostic) => string;
}

/** An Environment as an object, evaluated as the operator does, in the name of its own namespace. */
async function openEnvironmentOf(order: EnvironmentOrder, signal: AbortSignal): Promise<Opened> {
  const { name, title, sources, wanted, world, placeOf } = order;
  const chosen = await chosenCipher(wanted, world, signal);
  const readsKeys = chosen === undefined && (wanted.mode === 'open' || wanted.showSecrets);
  const found = new Documents(sources, { readsKeys });
  const root = (await found.root(name, undefined, signal)).document(documentOfData);
  const documents: DocumentSet = {
    get given() {
      return new Map(
        [...found.given].map(([each, source]) => [each, 'error' in source ? source : source.document(documentOfData)]),
      );
    },
    load: (names, waiting) => found.load(names, waiting),
  };
  const opened = await evaluated(
    {
      title,
      root,
      documents,
      wanted,
      contextOf: ({ environment }) => contextAt(environmentName(environment, '').namespace, sources, world),
      providers: world.providers,
      cipherOf: (each) => chosen ?? found.cipherOf(each),
      placeOf,
    },
    signal,
  );
  const plain = wanted.tellsPlainSecrets === true ? plainSecretPaths(root) : [];
  const warnings = plain.map((path): Diagnostic => ({ ...plainSecretTelling, environment: name, path }));
  return { ...opened, diagnostics: [...opened.diagnostics, ...warnings.map((each) => placed(each, placeOf))] };
}

const plainSecretTelling = { severity: 'warning', summary: plainSecretWarning } as const;

function placed(diagnostic: Diagnostic, placeOf: EnvironmentOrder['placeOf']): PlacedDiagnostic {
  return { ...diagnostic, place: placeOf(diagnostic) };
}

interface ChosenFile {
  readonly path: string;
  readonly content: string;
  /** Which of several documents is meant, counted from 1; undefined means all. */
  readonly chosen: string | undefined;
}

async function openDocuments(file: ChosenFile, wanted: Wanted, ports: Ports, signal: AbortSignal): Promise<Opened[]> {
  const { path, content, chosen } = file;
  const texts = documentsIn(content).map((text, at) => [`${at + 1}`, text] as const);
  const meant = texts.filter(([number]) => chosen === undefined || number === chosen);
  if (meant.length === 0)
    throw new UsageError(`${path}#${chosen}: the file holds ${texts.length} of them, and not that`);
  const openElsewhere = (name: string) => openOne(name, wanted, ports, signal);
  const { directory, importsFrom } = wanted;
  const opened: Opened[] = [];
  for (const [number, text] of meant) {
    const documents = new FileDocuments({ path, text, directory, importsFrom, openElsewhere });
    const one = await openDocument(documents, wanted, ports, signal);
    opened.push(texts.length === 1 ? one : { ...one, title: `${path}#${number}` });
  }
  return opened;
}

/** A document of a file: providers that read the cluster read in the namespace of the command line. */
async function openDocument(
  documents: FileDocuments,
  wanted: Wanted,
  { world }: Ports,
  signal: AbortSignal,
): Promise<Opened> {
  const opened = await openAlone(documents, wanted, world, signal);
  return { ...opened, diagnostics: [...opened.diagnostics, ...documents.elsewhere] };
}

async function openAlone(documents: FileDocuments, wanted: Wanted, world: World, signal: AbortSignal): Promise<Opened> {
  const chosen = await chosenCipher(wanted, world, signal);
  return await evaluated(
    {
      title: documents.placeOf(documents.root.name),
      root: documents.root,
      documents,
      wanted,
      contextOf: () => contextAt(world.namespace, world.cluster, world),
      providers: world.providers,
      cipherOf: () => chosen,
      placeOf: ({ environment, range }) => withPosition(documents.placeOf(environment), range?.begin),
    },
    signal,
  );
}

interface Evaluating {
  readonly title: string;
  readonly root: EscDocument;
  readonly documents: DocumentSet;
  readonly wanted: Wanted;
  readonly contextOf: (opening: Opening) => OpenContext;
  readonly providers: World['providers'];
  readonly cipherOf: (name: string) => Pick<Cipher, 'decrypt'> | undefined;
  readonly placeOf: (diagnostic: Diagnostic) => string;
}

async function evaluated({ title, wanted, placeOf, ...order }: Evaluating, signal: AbortSignal): Promise<Opened> {
  const { value, diagnostics } = await evaluateWhole({ ...order, ...wanted }, signal);
  return { title, value, diagnostics: diagnostics.map((each) => placed(each, placeOf)) };
}

function contextAt(namespace: string, cluster: ClusterSources, { holder }: World): OpenContext {
  return { namespace, cluster, credentials: cluster.credentialsIn(namespace), holder, notBeforeMs: 0 };
}

/** The key that the command line names, whatever the documents say. */
async function chosenCipher(
  { keyFile, keySecret }: Wanted,
  { cluster, namespace }: World,
  signal: AbortSignal,
): Promise<Pick<Cipher, 'decrypt'> | undefined> {
  if (keyFile !== undefined) return decryptWith(readKeyFile(keyFile));
  if (keySecret === undefined) return undefined;
  return await readDecrypter({ namespace, selector: secretKey(keySecret), field: '--key-secret' }, cluster, signal);
}

/** NAME/KEY. Throws UsageError. */
export function secretKey(text: string): { readonly name: string; readonly key: string } {
  const [name = '', key = '', ...rest] = text.split('/');
  if (name !== '' && key !== '' && rest.length === 0) return { name, key };
  throw new UsageError(`--key-secret ${JSON.stringify(text)}: write NAME/KEY of a Secret`);
}

async function openCloud(
  subject: Extract<Subject, { readonly kind: 'pulumi' }>,
  { mode, showSecrets }: Wanted,
  { pulumi }: World,
  signal: AbortSignal,
): Promise<Opened> {
  const { organization, project, environment, version } = subject;
  const scope = { organization, project, environment, version };
  const title = `pulumi:${organization}/${project}/${environment}${version === undefined ? '' : `@${version}`}`;
  const { value, diagnostics } =
    mode === 'open' ? await pulumi.open(scope, signal) : await pulumi.check(scope, { showSecrets }, signal);
  const placed = diagnostics.map((each) => ({
    ...each,
    place: withPosition(
      each.environment === '' ? title : `pulumi:${organization}/${each.environment}`,
      each.range?.begin,
    ),
  }));
  return { title, value, diagnostics: placed };
}

function assumption(name: string): PlacedDiagnostic {
  const summary = 'the revision is not to be had here: the document of the file is looked at in its place';
  return { severity: 'warning', summary, environment: name, path: '', place: `environment "${name}"` };
}

function environmentPlace({ environment }: Diagnostic): string {
  return `environment "${environment}"`;
}

function manifestPlace(manifests: Manifests): (diagnostic: Diagnostic) => string {
  return (diagnostic) => {
    const found = manifests.placeOf(diagnostic.environment, diagnostic.path);
    return found === undefined ? environmentPlace(diagnostic) : withPosition(found.path, found.begin);
  };
}

function withPosition(file: string, begin: { readonly line: number; readonly column: number } | undefined): string {
  return begin === undefined ? file : `${file}:${begin.line}:${begin.column}`;
}
