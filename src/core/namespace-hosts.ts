// Which hosts a namespace may name, by the administrator's rules over its labels. A namespace that no rule speaks of may name
// any; one that several speak of may name what any of them lists.
import { tryJson } from '../base/json.ts';
import { OperatorError } from '../base/operator-error.ts';
import { type NamespaceHostsRule, namespaceHostsRules } from '../crds/selectors.ts';
import { normalizeHost, normalizeHostEntry } from './host-entry.ts';
import { checkSelector, matchesLabels, type NamespaceFacts } from './label-selector.ts';

export const namespaceHostsFlag = 'upstream-hosts-for';

export type NamespaceHosts = readonly NamespaceHostsRule[];

const example = '[{"namespaces":{"matchLabels":{"team":"a"}},"hosts":["secrets.example.com"]}]';

/** The rules of the flag's text, which is JSON; '' has none. Throws InvalidSpec for what cannot be understood. */
export function readNamespaceHosts(text: string): readonly NamespaceHostsRule[] {
  if (text.trim() === '') return [];
  const rules = namespaceHostsRules.safeParse(tryJson(text)).data;
  if (rules === undefined)
    throw new OperatorError('InvalidSpec', `--${namespaceHostsFlag}: expected JSON such as ${example}`);
  for (const [i, { namespaces, hosts }] of rules.entries()) {
    checkSelector(namespaces, `--${namespaceHostsFlag}: [${i}].namespaces`);
    for (const host of hosts) normalizeHostEntry(host, namespaceHostsFlag);
  }
  return rules;
}

/** Throws HostDenied that names the flag. `port` is the one that is connected to. */
export function checkNamespaceHost(
  rules: readonly NamespaceHostsRule[],
  namespace: NamespaceFacts,
  { hostname, port }: { readonly hostname: string; readonly port: number },
): void {
  const ours = rules.filter((rule) => matchesLabels(rule.namespaces, namespace.labels));
  if (ours.length === 0) return;
  const host = normalizeHost(hostname);
  const listed = new Set(
    ours.flatMap(({ hosts }) => hosts.map((each) => normalizeHostEntry(each, namespaceHostsFlag))),
  );
  if (listed.has(host) || listed.has(`${host}:${port}`)) return;
  throw new OperatorError(
    'HostDenied',
    `host "${host}" is not one that namespace "${namespace.name}" may name: list it in --${namespaceHostsFlag} (Helm value upstreamHostsFor), for its labels`,
  );
}
