// From a tree of nodes to what it declares: description, imports, values. Everything that can be told from one document
// alone is told here.
import { below, type Diagnostic, positionsOf, writePath } from './diagnostics.ts';
import type { EscDocument, Expression, Import, ObjectExpression, Place, Teller, Telling } from './expression.ts';
import { nearest } from './nearest.ts';
import { ExpressionReader } from './read-expression.ts';
import { type Entry, type Node, readTree, type Tree, treeOfData } from './tree.ts';
import type { EscValue } from './value.ts';

/**
 * Reads the text of a document. Never throws: problems are the document's diagnostics. `targetOf` as of documentOfData.
 */
export function readDocument(name: string, text: string, targetOf?: (written: string) => string): EscDocument {
  return declare(name, readTree(text), positionsOf(text), targetOf);
}

/**
 * The document of plain data `{imports, values}`, such as an Environment's spec. `targetOf` gives the name of the document
 * that an import means by what is written.
 */
export function documentOfData(
  name: string,
  data: unknown,
  targetOf: (written: string) => string = asWritten,
): EscDocument {
  return declare(name, treeOfData(data), undefined, targetOf);
}

function asWritten(name: string): string {
  return name;
}

/** A document whose values are there already: what another evaluation gave, each part with its flags. */
export function documentOfValue(name: string, value: EscValue | undefined): EscDocument {
  const entries = Array.from(value?.members ?? [], ([key, member]) => [key, constant(member)] as const);
  return documentOf(name, { imports: [], values: new Map(entries) });
}

function constant(value: EscValue): Expression {
  return { kind: 'constant', value, ...nowhere };
}

/** A document of expressions; nothing is wrong with it, unless `loadDiagnostics` says so. */
export function documentOf(
  name: string,
  declared: {
    readonly imports: readonly Import[];
    readonly values: ReadonlyMap<string, Expression>;
    readonly loadDiagnostics?: readonly Diagnostic[];
    readonly tell?: Teller;
  },
): EscDocument {
  const { imports, values, loadDiagnostics = [], tell = tellerOf(name) } = declared;
  const isEmpty = imports.length + values.size === 0;
  const entries: ObjectExpression = { kind: 'object', entries: values, ...nowhere };
  return { name, imports, values: entries, isEmpty, isBroken: false, loadDiagnostics, duplicates: [], tell };
}

const nowhere: Place = { span: undefined, path: undefined };

/** `position` is absent for a document that has no text. */
export function tellerOf(name: string, position?: ReturnType<typeof positionsOf>): Teller {
  return (place, { severity = 'error', summary, suggestion }) => ({
    severity,
    summary,
    environment: name,
    path: writePath(place.path),
    ...(position !== undefined &&
      place.span !== undefined && { range: { begin: position(place.span[0]), end: position(place.span[1]) } }),
    ...(suggestion !== undefined && { suggestion }),
  });
}

/** What a tree declares. `position` as of tellerOf, `targetOf` as of documentOfData. */
export function declare(
  name: string,
  tree: Tree,
  position: ReturnType<typeof positionsOf> | undefined,
  targetOf: (written: string) => string = asWritten,
): EscDocument {
  const tell = tellerOf(name, position);
  const diagnostics: Diagnostic[] = [];
  const duplicates: Diagnostic[] = [];
  const empty: ObjectExpression = { kind: 'object', entries: new Map(), ...nowhere };
  const broken = (loadDiagnostics: readonly Diagnostic[]): EscDocument => {
    return { name, imports: [], values: empty, isEmpty: true, isBroken: true, loadDiagnostics, duplicates, tell };
  };
  if ('problems' in tree) {
    return broken(tree.problems.map(({ summary, span, path }) => tell({ span, path }, { summary })));
  }
  if (tree.root.kind !== 'object') return broken([tell(nowhere, { summary: 'environment must be an object' })]);
  const declarer = new Declarer(
    (place, telling) => diagnostics.push(tell(place, telling)),
    (place, telling) => duplicates.push(tell(place, telling)),
    targetOf,
  );
  const { imports, values, count } = declarer.environment(tree.root.entries);
  const declared = { imports, values: { ...empty, entries: values }, isEmpty: count === 0, isBroken: false };
  return { name, ...declared, loadDiagnostics: diagnostics, duplicates, tell };
}

type Report = (place: Place, telling: Telling) => unknown;

const fields = ['description', 'imports', 'values'] as const;
/** Roots of references that are not keys of the environment. */
const reserved: ReadonlySet<string> = new Set(['imports', 'context', 'environments']);

class Declarer {
  readonly #report: Report;
  readonly #reportDuplicate: Report;
  readonly #expressions: ExpressionReader;
  readonly #targetOf: (written: string) => string;

  constructor(report: Report, reportDuplicate: Report, targetOf: (written: string) => string) {
    this.#report = report;
    this.#reportDuplicate = reportDuplicate;
    this.#expressions = new ExpressionReader(report, reportDuplicate);
    this.#targetOf = targetOf;
  }

  environment(entries: readonly Entry[]) {
    const found = new Map<string, Node>();
    const seen = new Set<string>();
    for (const { key, keySpan, value } of entries) {
      const place: Place = { span: keySpan, path: below(undefined, key) };
      if (seen.has(key)) this.#report(place, { severity: 'warning', summary: `duplicate key ${JSON.stringify(key)}` });
      seen.add(key);
      const field = fields.find((each) => new RegExp(`^${each}$`, 'iu').test(key));
      if (field !== undefined) found.set(field, value);
      else this.#report(place, { severity: 'warning', ...unknownField(key) });
    }
    const description = found.get('description');
    if (description !== undefined) this.#description(description);
    const imports = found.get('imports');
    const values = found.get('values');
    const importList = imports === undefined ? [] : this.#list(imports);
    const valueEntries = values === undefined ? [] : this.#object(values);
    return {
      imports: importList.flatMap((entry) => this.#importOf(entry)),
      values: this.#values(valueEntries),
      count: importList.length + valueEntries.length,
    };
  }

  #description(node: Node): void {
    const isLiteral = node.kind === 'string' && ['null', 'string'].includes(this.#expressions.read(node).kind);
    if (!isLiteral) this.#report(node, { summary: 'description must be a string' });
  }

  #list(node: Node): readonly Node[] {
    if (node.kind === 'array') return node.elements;
    this.#report(node, { summary: 'imports must be a list' });
    return [];
  }

  #object(node: Node): readonly Entry[] {
    if (node.kind === 'object') return node.entries;
    this.#report(node, { summary: 'values must be an object' });
    return [];
  }

  #importOf(node: Node): Import[] {
    const place: Place = { span: node.span, path: node.path };
    if (node.kind === 'string') return [this.#named(node.value, true, place)];
    if (node.kind !== 'object') {
      this.#report(node, { summary: 'import must be a string or an object' });
      return [];
    }
    const [only] = node.entries;
    if (only === undefined || node.entries.length !== 1) {
      this.#report(node, { summary: 'import must have a single key' });
      return [];
    }
    return [this.#named(only.key, this.#isMerged(only.value), place)];
  }

  #named(name: string, merge: boolean, place: Place): Import {
    return { name, target: this.#targetOf(name), merge, ...place };
  }

  /** Options that are no object leave the import merged; a `merge` that is no boolean counts as false. */
  #isMerged(options: Node): boolean {
    if (options.kind !== 'object') {
      this.#report(options, { summary: 'import must be an object' });
      return true;
    }
    let merge = true;
    let seen = 0;
    for (const { key, keySpan, value } of options.entries) {
      if (!/^merge$/iu.test(key)) continue;
      if (seen++ > 0) {
        const place: Place = { span: keySpan, path: value.path };
        this.#report(place, { severity: 'warning', summary: `duplicate key ${JSON.stringify(key)}` });
      }
      if (value.kind !== 'boolean') this.#report(value, { summary: 'merge must be a boolean value' });
      merge = value.kind === 'boolean' && value.value;
    }
    return merge;
  }

  /** The first level: keys are taken literally, some are refused. */
  #values(entries: readonly Entry[]): ReadonlyMap<string, Expression> {
    const values = new Map<string, Expression>();
    for (const { key, keySpan, value } of entries) {
      const place: Place = { span: keySpan, path: value.path };
      if (reserved.has(key)) {
        this.#report(place, { summary: `${JSON.stringify(key)} is a reserved key` });
        continue;
      }
      if (key.startsWith('fn::')) {
        this.#report(place, {
          summary: `builtin function call ${JSON.stringify(key)} not allowed at the top level`,
        });
      }
      const expression = this.#expressions.read(value);
      if (values.has(key)) this.#reportDuplicate(place, { summary: `duplicate key ${JSON.stringify(key)}` });
      else values.set(key, expression);
    }
    return values;
  }
}

function unknownField(key: string): Telling {
  const { sorted, suggestion } = nearest(key, fields);
  const names = sorted.map((each) => `'${each}'`).join(', ');
  return {
    summary: `Field '${key}' does not exist on Object 'environment'. Existing fields are: ${names}`,
    suggestion,
  };
}
