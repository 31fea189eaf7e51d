// A connected store: one open and one read per environment and version serve all requests of a wave, through the shared
// snapshots; none is needed where the definition proves that nothing changed. A look at the definition validates the store.
import type { Clock } from '../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import { ownTurn } from '../../base/turns.ts';
import { Budget, inlineShare } from '../../core/budget.ts';
import { type Desk, inlineDesk } from '../../core/jobs.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import type { Freshness, ReadRequest, ReadResult, StoreReader } from '../contract.ts';
import { type Outcome, refusal, valueIn } from '../shared/outcome.ts';
import type { Fetched, Snapshots } from '../shared/snapshots.ts';
import { type EnvironmentScope, lookAt, type Opened, openWhole, type PulumiAccess } from './api.ts';
import type { Definition } from './definition.ts';
import { type AskDefinition, proofOf } from './proof.ts';
import { type Means, planSearch, select } from './select.ts';
import type { EscValue } from './wire.ts';

/** What all stores of the process share. */
export interface SharedReads {
  readonly environments: Snapshots<Outcome<Opened>>;
  readonly definitions: Snapshots<Outcome<Definition>>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** `base` is the store's environment at its latest. */
export function createReader(access: PulumiAccess, base: EnvironmentScope, shared: SharedReads): StoreReader {
  const { origin, root } = access.address;
  const { keeper: holder } = access;
  const scopeKey = (scope: EnvironmentScope) => JSON.stringify([access.session.key, scope]);
  const definition = (scope: EnvironmentScope, notBeforeMs: number, signal: AbortSignal) =>
    shared.definitions.get(
      {
        key: scopeKey(scope),
        origin,
        holder,
        notBeforeMs,
        fetch: (kept, fetching) => fetchDefinition(access, scope, kept, fetching),
      },
      signal,
    );
  const environment = async (scope: EnvironmentScope, freshness: Freshness, signal: AbortSignal) => {
    const { notBeforeMs, noteScope, noteWarning } = freshness;
    noteScope?.(scopeKey(scope));
    const fetch = (kept: Fetched<Outcome<Opened>> | undefined, fetching: AbortSignal) => {
      const ask: AskDefinition = (one, askedFromMs) => definition(one, askedFromMs, fetching);
      return fetchEnvironment(access, scope, { kept, ask, nowMs: shared.clock.monotonicMs() }, fetching);
    };
    const outcome = await shared.environments.get({ key: scopeKey(scope), origin, holder, notBeforeMs, fetch }, signal);
    if ('value' in outcome && outcome.value.warning !== undefined) noteWarning?.(outcome.value.warning);
    return outcome;
  };
  return {
    phaseKey: [root, scopeKey(base)].join('|'),
    origin,
    async read(requests, freshness, signal) {
      const { desk = inlineDesk() } = freshness;
      const opened = new Map<string, Promise<Outcome<Opened>>>();
      const once = (scope: EnvironmentScope) => {
        const known = opened.get(scopeKey(scope)) ?? environment(scope, freshness, signal);
        opened.set(scopeKey(scope), known);
        return known;
      };
      const asked = requests.map((request) => ask(request, base));
      await readAll(asked.map(async (each) => 'error' in each || (await once(each.scope))));
      const results: ReadResult[] = [];
      const whole = new Budget();
      for (const each of asked) results.push(await answer(each, once, { whole, desk }));
      return results;
    },
    async validate({ notBeforeMs }, signal) {
      valueIn(await definition(base, notBeforeMs, signal));
      return 'valid';
    },
  };
}

interface Asked {
  readonly scope: EnvironmentScope;
  readonly choose: (root: EscValue, means: Means) => Promise<ReadonlyMap<string, SecretValue>>;
}

function ask(request: ReadRequest, base: EnvironmentScope): Asked | { readonly error: OperatorError } {
  try {
    if (request.kind === 'find') return { scope: base, choose: planSearch(request) };
    const scope = { ...base, version: readVersion(request.version) };
    return { scope, choose: (root, means) => select(root, request, means) };
  } catch (error) {
    return { error: asOperatorError(error) };
  }
}

/** More than this at once, and the others have their turn. */
const workPerTurn = inlineShare.work / 4;

/** One result. What concerns every request of an environment, such as a dead token, is thrown by `open`. */
async function answer(
  asked: ReturnType<typeof ask>,
  open: (scope: EnvironmentScope) => Promise<Outcome<Opened>>,
  { whole, desk }: { readonly whole: Budget; readonly desk: Desk },
): Promise<ReadResult> {
  if ('error' in asked) return asked;
  const outcome = await open(asked.scope);
  if ('error' in outcome) return outcome;
  const budget = new Budget(inlineShare);
  const before = whole.spent.work;
  try {
    return { values: await asked.choose(outcome.value.root, { budget, desk }) };
  } catch (error) {
    return { error: asOperatorError(error) };
  } finally {
    whole.charge(budget.spent);
    if (isNextTurn(before, whole.spent.work)) await ownTurn();
  }
}

function isNextTurn(before: number, after: number): boolean {
  return Math.floor(before / workPerTurn) < Math.floor(after / workPerTurn);
}

/** A revision's number or the name of a tag. Throws InvalidSpec for what would lead to another route. */
function readVersion(version: string | undefined): string | undefined {
  const trimmed = version?.trim();
  if (!trimmed || trimmed === 'latest') return undefined; // the tag that every environment has
  if (/^[A-Za-z0-9_][\w.-]{0,99}$/.test(trimmed)) return trimmed;
  throw new OperatorError('InvalidSpec', 'remoteRef.version is neither the number of a revision nor the name of a tag');
}

/** Proven answers are opened anew after this: the right to open may have been withdrawn. */
const provenForMs = 12 * 3_600_000;

/** Opens the environment; or keeps what is kept, where its definition proves that an open would give the same. */
async function fetchEnvironment(
  access: PulumiAccess,
  scope: EnvironmentScope,
  { kept, ask, nowMs }: Proving,
  signal: AbortSignal,
): Promise<Fetched<Outcome<Opened>>> {
  const openedAtMs = nowMs;
  try {
    const proof = await proofOf(scope, ask, nowMs);
    if (proof !== undefined && kept !== undefined && 'value' in kept.value) {
      const { value: before } = kept.value;
      if (before.proof === proof && nowMs - before.openedAtMs < provenForMs) return kept;
    }
    return { value: { value: { ...(await openWhole(access, scope, signal)), openedAtMs, proof } } };
  } catch (error) {
    return { value: refusal(error) };
  }
}

interface Proving {
  readonly kept: Fetched<Outcome<Opened>> | undefined;
  readonly ask: AskDefinition;
  /** Monotonic, when the fetch started. */
  readonly nowMs: number;
}

async function fetchDefinition(
  access: PulumiAccess,
  scope: EnvironmentScope,
  kept: Fetched<Outcome<Definition>> | undefined,
  signal: AbortSignal,
): Promise<Fetched<Outcome<Definition>>> {
  const { value: outcome, etag } = kept ?? {};
  const before =
    outcome !== undefined && 'value' in outcome && etag !== undefined ? { definition: outcome.value, etag } : undefined;
  try {
    const { definition: value, ...validator } = await lookAt(access, scope, before, signal);
    return { value: { value }, ...validator };
  } catch (error) {
    return { value: refusal(error) };
  }
}
