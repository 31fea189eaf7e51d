// The reference pages that come from tables in the code: flags, reasons, metrics.

import { reasons } from '../src/base/reasons.ts';
import { helpOf } from '../src/cli/arguments.ts';
import { envHelp, subcommands } from '../src/cli/env/command.ts';
import { flagTable } from '../src/config-flags.ts';
import { kinds } from '../src/controller/kinds.ts';
import { seriesOf } from '../src/controller/kit/kind.ts';
import { type Description, Registry } from '../src/telemetry/metrics.ts';
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

/** `docs/reference/env.md`. */
export function envPage(): string {
  const commands = Object.values(subcommands).flatMap(({ line }) => [
    '',
    `## ${line.name}`,
    '',
    '```',
    helpOf(line),
    '```',
  ]);
  return page('`escapement env`', [
    'What each command says with `--help`. [Environments on the desk](../guides/env-command.md) shows them at work.',
    '',
    '```',
    envHelp(),
    '```',
    ...commands,
  ]);
}

/** `docs/reference/reasons.md`. */
export function reasonsPage(): string {
  const next = {
    retry: 'tried again, ever more slowly, at most every refresh interval or 5 minutes',
    stall: 'nothing until the object, or what it refers to, changes',
    quiet: 'tried again at once, nothing is reported',
  };
  const rows = Object.entries(reasons).map(
    ([name, { hint, ...row }]) =>
      `| ${hint === '' ? 'not reported' : `… (${hint})`} | \`${name}\` | ${next[row.next]} |`,
  );
  return page('Reasons', [
    'Why a sync or a store validation fails. `kubectl get -o wide` shows two things of it: STATUS, which keeps the reason names of the',
    'External Secrets Operator (`SecretSyncedError`, `InvalidProviderConfig`), and MESSAGE, which says what failed and ends with what to',
    'do, in brackets. By that end a row is found here. Where a provider knows better what to do, its own words stand there instead: see',
    '[Infisical](../providers/infisical.md#what-can-go-wrong), [logins](../auth/README.md), [Pulumi](../providers/pulumi.md).',
    'The reason stands in the `Stalled` condition, in log lines and in the metric `escapement_reconcile_failures_total`.',
    '',
    '| the message ends with | reason | what comes next |',
    '| --- | --- | --- |',
    ...rows,
  ]);
}

/** `docs/reference/metrics.md`. */
export function metricsPage(): string {
  const rows = exposedFamilies().map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((one) => `\`${one}\``).join(' ')} | ${help} |`,
  );
  return page('Metrics', [
    'Served at `/metrics` on `--metrics-addr`. `escapement_…` are ours, in seconds and bytes, without names of objects; `process_…`',
    'are those of every process; the others are those of the External Secrets Operator, with its names, labels and units.',
    '[Monitoring](../guides/monitoring.md) tells how to read them.',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'With `--enable-extended-metric-labels` the series by object also carry `app_kubernetes_io_name`, `…_instance`, `…_version`,',
    '`…_component`, `…_part_of` and `…_managed_by`, copied from the labels of the object.',
  ]);
}

/** What the operator exposes with its default flags. */
export function exposedFamilies(): readonly Description[] {
  const registry = new Registry();
  const measured = Object.values(kinds).map(seriesOf);
  operatorMetrics(registry, {
    startedAtMs: 0,
    version: '',
    extendedLabels: false,
    monotonicMs: () => 0,
    kinds: measured,
  });
  return registry.describe();
}

function page(title: string, lines: readonly string[]): string {
  return `# ${title}\n\n${lines.join('\n')}\n`;
}
