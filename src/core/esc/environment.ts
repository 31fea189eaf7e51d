// The evaluation of one environment: its imports, then its expressions, each at most once and depth first, in the order of
// their keys' bytes. References force what they need earlier.
import { compareBytewise } from '../byte-order.ts';
import { Cell } from './cell.ts';
import { openCiphertext } from './ciphertext.ts';
import { joinPath, type Path, writePath } from './diagnostics.ts';
import type { Call, EscDocument, Expression, Place, Telling } from './expression.ts';
import { type Argument, functions } from './functions.ts';
import { merge } from './merge.ts';
import { openProvider, openRotator, type ProviderCall, unknownShape } from './open-call.ts';
import { ReferenceWalk } from './reference-walk.ts';
import { stringSchema } from './schema.ts';
import { hasErrors, type Session } from './session.ts';
import { boundedText, stringForm } from './text-forms.ts';
import {
  arrayValue,
  booleanValue,
  EscValue,
  mapDeep,
  nullValue,
  numberValue,
  objectValue,
  textValue,
  unknownValue,
  valueOfJson,
} from './value.ts';

/** The name of a document that has none. */
export const anonymous = '<yaml>';

/** Evaluates a document within a session and keeps the result there under the document's name. */
export function evaluateDocument(session: Session, document: EscDocument, rootName: string): Environment {
  session.environments.set(document.name, 'evaluating');
  const environment = new Environment(session, document, rootName);
  session.environments.set(document.name, environment.evaluateAll());
  return environment;
}

export class Environment {
  readonly session: Session;
  readonly document: EscDocument;
  readonly isRoot: boolean;
  readonly rootName: string;
  readonly #imports = new Map<string, EscValue>();
  #root: Cell | undefined;
  #context: EscValue | undefined;

  constructor(session: Session, document: EscDocument, rootName: string) {
    this.session = session;
    this.document = document;
    this.rootName = rootName;
    this.isRoot = document === session.input.root;
  }

  get root(): Cell {
    this.#root ??= new Cell(this.document.values, this.#mergedImports(), '');
    return this.#root;
  }

  /** The values of direct imports by the names they are written with. */
  get importsValue(): EscValue {
    return objectValue(this.#imports);
  }

  get context(): EscValue {
    this.#context ??= valueOfJson({
      ...this.session.input.context,
      currentEnvironment: { name: this.document.name },
      rootEnvironment: { name: this.rootName },
    });
    return this.#context;
  }

  evaluateAll(): EscValue {
    for (const duplicate of this.document.duplicates) this.session.add(duplicate);
    return this.evaluate(this.root);
  }

  tell(place: Place, telling: Telling): void {
    this.session.tell(this.document, place, telling);
  }

  /** The value of another environment, or undefined after telling, at the place that asks, why there is none. */
  other(name: string, place: Place): EscValue | undefined {
    const known = this.session.environments.get(name);
    if (known === 'evaluating') {
      this.tell(place, { summary: `cyclic import of ${name}` });
      return undefined;
    }
    if (known !== undefined) return known;
    const document = this.session.document(name);
    if (document === undefined) return unknownValue({ awaits: 'document' });
    if ('error' in document) {
      this.tell(place, { summary: document.error });
      return undefined;
    }
    for (const diagnostic of document.loadDiagnostics) this.session.add(diagnostic);
    if (hasErrors(document.loadDiagnostics)) return undefined;
    if (!this.session.areImportsLoaded(document)) return unknownValue({ awaits: 'document' });
    const rootName = this.rootName === anonymous || this.rootName === '' ? name : this.rootName;
    return this.session.nested(() => {
      evaluateDocument(this.session, document, rootName);
      const value = this.session.environments.get(name);
      return value instanceof EscValue ? value : undefined;
    });
  }

  evaluate(cell: Cell): EscValue {
    if (cell.value !== undefined) return cell.value;
    const { base, expression } = cell;
    if (cell.isEvaluating) {
      this.tell(expression, { summary: `cyclic reference to ${cell.name}` });
      return unknownValue();
    }
    // Nothing can be said of what lies over a document that is not there: it may be frozen.
    if (base?.data.kind === 'unknown' && base.data.awaits === 'document') return base;
    if (base?.final === true) {
      this.tell(expression, { severity: 'warning', summary: 'cannot override final value' });
      cell.value = base;
      return base;
    }
    this.session.step();
    cell.isEvaluating = true;
    const value = this.session.nested(() => this.#compute(cell));
    cell.isEvaluating = false;
    this.session.step(value.inside.weight > 200 ? Math.ceil(value.inside.weight / 200) : 0);
    cell.value = value;
    return value;
  }

  /** Evaluates a cell as an argument: problems of parts are told at the parts, where the document holds them. */
  argument(cell: Cell): Argument {
    return {
      value: this.evaluate(cell),
      tell: (telling, at = []) => this.tell(cell.partPlace(at), telling),
    };
  }

  #mergedImports(): EscValue | undefined {
    let merged: EscValue | undefined;
    for (const { name, target, merge: isMerged, ...place } of this.document.imports) {
      const value = this.other(target, place);
      if (value === undefined) continue;
      this.#imports.set(name, value);
      if (isMerged) merged = merge(value, merged);
    }
    return merged;
  }

  #compute(cell: Cell): EscValue {
    const { expression, base } = cell;
    switch (expression.kind) {
      case 'null':
        return nullValue;
      case 'boolean':
        return booleanValue(expression.value);
      case 'number':
        return numberValue(expression.text);
      case 'string':
        return textValue(expression.value);
      case 'array':
        return arrayValue(cell.elements.map((each) => this.evaluate(each)));
      case 'object':
        return this.#object(cell);
      case 'symbol':
        return merge(this.#reference(expression).resolve(expression.accessors), base);
      case 'interpolation':
        return this.#interpolate(expression);
      case 'constant':
        return merge(expression.value, base);
      case 'call':
        return merge(this.#call(cell, expression, expression.call), base);
    }
  }

  #object(cell: Cell): EscValue {
    const sorted = [...cell.members].sort(([left], [right]) => compareBytewise(left, right));
    const own = new Map(sorted.map(([key, member]) => [key, this.evaluate(member)] as const));
    return new EscValue({ kind: 'object', own, base: cell.foundation });
  }

  #reference(place: Place & { readonly isPlain: boolean }): ReferenceWalk {
    return new ReferenceWalk(this, place);
  }

  #interpolate(expression: Extract<Expression, { readonly kind: 'interpolation' }>): EscValue {
    const texts: string[] = [];
    const used: EscValue[] = [];
    let secret = false;
    let unknown = false;
    for (const part of expression.parts) {
      if (typeof part === 'string') {
        texts.push(part);
        continue;
      }
      const value = this.#reference(expression).resolve(part);
      const form = stringForm(value);
      this.session.step(Math.ceil(form.text.length / 1000));
      used.push(value);
      texts.push(form.text);
      secret ||= form.secret;
      unknown ||= form.unknown;
    }
    if (unknown) return unknownValue({ schema: stringSchema, secret, from: used });
    return textValue(boundedText(texts, ''), { secret });
  }

  #call(cell: Cell, place: Place, call: Call): EscValue {
    switch (call.name) {
      case 'broken':
        return unknownValue();
      case 'unusable': {
        const { kind, provider } = call;
        const isKnown = this.session.input.shapes[kind](provider) !== undefined;
        if (!isKnown) this.tell(call.providerPlace, { summary: unknownShape(kind, provider) });
        return unknownValue();
      }
      case 'plaintext':
        return textValue(call.text, { secret: true });
      case 'ciphertext':
        return this.#decrypt(call.text, call.argument);
      case 'secret opened':
        return mapDeep(this.evaluate(cell.argument(call.args[0], 0)), { secret: true });
      case 'open':
        return openProvider(this.#providerCall(cell, place, call));
      case 'rotate':
        return openRotator(this.#providerCall(cell, place, call), call.state && cell.argument(call.state, 1), {
          statePath: writePath(call.statePath),
          path: pathBelowValues(place.path),
        });
      default: {
        const args = call.args.map((each, at) => this.argument(cell.argument(each, at)));
        const [first, second = first] = args;
        if (first === undefined || second === undefined) return unknownValue();
        return functions[call.name](first, second);
      }
    }
  }

  #providerCall(
    cell: Cell,
    place: Place,
    call: { readonly provider: string; readonly providerPlace: Place; readonly inputs: Expression },
  ): ProviderCall {
    const { provider, providerPlace } = call;
    return { environment: this, provider, providerPlace, place, inputs: cell.argument(call.inputs, 0) };
  }

  #decrypt(text: string, place: Place): EscValue {
    const { cipherOf, mode, showSecrets = false } = this.session.input;
    const hidden = unknownValue({ schema: stringSchema, secret: true });
    const encrypted = openCiphertext(text);
    if ('problem' in encrypted) {
      this.tell(place, { summary: `invalid ciphertext: ${encrypted.problem}` });
      return hidden;
    }
    if (mode === 'check' && !showSecrets) return hidden;
    const cipher = cipherOf?.(this.document.name);
    if (cipher === undefined) {
      this.tell(place, { summary: 'decrypting: there is no key for encrypted secrets here' });
      return hidden;
    }
    try {
      return textValue(cipher.decrypt(encrypted).toString('utf8'), { secret: true });
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : 'the key does not fit';
      this.tell(place, { summary: `decrypting: ${why}` });
      return hidden;
    }
  }
}

/** A path of the document without its first element, `values`. */
function pathBelowValues(path: Path | undefined): string {
  const elements: (string | number)[] = [];
  for (let at = path; at?.parent !== undefined; at = at.parent) elements.push(at.element);
  return elements.reverse().reduce<string>(joinPath, '');
}
