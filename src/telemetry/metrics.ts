// A metrics registry in the Prometheus text format: counters, gauges and histograms with closed label sets. Written here
// because prom-client costs 10 MB of resident memory at idle, measured against a budget of 75 MiB (docs/dependencies.md).

/** A value for each label of a family. */
export type Labels<L extends string = string> = Readonly<Record<L, string>>;

/** What a family is, besides its series. */
export interface Description<L extends string = string> {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** In the order in which they are written; `le` of histograms apart. */
  readonly labels: readonly L[];
}

interface Family {
  readonly description: Description;
  /** Its lines, without HELP and TYPE. */
  render(): Iterable<string>;
}

/** One series of a counter, found once and counted often. Only for series that nobody removes. */
export interface Counted {
  add(by?: number): void;
}

class Series<L extends string> implements Counted {
  readonly labels: Labels<L>;
  value = 0;

  constructor(labels: Labels<L>) {
    this.labels = labels;
  }

  add(by = 1): void {
    this.value += by;
  }
}

/** A value per label set, that only `set`, `add` and `remove` change. */
export class Metric<L extends string> implements Family {
  readonly description: Description<L>;
  readonly #series = new Map<string, Series<L>>();

  constructor(description: Description<L>) {
    this.description = description;
  }

  set(labels: Labels<L>, value: number): void {
    this.#of(labels).value = value;
  }

  add(labels: Labels<L>, by = 1): void {
    this.#of(labels).value += by;
  }

  /** The series itself, which begins at 0: for those that are counted with every run. */
  at(labels: Labels<L>): Counted {
    return this.#of(labels);
  }

  /** Removes every series whose labels hold all of these. */
  remove(matching: Partial<Labels<L>>): void {
    removeFrom(this.#series, matching);
  }

  get(labels: Labels<L>): number | undefined {
    return this.#series.get(labelText(this.description.labels, labels))?.value;
  }

  render(): string[] {
    return [...this.#series].map(([text, { value }]) => `${this.description.name}${text} ${value}`);
  }

  #of(labels: Labels<L>): Series<L> {
    const text = labelText(this.description.labels, labels);
    const known = this.#series.get(text);
    if (known !== undefined) return known;
    const fresh = new Series(labels);
    this.#series.set(text, fresh);
    return fresh;
  }
}

/** A family whose values are read at the scrape: of what is there as often as objects, or has no history. */
export class ReadMetric<L extends string> implements Family {
  readonly description: Description<L>;
  readonly #sources = new Set<() => Iterable<readonly [Labels<L>, number]>>();

  constructor(description: Description<L>) {
    this.description = description;
  }

  /** The answer ends the reading. */
  readFrom(source: () => Iterable<readonly [Labels<L>, number]>): () => void {
    this.#sources.add(source);
    return () => void this.#sources.delete(source);
  }

  *render(): Iterable<string> {
    const { name, labels: names } = this.description;
    for (const source of this.#sources) {
      for (const [labels, value] of source()) yield `${name}${labelText(names, labels)} ${value}`;
    }
  }
}

/** One series of a histogram, found once and observed often. Only for series that nobody removes. */
export interface Observed {
  observe(seconds: number): void;
}

class Buckets<L extends string> implements Observed {
  readonly labels: Labels<L>;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(labels: Labels<L>, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(seconds: number): void {
    const at = this.#bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += seconds;
    this.#count += 1;
  }

  *render({ name, labels: names }: Description): Iterable<string> {
    let below = 0;
    for (const [i, bound] of this.#bounds.entries()) {
      below += this.#counts[i] ?? 0;
      yield `${name}_bucket${labelText(names, this.labels, `le="${bound}"`)} ${below}`;
    }
    const plain = labelText(names, this.labels);
    yield `${name}_bucket${labelText(names, this.labels, 'le="+Inf"')} ${this.#count}`;
    yield `${name}_sum${plain} ${this.#sum}`;
    yield `${name}_count${plain} ${this.#count}`;
  }
}

/** Observations in seconds, counted into cumulative buckets. */
export class Histogram<L extends string> implements Family {
  readonly description: Description<L>;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Buckets<L>>();

  constructor(description: Description<L>, boundsSeconds: readonly number[]) {
    this.description = description;
    this.#bounds = boundsSeconds;
  }

  observe(labels: Labels<L>, seconds: number): void {
    this.at(labels).observe(seconds);
  }

  /** The series itself, empty at first: for those that are observed with every run. */
  at(labels: Labels<L>): Observed {
    const text = labelText(this.description.labels, labels);
    const known = this.#series.get(text);
    if (known !== undefined) return known;
    const fresh = new Buckets(labels, this.#bounds);
    this.#series.set(text, fresh);
    return fresh;
  }

  /** Removes every series whose labels hold all of these. */
  remove(matching: Partial<Labels<L>>): void {
    removeFrom(this.#series, matching);
  }

  *render(): Iterable<string> {
    for (const buckets of this.#series.values()) yield* buckets.render(this.description);
  }
}

/** Name, meaning and labels of a family to be. */
export interface FamilyOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  /** Default none. */
  readonly labels?: readonly L[];
}

const linesPerChunk = 500;

/** All families of the process. */
export class Registry {
  readonly #families: Family[] = [];

  counter<L extends string = never>(options: FamilyOptions<L>): Metric<L> {
    return this.#keep(new Metric({ labels: [], ...options, type: 'counter' }));
  }

  gauge<L extends string = never>(options: FamilyOptions<L>): Metric<L> {
    return this.#keep(new Metric({ labels: [], ...options, type: 'gauge' }));
  }

  /** A family whose values are read at the scrape. */
  read<L extends string = never>(type: 'counter' | 'gauge', options: FamilyOptions<L>): ReadMetric<L> {
    return this.#keep(new ReadMetric({ labels: [], ...options, type }));
  }

  histogram<L extends string = never>(options: FamilyOptions<L>, boundsSeconds: readonly number[]): Histogram<L> {
    return this.#keep(new Histogram({ labels: [], ...options, type: 'histogram' }, boundsSeconds));
  }

  /** What is exposed, in the order of the exposition. */
  describe(): readonly Description[] {
    return this.#families.map(({ description }) => description);
  }

  /** The whole exposition, in text format 0.0.4. */
  render(): string {
    return [...this.chunks()].join('');
  }

  /** The exposition in pieces of some 50 kB, so that one of many objects neither blocks the process nor fills its memory. */
  *chunks(): Iterable<string> {
    let lines: string[] = [];
    for (const line of this.#lines()) {
      lines.push(line);
      if (lines.length < linesPerChunk) continue;
      yield `${lines.join('\n')}\n`;
      lines = [];
    }
    if (lines.length > 0) yield `${lines.join('\n')}\n`;
  }

  *#lines(): Iterable<string> {
    for (const family of this.#families) {
      const { name, help, type } = family.description;
      yield `# HELP ${name} ${help}`;
      yield `# TYPE ${name} ${type}`;
      yield* family.render();
    }
  }

  #keep<F extends Family>(family: F): F {
    this.#families.push(family);
    return family;
  }
}

function removeFrom(
  series: Map<string, { readonly labels: Labels }>,
  matching: Readonly<Record<string, string | undefined>>,
): void {
  const wanted = Object.entries(matching);
  for (const [text, { labels }] of series) {
    if (wanted.every(([name, value]) => labels[name] === value)) series.delete(text);
  }
}

/** The labels as they are exposed, which is the key of a series too: in the family's order, however a caller writes them. */
function labelText(names: readonly string[], labels: Labels, last = ''): string {
  let text = '';
  for (const name of names) text += `${text === '' ? '' : ','}${name}="${escapeValue(labels[name] ?? '')}"`;
  if (last !== '') text += text === '' ? last : `,${last}`;
  return text === '' ? '' : `{${text}}`;
}

function escapeValue(value: string): string {
  return /["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}
