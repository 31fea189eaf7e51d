// The closed table of what can go wrong: one row per reason. What comes next (retry, wait, stall), the event type and
// the hint for the user follow from the row; condition, event, metric label and docs row carry the same reason.

/**
 * What a reconcile does after a failure:
 * - `retry`: try again under backoff, first after `baseDelayMs`, never faster than the refresh interval in the long run;
 * - `stall`: nothing helps until the spec or a watched object changes; looked at again at the refresh interval only;
 * - `quiet`: requeue at once under backoff without event, condition or error line (conflicts, shutdown).
 */
export type NextStep = 'retry' | 'stall' | 'quiet';

interface ReasonRow {
  readonly next: NextStep;
  /** First delay of the backoff, in ms; doubles from there. */
  readonly baseDelayMs: number;
  /** What the user can do, where the failure itself brings no hint: providers know their own fields. */
  readonly hint: string;
}

export const reasons = {
  InvalidSpec: { next: 'stall', baseDelayMs: 0, hint: 'correct the field' },
  Unsupported: { next: 'stall', baseDelayMs: 0, hint: 'remove the field, or leave this object to another controller' },
  SwitchedOff: {
    next: 'stall',
    baseDelayMs: 0,
    hint: 'ask the administrator to switch it on, or do without it',
  },
  StoreNotFound: { next: 'stall', baseDelayMs: 0, hint: 'create the store or correct secretStoreRef' },
  StoreDenied: { next: 'stall', baseDelayMs: 0, hint: "extend the store's spec.conditions or use another store" },
  ReferenceNotFound: { next: 'stall', baseDelayMs: 0, hint: 'create the object or correct the reference' },
  ReferenceDenied: {
    next: 'stall',
    baseDelayMs: 0,
    hint: 'refer to an object in a namespace that this object may use',
  },
  TooManyReferences: {
    next: 'retry',
    baseDelayMs: 30_000,
    hint: 'refer to fewer objects of that namespace, or ask the administrator to raise the bound',
  },
  QuotaExceeded: {
    next: 'retry',
    baseDelayMs: 30_000,
    hint: 'use fewer of them in that namespace, or ask the administrator to raise the bound',
  },
  InvalidCredential: { next: 'stall', baseDelayMs: 0, hint: 'correct the credential in the named object' },
  IdentityDenied: { next: 'stall', baseDelayMs: 0, hint: 'ask the administrator to extend the allow-list' },
  HostDenied: { next: 'stall', baseDelayMs: 0, hint: 'use https, and a host that may be reached' },
  LoginRejected: { next: 'retry', baseDelayMs: 60_000, hint: 'check the credentials and the identity at the provider' },
  AccessDenied: { next: 'retry', baseDelayMs: 4_000, hint: 'give the identity the right to read there' },
  ScopeNotFound: {
    next: 'retry',
    baseDelayMs: 4_000,
    hint: 'check the names of the place in the store',
  },
  SecretNotFound: {
    next: 'retry',
    baseDelayMs: 2_000,
    hint: 'create the key at the provider or correct the reference',
  },
  NothingFound: { next: 'retry', baseDelayMs: 2_000, hint: 'check the search and the folder it looks in' },
  PropertyNotFound: { next: 'retry', baseDelayMs: 2_000, hint: 'check the property path against the JSON value' },
  InvalidValue: { next: 'retry', baseDelayMs: 2_000, hint: 'correct the value at the provider' },
  InvalidKey: { next: 'retry', baseDelayMs: 2_000, hint: 'use rewrite or conversionStrategy to change keys' },
  ValueHidden: {
    next: 'retry',
    baseDelayMs: 10_000,
    hint: 'give the identity the right to read values, not only to describe',
  },
  InvalidTemplate: { next: 'retry', baseDelayMs: 2_000, hint: 'correct the template, or the value that it is given' },
  UpstreamUnavailable: { next: 'retry', baseDelayMs: 1_000, hint: 'retried by itself; check the host if it lasts' },
  UpstreamThrottled: { next: 'retry', baseDelayMs: 5_000, hint: 'retried when the provider allows it' },
  UpstreamInvalid: {
    next: 'retry',
    baseDelayMs: 1_000,
    hint: 'check the address in the store, and what proxies answer in its place',
  },
  UpstreamRejected: { next: 'retry', baseDelayMs: 10_000, hint: 'see the message of the provider' },
  AnswerTooLarge: { next: 'retry', baseDelayMs: 60_000, hint: 'narrow the scope' },
  TargetConflict: { next: 'stall', baseDelayMs: 0, hint: 'choose another target name' },
  TargetRejected: { next: 'retry', baseDelayMs: 5_000, hint: 'see the message of the API server' },
  TargetTooLarge: {
    next: 'retry',
    baseDelayMs: 2_000,
    hint: 'a Kubernetes Secret holds at most 1 MiB: select fewer keys',
  },
  TooMuchWork: {
    next: 'retry',
    baseDelayMs: 60_000,
    hint: 'simplify the field, or divide the work over several ExternalSecrets',
  },
  Quarantined: {
    next: 'stall',
    baseDelayMs: 0,
    hint: 'edit it so that it is less work: the next attempt may end the operator again',
  },
  ApiDenied: { next: 'retry', baseDelayMs: 5_000, hint: "extend the operator's RBAC" },
  ApiUnavailable: { next: 'retry', baseDelayMs: 1_000, hint: 'retried by itself' },
  Conflict: { next: 'quiet', baseDelayMs: 20, hint: '' },
  Aborted: { next: 'quiet', baseDelayMs: 1_000, hint: '' },
  Internal: { next: 'retry', baseDelayMs: 5_000, hint: 'a fault of the operator: please report it with the log line' },
} as const satisfies Record<string, ReasonRow>;

/** Why something failed: a key of the table above. */
export type Reason = keyof typeof reasons;
