// The reference pages that come from tables in the code: flags, reasons, metrics.
import { flagTable } from '../src/config-flags.ts';
import { reasons } from '../src/core/reasons.ts';
import { Registry } from '../src/telemetry/metrics.ts';
import { operatorMetrics } from '../src/telemetry/operator-metrics.ts';

/** `docs/reference/flags.md`. */
export function flagsPage(): string {
  const rows = Object.entries(flagTable).map(([name, row]) => {
    const note = 'ignored' in row ? `accepted without effect: ${row.ignored}` : row.help;
    return `| \`--${name}\` | ${row.kind} | ${row.default === '' ? '' : `\`${row.default}\``} | ${note} |`;
  });
  return page('Flags of `escapement run`', [
    'Go syntax: `--flag=value`, `--flag value`, `--flag` and `--flag=false` for booleans. Each may also come from the environment',
    'as `ESCAPEMENT_<FLAG>` in capitals with underscores; the command line wins. Unknown flags are refused.',
    '',
    '| flag | kind | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Environment besides: `KUBECONFIG`, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`, `POD_NAME` and `POD_NAMESPACE`,',
    '`HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. Credentials for a provider are never read from the environment.',
  ]);
}

/** `docs/reference/reasons.md`. */
export function reasonsPage(): string {
  const next = {
    retry: 'tried again, ever more slowly, at most every refresh interval',
    stall: 'nothing until the object, or what it refers to, changes',
    quiet: 'tried again at once, nothing is reported',
  };
  const rows = Object.entries(reasons).map(([name, row]) => `| \`${name}\` | ${next[row.next]} | ${row.hint} |`);
  return page('Reasons', [
    'Why a sync or a store validation fails. The Ready condition keeps the reason names of the External Secrets Operator',
    '(`SecretSyncedError`, `InvalidProviderConfig`); these reasons stand in the `Stalled` condition, in log lines and in the',
    'metric `escapement_reconcile_failures_total`.',
    '',
    '| reason | what comes next | what to do |',
    '| --- | --- | --- |',
    ...rows,
  ]);
}

/** `docs/reference/metrics.md`. */
export function metricsPage(): string {
  const registry = new Registry();
  operatorMetrics(registry, 0);
  const lines = registry.render().split('\n');
  const types = new Map(
    lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ').slice(2, 4) as [string, string]),
  );
  const rows = lines
    .filter((line) => line.startsWith('# HELP'))
    .map((line) => {
      const [, , name = '', ...help] = line.split(' ');
      return `| \`${name}\` | ${types.get(name) ?? ''} | ${help.join(' ')} |`;
    });
  return page('Metrics', [
    'Served at `/metrics` on `--metrics-addr`. Names without the prefix `escapement_` are those of the External Secrets Operator,',
    'with its labels and units.',
    '',
    '| metric | type | meaning |',
    '| --- | --- | --- |',
    ...rows,
  ]);
}

function page(title: string, lines: readonly string[]): string {
  return `# ${title}\n\n${lines.join('\n')}\n`;
}
