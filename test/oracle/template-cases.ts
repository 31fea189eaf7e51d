// Random templates with random data, the same ones for the same seed: well-typed pipelines of most functions inside of all
// actions, some with a wrong type, some with a token lost or doubled. What is drawn at random by a function, or stands in
// no order in Go, is left out; sizes are literals, so that no case asks Go for gigabytes.
import { type Random, seededRandom } from './random.ts';
import { calls, fixedLiterals, literals, type Signature, type ValueType } from './template-parts.ts';

export interface TemplateCase {
  readonly text: string;
  readonly data: Readonly<Record<string, Uint8Array>>;
}

/** The cases whose answers are recorded, and where. */
export const recordedTemplates = {
  seed: 14,
  count: 5_000,
  url: new URL('../../src/core/template/testdata/random.txt', import.meta.url),
} as const;

/** So many cases for the seed. */
export function templateCases({ seed, count }: { readonly seed: number; readonly count: number }): TemplateCase[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => new Writer(random).case());
}

const keys = ['user', 'pass', 'port', 'csv', 'json', 'uni', 'empty', 'text', 'bin'] as const;
const types: readonly ValueType[] = ['s', 'i', 'f', 'b', 'l', 'd', 't'];

const numbers: readonly ValueType[] = ['i', 'i', 'f', 's'];

/** Calls that give a collection or an error. */
const collections = {
  l: calls.l.filter(({ name }) => !['first', 'fromJson'].includes(name)),
  d: calls.d.filter(({ name }) => !['index', 'get', 'fromJson', 'mustFromJson'].includes(name)),
};

interface Variable {
  readonly name: string;
  readonly type: ValueType;
}

class Writer {
  readonly #random: Random;
  #scope: Variable[] = [];
  /** Whether dot is the data. */
  #isRoot = true;
  #loops = 0;
  #templates: string[] = [];
  #names = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  case(): TemplateCase {
    const { below, chance } = this.#random;
    const data: Record<string, Uint8Array> = {};
    for (const key of keys) if (chance(0.9)) data[key] = this.#datum(key);
    const written = Array.from({ length: 1 + below(4) }, () => this.#statement(3)).join('');
    return { text: chance(0.12) ? this.#damaged(written) : written, data };
  }

  #datum(key: (typeof keys)[number]): Uint8Array {
    const { pick, below, chance } = this.#random;
    if (key === 'empty') return new Uint8Array();
    if (key === 'bin') return Uint8Array.from({ length: below(6) }, () => below(256));
    if (key === 'port') return Buffer.from(String(below(70_000)));
    const pool = chance(0.8) ? literals.data[key] : literals.data.text;
    return Buffer.from(pick(pool));
  }

  #statement(depth: number): string {
    const { pick, below, chance } = this.#random;
    const kind = below(depth > 0 ? 20 : 11);
    if (kind < 3) return pick(literals.outside);
    if (kind < 9) return this.#action(this.#pipeline(pick(types), 3));
    if (kind === 9) return this.#declaration();
    if (kind === 10) return pick(['{{/* note */}}', '{{- /* note */ -}}', '{{- "" -}}']);
    if (kind < 13) return this.#condition(depth);
    if (kind < 15) return this.#with(depth);
    if (kind < 18) return this.#range(depth);
    return chance(0.5) ? this.#define(depth) : this.#block(depth);
  }

  #action(inner: string): string {
    const { chance } = this.#random;
    return `{{${chance(0.15) ? '- ' : chance(0.1) ? '' : ' '}${inner}${chance(0.15) ? ' -' : ' '}}}`;
  }

  #body(depth: number): string {
    const outer = [...this.#scope];
    const text = Array.from({ length: this.#random.below(3) }, () => this.#statement(depth - 1)).join('');
    const { chance, pick } = this.#random;
    const jump = this.#loops > 0 && chance(0.2) ? this.#action(pick(['break', 'continue'])) : '';
    this.#scope = outer;
    return text + jump;
  }

  #declaration(): string {
    const { pick, chance } = this.#random;
    const type = pick(types);
    const known = this.#scope.filter((variable) => variable.type === type);
    if (known.length > 0 && chance(0.5)) return this.#action(`${pick(known).name} = ${this.#pipeline(type, 2)}`);
    const value = this.#pipeline(type, 3);
    return this.#action(`${this.#newVariable(type)} := ${value}`);
  }

  #newVariable(type: ValueType): string {
    const name = `$v${this.#names++}`;
    this.#scope.push({ name, type });
    return name;
  }

  #condition(depth: number): string {
    const { chance, pick } = this.#random;
    const pipe = () => this.#pipeline(chance(0.6) ? 'b' : pick(types), 2);
    const start = this.#action(`if ${pipe()}`) + this.#body(depth);
    const middle = chance(0.3) ? this.#action(`else if ${pipe()}`) + this.#body(depth) : '';
    const end = chance(0.5) ? this.#action('else') + this.#body(depth) : '';
    return start + middle + end + this.#action('end');
  }

  #with(depth: number): string {
    const { chance, pick } = this.#random;
    const outer = [...this.#scope];
    const type = pick(types);
    const pipe = this.#pipeline(type, 2);
    const declared = chance(0.4) ? `${this.#newVariable(type)} := ` : '';
    const start = this.#action(`with ${declared}${pipe}`) + this.#inner(depth);
    const middle = chance(0.2) ? this.#action(`else with ${this.#pipeline(pick(types), 1)}`) + this.#inner(depth) : '';
    const end = chance(0.4) ? this.#action('else') + this.#body(depth) : '';
    this.#scope = outer;
    return start + middle + end + this.#action('end');
  }

  /** A body in which dot is something else. */
  #inner(depth: number): string {
    const outer = this.#isRoot;
    this.#isRoot = false;
    const text = this.#body(depth) + (this.#random.chance(0.5) ? '{{ . }}' : '');
    this.#isRoot = outer;
    return text;
  }

  #range(depth: number): string {
    const { chance, pick } = this.#random;
    const outer = [...this.#scope];
    const over = this.#rangedOver();
    const first = chance(0.5) ? this.#newVariable(pick(types)) : undefined;
    const second = first !== undefined && chance(0.6) ? this.#newVariable(pick(types)) : undefined;
    const declared =
      first === undefined ? '' : `${[first, second].filter((name) => name !== undefined).join(', ')} := `;
    this.#loops += 1;
    const start = this.#action(`range ${declared}${over}`) + this.#inner(depth);
    this.#loops -= 1;
    this.#scope = outer;
    const end = chance(0.4) ? this.#action('else') + this.#body(depth) : '';
    return start + end + this.#action('end');
  }

  /** Never what might be a large number. */
  #rangedOver(): string {
    const { pick, chance } = this.#random;
    if (chance(0.15))
      return pick(['3', '0', '-1', '(int64 2)', '2.5', 'nil', ...(this.#isRoot ? ['.', '$', '.user'] : [])]);
    const type = pick<'d' | 'l'>(['l', 'l', 'd']);
    return chance(0.5)
      ? pick(literals.values[type].filter((text) => text !== '$'))
      : this.#called(pick(collections[type]), 2);
  }

  #define(depth: number): string {
    const [scope, loops, isRoot] = [this.#scope, this.#loops, this.#isRoot];
    const name = this.#random.chance(0.1) ? 'same' : `t${this.#templates.length}`;
    [this.#scope, this.#loops, this.#isRoot] = [[], 0, false];
    this.#templates.push(name); // first, or the body would call it: Go goes 100,000 levels deep
    const body = this.#body(Math.min(depth, 2));
    [this.#scope, this.#loops, this.#isRoot] = [scope, loops, isRoot];
    const isTop = depth === 3;
    const call = this.#action(`template "${name}"${this.#argument()}`);
    return isTop ? `{{ define "${name}" }}${body}{{ end }}${call}` : call;
  }

  #block(depth: number): string {
    const [scope, loops] = [this.#scope, this.#loops];
    const argument = this.#random.chance(0.8) ? ` ${this.#simple('d')}` : ' .';
    [this.#scope, this.#loops] = [[], 0];
    const body = this.#inner(Math.min(depth, 2));
    [this.#scope, this.#loops] = [scope, loops];
    return `{{ block "b${this.#names++}"${argument} }}${body}{{ end }}`;
  }

  #argument(): string {
    const { chance, pick } = this.#random;
    return chance(0.7) ? ` ${chance(0.5) ? '.' : this.#simple(pick(types))}` : '';
  }

  /** A pipeline whose value has that type. */
  #pipeline(type: ValueType, depth: number): string {
    return this.#random.chance(0.6) ? this.#call(type, depth) : this.#simple(type);
  }

  /** A call, its last argument perhaps in front of it. */
  #call(type: ValueType, depth: number): string {
    return this.#called(this.#random.pick(calls[type]), depth);
  }

  #called({ name, params }: Signature, depth: number): string {
    const { chance } = this.#random;
    const args = params.map((param) => this.#operand(param, depth - 1));
    if (chance(0.02)) args.push(this.#simple('i'));
    const last = args.at(-1);
    if (last === undefined || chance(0.7)) return [name, ...args].join(' ');
    const inner = /^\((.*)\)$/s.exec(last)?.[1] ?? last;
    return `${inner} | ${[name, ...args.slice(0, -1)].join(' ')}`;
  }

  #operand(letter: string, depth: number): string {
    const { chance, pick } = this.#random;
    if (letter === 'T') return pick(literals.values.t);
    if (letter.length > 1 || letter === '|') return letter;
    const fixed = fixedLiterals(letter);
    if (fixed !== undefined) return pick(fixed);
    const wanted =
      letter === 'a' || letter === 'g' ? types : letter === 'n' ? numbers : types.filter((type) => type === letter);
    const drawn = pick(chance(0.03) ? types : wanted);
    if (letter === 'g' && drawn === 't') return this.#simple('s');
    if (depth > 0 && chance(0.45)) return `(${this.#pipeline(drawn, depth)})`;
    return this.#simple(drawn);
  }

  /** A value without a call of its own at its head: a literal, a variable, a key of the data, a small list. */
  #simple(type: ValueType): string {
    const { pick, chance } = this.#random;
    const known = this.#scope.filter((variable) => variable.type === type);
    if (known.length > 0 && chance(0.5)) return pick(known).name;
    if (chance(0.02)) return pick(['nil', '.nope', '$.nope', '.user.x', '$x']);
    if (type === 's' && chance(0.4)) return `${this.#isRoot && chance(0.8) ? '' : '$'}.${pick(keys)}`;
    return pick(literals.values[type]);
  }

  #damaged(text: string): string {
    const { below, pick, chance } = this.#random;
    const tokens = text.split(/(\s+|\{\{-?|-?\}\}|[()|.,"$=])/).filter((token) => token !== '');
    const at = below(Math.max(1, tokens.length));
    if (chance(0.4)) tokens.splice(at, 1);
    else if (chance(0.5)) tokens.splice(at, 0, pick(tokens.length > 0 ? tokens : ['x']));
    else tokens.splice(at, chance(0.5) ? 1 : 0, pick(literals.damage));
    return tokens.join('');
  }
}
