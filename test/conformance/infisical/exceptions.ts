// What is not replayed, and what may differ, each with its reason. Kept short: a difference belongs in the double.

export interface Exception {
  readonly scenario: string;
  /** Exchanges whose name matches; all of the scenario when absent. */
  readonly name?: RegExp;
  readonly reason: string;
}

/** Not replayed against anything. */
export const skipped: readonly Exception[] = [
  {
    scenario: 'dependency-outage',
    name: /^(postgres|redis) (stopped|frozen)/,
    reason: "the server's own database or cache is down: the double has none, its faults play the outcome",
  },
  { scenario: 'service-token-legacy', reason: 'legacy service tokens are no way in which this operator logs in' },
  {
    scenario: 'http-general',
    name: /^the older encrypted list route$/,
    reason: 'not called: only raw secrets are read',
  },
  { scenario: 'http-general', name: /^admin config/, reason: "not called: a route of the web page's" },
];

/** Differences that are known and accepted. */
export const allowed: readonly Exception[] = [
  { scenario: 'auth-later-methods', name: /^alicloud-auth$/, reason: 'no login of this operator' },
  {
    scenario: 'auth-later-methods',
    name: /^ldap-auth$/,
    reason: 'the recorded server had no licence for it, the double plays one that has',
  },
  {
    scenario: 'rate-limit',
    name: /^same identity, other address/,
    reason: 'the request left from another address of the machine, which recordings of June 2025 do not show',
  },
  { scenario: 'projects', name: /^list$/, reason: 'not called; the recorded server held projects of other tests' },
];

/** Tokens that must go out as recorded, because what is wrong with them is the point. */
export const verbatimTokens: readonly Exception[] = [
  {
    scenario: 'bearer-errors',
    name: /^(signature changed|signed with another key|alg none)$/,
    reason: 'not ours to mend',
  },
  { scenario: 'token-lifecycle', name: /^renew a token signed by someone else$/, reason: 'signed with another key' },
];

export function exceptionFor(list: readonly Exception[], scenario: string, name: string): Exception | undefined {
  return list.find((one) => one.scenario === scenario && (one.name?.test(name) ?? true));
}
