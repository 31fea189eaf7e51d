// A connected store: one open and one read per environment and version serve all requests of a wave, through the shared
// snapshots; a look at the definition validates the store.
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import type { Freshness, ReadRequest, ReadResult, StoreReader } from '../contract.ts';
import { type Outcome, refusal } from '../shared/outcome.ts';
import type { Fetched, Snapshots } from '../shared/snapshots.ts';
import { type EnvironmentScope, lookAt, type Opened, openWhole, type PulumiAccess } from './api.ts';
import { planSearch, select } from './select.ts';
import type { EscValue } from './wire.ts';

/** What all stores of the process share. */
export interface SharedReads {
  readonly environments: Snapshots<Outcome<Opened>>;
  readonly definitions: Snapshots<Outcome<'there'>>;
}

/** `base` is the store's environment at its latest. */
export function createReader(access: PulumiAccess, base: EnvironmentScope, shared: SharedReads): StoreReader {
  const scopeKey = (scope: EnvironmentScope) => JSON.stringify([access.session.key, scope]);
  const environment = async (scope: EnvironmentScope, freshness: Freshness, signal: AbortSignal) => {
    const { notBeforeMs, noteScope, noteWarning } = freshness;
    noteScope?.(scopeKey(scope));
    const outcome = await shared.environments.get(
      {
        key: scopeKey(scope),
        origin: access.address.origin,
        notBeforeMs,
        fetch: (_kept, fetching) => fetchEnvironment(access, scope, fetching),
      },
      signal,
    );
    if ('value' in outcome && outcome.value.warning !== undefined) noteWarning?.(outcome.value.warning);
    return outcome;
  };
  return {
    phaseKey: [access.address.root, scopeKey(base)].join('|'),
    origin: access.address.origin,
    async read(requests, freshness, signal) {
      const opened = new Map<string, Promise<Outcome<Opened>>>();
      const once = (scope: EnvironmentScope) => {
        const known = opened.get(scopeKey(scope)) ?? environment(scope, freshness, signal);
        opened.set(scopeKey(scope), known);
        return known;
      };
      return Promise.all(requests.map((request) => answer(request, base, once)));
    },
    async validate({ notBeforeMs }, signal) {
      const outcome = await shared.definitions.get(
        {
          key: scopeKey(base),
          origin: access.address.origin,
          notBeforeMs,
          fetch: (kept, fetching) => fetchDefinition(access, base, kept, fetching),
        },
        signal,
      );
      if ('error' in outcome) throw outcome.error;
      return 'valid';
    },
  };
}

/** One result. What concerns every request of an environment, such as a dead token, is thrown by `open`. */
async function answer(
  request: ReadRequest,
  base: EnvironmentScope,
  open: (scope: EnvironmentScope) => Promise<Outcome<Opened>>,
): Promise<ReadResult> {
  let choose: (root: EscValue) => ReadonlyMap<string, SecretValue>;
  let scope = base;
  try {
    choose = request.kind === 'find' ? planSearch(request) : (root) => select(root, request);
    if (request.kind !== 'find') scope = { ...base, version: readVersion(request.version) };
  } catch (error) {
    return { error: asOperatorError(error) };
  }
  const outcome = await open(scope);
  if ('error' in outcome) return outcome;
  try {
    return { values: choose(outcome.value.root) };
  } catch (error) {
    return { error: asOperatorError(error) };
  }
}

/** A revision's number or the name of a tag. Throws InvalidSpec for what would lead to another route. */
function readVersion(version: string | undefined): string | undefined {
  const trimmed = version?.trim();
  if (!trimmed) return undefined;
  if (/^[A-Za-z0-9_][\w.-]{0,99}$/.test(trimmed)) return trimmed;
  throw new OperatorError('InvalidSpec', 'remoteRef.version is neither the number of a revision nor the name of a tag');
}

async function fetchEnvironment(
  access: PulumiAccess,
  scope: EnvironmentScope,
  signal: AbortSignal,
): Promise<Fetched<Outcome<Opened>>> {
  try {
    return { value: { value: await openWhole(access, scope, signal) } };
  } catch (error) {
    return { value: refusal(error) };
  }
}

async function fetchDefinition(
  access: PulumiAccess,
  scope: EnvironmentScope,
  kept: Fetched<Outcome<'there'>> | undefined,
  signal: AbortSignal,
): Promise<Fetched<Outcome<'there'>>> {
  try {
    return { value: { value: 'there' }, ...(await lookAt(access, scope, kept, signal)) };
  } catch (error) {
    return { value: refusal(error) };
  }
}
