// Reads what /metrics answers: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4).

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Throws at a line that is none of the format. */
export function samplesOf(exposition: string): readonly Sample[] {
  return exposition
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, inside = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`);
      const labels = [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => [
        label,
        JSON.parse(`"${text}"`),
      ]);
      return { name, labels: Object.fromEntries(labels), value: Number(value) };
    });
}

export interface Target {
  readonly labels: Readonly<Record<string, string>>;
  /** Prometheus' `honor_labels`: what the target says wins over what Prometheus knows of it. Default false. */
  readonly honorLabels?: boolean;
}

/** The sample as Prometheus stores it: with the labels of its target; what clashes is called `exported_…`. */
export function scraped({ name, labels, value }: Sample, { labels: own, honorLabels = false }: Target): Sample {
  const said = Object.entries(labels).filter(([, text]) => text !== '');
  if (honorLabels) return { name, value, labels: { ...own, ...Object.fromEntries(said) } };
  const renamed = said.map(([label, text]) => [label in own ? `exported_${label}` : label, text]);
  return { name, value, labels: { ...Object.fromEntries(renamed), ...own } };
}
