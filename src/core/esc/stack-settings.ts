// A stack's settings of Pulumi (`Pulumi.dev.yaml`) as documents. `environment` is one: the list of its imports, or all of it.
// `config` stands over the `pulumiConfig` of that, as when Pulumi runs: literally, objects merged, `secure` texts unknown, for
// they are encrypted by the stack's own secrets provider.
// https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
import { declare, documentOf, tellerOf } from './declare.ts';
import { positionsOf } from './diagnostics.ts';
import type { EscDocument, Expression, Place, Teller } from './expression.ts';
import { stringSchema } from './schema.ts';
import { type Entry, type Node, readTree } from './tree.ts';
import { unknownValue } from './value.ts';

export interface StackSettings {
  readonly root: EscDocument;
  /** What the root imports by the name of this document, where there is configuration to stand over it. */
  readonly environment?: EscDocument;
}

/** Never throws, as readDocument. */
export function readStackSettings(name: string, text: string, targetOf?: (written: string) => string): StackSettings {
  const position = positionsOf(text);
  const tree = readTree(text);
  if ('problems' in tree || tree.root.kind !== 'object') return { root: declare(name, tree, position, targetOf) };
  const member = (wanted: string) =>
    tree.root.kind === 'object' ? tree.root.entries.find(({ key }) => key === wanted) : undefined;
  const config = member('config');
  const environment = member('environment');
  const declared = (as: string) => declare(as, { root: documentIn(tree.root, environment) }, position, targetOf);
  if (config?.value.kind !== 'object' || config.value.entries.length === 0) return { root: declared(name) };
  const reader = new ConfigReader(tellerOf(name, position));
  const values = new Map([['pulumiConfig', reader.read(config.value)]]);
  const { warnings: loadDiagnostics } = reader;
  const tell = tellerOf(name, position);
  if (environment === undefined) return { root: documentOf(name, { imports: [], values, loadDiagnostics, tell }) };
  const below = declared(`${name}#environment`);
  const imports = [{ name: below.name, target: below.name, merge: true, ...placeOf(environment.value) }];
  return { root: documentOf(name, { imports, values, loadDiagnostics, tell }), environment: below };
}

function documentIn(root: Node, environment: Entry | undefined): Node {
  const place = placeOf(root);
  if (environment === undefined) return { kind: 'object', entries: [], ...place };
  if (environment.value.kind === 'object') return environment.value;
  return { kind: 'object', entries: [{ ...environment, key: 'imports' }], ...place };
}

/** Collects what it warns of. */
class ConfigReader {
  readonly warnings: ReturnType<Teller>[] = [];
  readonly #tell: Teller;

  constructor(tell: Teller) {
    this.#tell = tell;
  }

  read(node: Node): Expression {
    const place = placeOf(node);
    switch (node.kind) {
      case 'array':
        return { kind: 'array', elements: node.elements.map((each) => this.read(each)), ...place };
      case 'object':
        return isSecure(node)
          ? this.#withheld(place)
          : { kind: 'object', entries: this.#entries(node.entries), ...place };
      default:
        return node;
    }
  }

  #entries(entries: readonly Entry[]): ReadonlyMap<string, Expression> {
    return new Map(entries.map(({ key, value }) => [key, this.read(value)]));
  }

  #withheld(place: Place): Expression {
    const summary = "is encrypted by the stack's secrets provider: its value is not known here";
    this.warnings.push(this.#tell(place, { severity: 'warning', summary }));
    return { kind: 'constant', value: unknownValue({ schema: stringSchema, secret: true }), ...place };
  }
}

/** `{secure: TEXT}`, as Pulumi writes what it has encrypted. */
function isSecure({ entries }: Extract<Node, { readonly kind: 'object' }>): boolean {
  const [only, ...others] = entries;
  return only?.key === 'secure' && only.value.kind === 'string' && others.length === 0;
}

function placeOf({ span, path }: Node): Place {
  return { span, path };
}
