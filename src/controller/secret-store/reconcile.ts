// One run of a SecretStore or ClusterSecretStore: connect it, let its provider prove it, report. Reasons are ESO's; the
// message tells a failed login from a missing right from a wrong project.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { parseGoDuration } from '../../core/go-duration.ts';
import { shortestIntervalMs } from '../../core/refresh.ts';
import { beforeConditions, checkConditions } from '../../core/store-access.ts';
import type { Verdict } from '../../core/sync-status.ts';
import type { SecretStoreSpec } from '../../crds/secret-store.ts';
import { OpenNamespaceError } from '../../credentials/references.ts';
import type { Capabilities, Freshness, StoreReader } from '../../providers/contract.ts';
import type { StoreConnections } from '../connect.ts';
import type { StoreRecord } from '../records.ts';
import { failedVerdict } from '../report.ts';

/** What a run found out. `error` is set when the store does not work. */
export interface StoreFinding {
  readonly verdict: Verdict;
  readonly error: OperatorError | undefined;
  readonly capabilities: Capabilities | undefined;
  readonly reader: StoreReader | undefined;
}

export interface StoreRooms {
  readonly connections: StoreConnections;
  readonly capabilities: (store: StoreRecord) => Capabilities | undefined;
}

const failedReason = 'InvalidProviderConfig';
const unknownVerdict: Verdict = {
  ready: 'True',
  reason: 'ValidationUnknown',
  message: 'could not determine validation status',
};
const validVerdict: Verdict = { ready: 'True', reason: 'Valid', message: 'store validated' };

/** Never throws: what is wrong is in the finding. */
export async function validateStore(
  store: StoreRecord,
  freshness: Freshness,
  rooms: StoreRooms,
  signal: AbortSignal,
): Promise<StoreFinding> {
  const capabilities = rooms.capabilities(store);
  let reader: StoreReader | undefined;
  try {
    if ('ok' in store.spec) {
      storeInterval(store.spec.ok);
      await beforeConditions(store.spec.ok.conditions);
      checkConditions(store.spec.ok.conditions);
    }
    reader = await rooms.connections.connectStore(store, signal);
    const result = await reader.validate(freshness, signal);
    if (result === 'unknown') return { verdict: unknownVerdict, error: undefined, capabilities: undefined, reader };
    return { verdict: validVerdict, error: undefined, capabilities, reader };
  } catch (thrown) {
    if (thrown instanceof OpenNamespaceError) {
      return { verdict: { ...unknownVerdict, message: thrown.message }, error: undefined, capabilities, reader };
    }
    return { ...failureFinding(asOperatorError(thrown)), reader };
  }
}

/** What is found of a store that could not be looked at. */
export function failureFinding(error: OperatorError): StoreFinding {
  return { verdict: failedVerdict(failedReason, error), error, capabilities: undefined, reader: undefined };
}

/** The store's own interval in ms, or undefined when it names none. Numbers count seconds. Throws InvalidSpec. */
export function storeInterval({ refreshInterval }: SecretStoreSpec): number | undefined {
  if (refreshInterval === undefined) return undefined;
  const ms = typeof refreshInterval === 'number' ? refreshInterval * 1_000 : parsed(refreshInterval);
  if (ms === undefined || ms < 0) {
    throw new OperatorError(
      'InvalidSpec',
      `spec.refreshInterval "${refreshInterval}" is not a duration: write seconds as a number, or for example 90s, 5m`,
    );
  }
  return ms === 0 ? undefined : Math.max(ms, shortestIntervalMs);
}

function parsed(text: string): number | undefined {
  try {
    return parseGoDuration(text);
  } catch {
    return undefined; // the caller's message names the field
  }
}
