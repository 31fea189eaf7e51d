// In what the outcome of a case differs from the recorded one, aspect by aspect. What differs by design in every case is
// levelled here, once; what differs in single cases is the business of expectations.ts.
import { isDeepStrictEqual } from 'node:util';
import { clusterExternalSecretFinalizer, externalSecretFinalizer } from '../../../src/core/contract-names.ts';
import {
  renewAtAnnotation,
  templateDrawnAnnotation,
  templateInputsAnnotation,
} from '../../../src/core/kept-volatile.ts';
import type { ClusterOutcome, OutcomeLine, TargetOutcome } from './lines.ts';

/**
 * - `accepted`: what the API server let in;
 * - `ready`: Ready and its reason on ExternalSecrets and stores, the binding, and the message of what is Ready;
 * - `data`, `type`, `metadata`: of the target Secrets (`metadata` with owners and field managers) and, where the recording
 *   shows them, of ExternalSecrets.
 */
export type Aspect = 'accepted' | 'ready' | 'data' | 'type' | 'metadata';

export interface Difference {
  readonly aspect: Aspect;
  /** `targets › namespace/name › labels`. */
  readonly at: string;
  /** As JSON, shortened; `absent` for nothing. */
  readonly recorded: string;
  readonly ours: string;
}

const aspects: Readonly<Record<Aspect, (line: OutcomeLine) => unknown>> = {
  accepted: ({ accepted, rejected }) => ({ accepted, rejected: Object.keys(rejected ?? {}).sort() }),
  ready: ({ es, stores, ces }) => ({
    es: mapped(es, ({ exists, binding, ...verdict }) => ({ exists, binding, ...comparable(verdict) })),
    stores: mapped(stores, ({ exists, capabilities, ...verdict }) => ({
      exists,
      capabilities,
      ...comparable(verdict),
    })),
    // The condition of ESO's kind has no reason, and no message while all is well.
    ces: mapped(ces, ({ exists, ready, provisioned, failed, externalSecretName }) => ({
      exists,
      ready,
      provisioned,
      failed,
      externalSecretName,
    })),
  }),
  data: ({ targets }) => mapped(targets, ({ exists, data }) => ({ exists, data })),
  type: ({ targets }) => mapped(targets, ({ type, immutable }) => ({ type, immutable })),
  metadata: ({ targets, es, ces }) => ({
    targets: mapped(targets, targetMetadata),
    ces: mapped(ces, clusterMetadata),
    es: mapped(es, ({ finalizers, labels, annotations, owners }) => ({
      finalizers: withoutEmpty(finalizers),
      labels,
      annotations,
      owners,
    })),
  }),
};

/** All differences; none when the outcome is the recorded one. */
export function differences(recorded: OutcomeLine, ours: OutcomeLine): readonly Difference[] {
  return (Object.keys(aspects) as Aspect[]) // the keys of a Record<Aspect, …>
    .flatMap((aspect) => paths(plain(aspects[aspect](recorded)), plain(aspects[aspect](ours)), aspect));
}

/** ESO tells the cause in an event and keeps the message of a failure static; ours names the cause, so only success is compared. */
function comparable(verdict: {
  ready?: string | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}) {
  const { ready, reason, message } = verdict;
  return { ready, reason, ...(ready === 'True' ? { message } : {}) };
}

function targetMetadata({ labels, annotations, finalizers, owners, managers }: TargetOutcome): unknown {
  // What keeps a random value from one refresh to the next; ESO draws anew each time.
  const drawn = [templateInputsAnnotation, templateDrawnAnnotation, renewAtAnnotation];
  const rest = Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => !drawn.includes(name)));
  return {
    labels,
    annotations: annotations && rest,
    finalizers,
    owners,
    managers: managers?.map(levelledManager).sort(),
  };
}

/** The harness writes under a field manager of its own, which had another name when ESO was recorded. */
const harnessManagers: ReadonlySet<string> = new Set(['holdout', 'differential']);

export function levelledManager(name: string): string {
  return harnessManagers.has(name) ? 'harness' : name;
}

/** ESO holds the namespaces of a ClusterExternalSecret by finalizers, Escapement none: owner references clean up. */
function clusterMetadata({ finalizers }: ClusterOutcome): unknown {
  return { finalizers: withoutEmpty(finalizers) };
}

const esoFinalizers: ReadonlySet<string> = new Set([externalSecretFinalizer, clusterExternalSecretFinalizer]);

/** ESO puts its finalizer on every object, Escapement none where there is nothing to clean up. */
function withoutEmpty(finalizers: readonly string[] | undefined): readonly string[] | undefined {
  const others = (finalizers ?? []).filter((name) => !esoFinalizers.has(name));
  return others.length === 0 ? undefined : others;
}

function mapped<T>(entries: Readonly<Record<string, T>> | undefined, pick: (entry: T) => unknown): unknown {
  return Object.fromEntries(Object.entries(entries ?? {}).map(([key, entry]) => [key, pick(entry)]));
}

/** Without undefined members, so that absent and undefined are one. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function paths(recorded: unknown, ours: unknown, aspect: Aspect, at = ''): readonly Difference[] {
  if (isDeepStrictEqual(recorded, ours)) return [];
  if (!isRecord(recorded) || !isRecord(ours)) return [{ aspect, at, recorded: shown(recorded), ours: shown(ours) }];
  const keys = new Set([...Object.keys(recorded), ...Object.keys(ours)]);
  return [...keys].flatMap((key) => paths(recorded[key], ours[key], aspect, at === '' ? key : `${at} › ${key}`));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const longestShown = 300;

function shown(value: unknown): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
