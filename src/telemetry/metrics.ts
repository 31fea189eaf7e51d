// A metrics registry in the Prometheus text format: counters, gauges and histograms with closed label sets. Written here
// because prom-client costs 10 MB of resident memory at idle, measured against a budget of 75 MiB (docs/dependencies.md).

export type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: Labels;
  value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Its lines, without HELP and TYPE. */
  render(): Iterable<string>;
}

/** A value per label set, that only `set`, `add` and `remove` change. */
export class Metric implements Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly #series = new Map<string, Series>();

  constructor(type: 'counter' | 'gauge', name: string, help: string) {
    this.type = type;
    this.name = name;
    this.help = help;
  }

  set(labels: Labels, value: number): void {
    this.#of(labels).value = value;
  }

  add(labels: Labels, by = 1): void {
    this.#of(labels).value += by;
  }

  /** Removes every series whose labels hold all of these. */
  remove(matching: Labels): void {
    const wanted = Object.entries(matching);
    for (const [key, series] of this.#series) {
      if (wanted.every(([name, value]) => series.labels[name] === value)) this.#series.delete(key);
    }
  }

  /** Drops one exact series; cheaper than `remove` when there are many. */
  drop(labels: Labels): void {
    this.#series.delete(labelText(labels));
  }

  get(labels: Labels): number | undefined {
    return this.#series.get(labelText(labels))?.value;
  }

  render(): string[] {
    return [...this.#series].map(([key, series]) => `${this.name}${key} ${series.value}`);
  }

  #of(labels: Labels): Series {
    const key = labelText(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const fresh = { labels, value: 0 };
    this.#series.set(key, fresh);
    return fresh;
  }
}

/** A family whose values are read at the scrape: for series of which there are as many as objects. */
export class ReadMetric implements Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly #sources = new Set<() => Iterable<readonly [Labels, number]>>();

  constructor(type: 'counter' | 'gauge', name: string, help: string) {
    this.type = type;
    this.name = name;
    this.help = help;
  }

  /** The answer ends the reading. */
  readFrom(source: () => Iterable<readonly [Labels, number]>): () => void {
    this.#sources.add(source);
    return () => void this.#sources.delete(source);
  }

  *render(): Iterable<string> {
    for (const source of this.#sources) {
      for (const [labels, value] of source()) yield `${this.name}${labelText(labels)} ${value}`;
    }
  }
}

interface Buckets {
  readonly labels: Labels;
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Observations in seconds, counted into cumulative buckets. */
export class Histogram implements Family {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram' as const;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Buckets>();

  constructor(name: string, help: string, boundsSeconds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = boundsSeconds;
  }

  observe(labels: Labels, seconds: number): void {
    const key = labelText(labels);
    let buckets = this.#series.get(key);
    if (buckets === undefined) {
      buckets = { labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
      this.#series.set(key, buckets);
    }
    const at = this.#bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) buckets.counts[at] = (buckets.counts[at] ?? 0) + 1;
    buckets.sum += seconds;
    buckets.count += 1;
  }

  render(): string[] {
    return [...this.#series.values()].flatMap((buckets) => {
      let below = 0;
      const lines = this.#bounds.map((bound, i) => {
        below += buckets.counts[i] ?? 0;
        return `${this.name}_bucket${labelText({ ...buckets.labels, le: String(bound) })} ${below}`;
      });
      const plain = labelText(buckets.labels);
      return [
        ...lines,
        `${this.name}_bucket${labelText({ ...buckets.labels, le: '+Inf' })} ${buckets.count}`,
        `${this.name}_sum${plain} ${buckets.sum}`,
        `${this.name}_count${plain} ${buckets.count}`,
      ];
    });
  }
}

const linesPerChunk = 500;

/** All families of the process; `collect` hooks run before each scrape to set gauges that are read, not counted. */
export class Registry {
  readonly #families: Family[] = [];
  readonly #collectors = new Set<() => void>();

  counter(name: string, help: string): Metric {
    return this.#keep(new Metric('counter', name, help));
  }

  gauge(name: string, help: string): Metric {
    return this.#keep(new Metric('gauge', name, help));
  }

  /** A family whose values are read at the scrape. */
  read(type: 'counter' | 'gauge', name: string, help: string): ReadMetric {
    return this.#keep(new ReadMetric(type, name, help));
  }

  histogram(name: string, help: string, boundsSeconds: readonly number[]): Histogram {
    return this.#keep(new Histogram(name, help, boundsSeconds));
  }

  /** The answer ends the collecting. */
  onCollect(collect: () => void): () => void {
    this.#collectors.add(collect);
    return () => void this.#collectors.delete(collect);
  }

  /** The whole exposition, in text format 0.0.4. */
  render(): string {
    return [...this.chunks()].join('');
  }

  /** The exposition in pieces of some 50 kB, so that one of many objects neither blocks the process nor fills its memory. */
  *chunks(): Iterable<string> {
    for (const collect of this.#collectors) collect();
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
      yield `# HELP ${family.name} ${family.help}`;
      yield `# TYPE ${family.name} ${family.type}`;
      yield* family.render();
    }
  }

  #keep<F extends Family>(family: F): F {
    this.#families.push(family);
    return family;
  }
}

/** The key of a series: sorted, so that the order in which a caller writes labels makes no second series. */
function labelText(labels: Labels): string {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return '';
  return `{${entries.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(',')}}`;
}

function escapeValue(value: string): string {
  return /["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}
