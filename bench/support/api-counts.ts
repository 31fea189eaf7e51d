// What the API server itself counted, from its `apiserver_request_total`: the writes and reads that a phase cost it.
// https://kubernetes.io/docs/reference/instrumentation/metrics/
import type { Api } from './api.ts';

export interface ApiCounts {
  /** Writes by resource, of the resources that the operator writes. */
  readonly writes: Readonly<Record<string, number>>;
  /** GETs and LISTs of the same resources; watches are not counted. */
  readonly reads: number;
}

const resources = ['secrets', 'externalsecrets', 'secretstores', 'events'];
const writeVerbs = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION']);
const readVerbs = new Set(['GET', 'LIST']);

async function readCounts(api: Api): Promise<ApiCounts> {
  const writes: Record<string, number> = Object.fromEntries(resources.map((name) => [name, 0]));
  let reads = 0;
  for (const line of (await api.text('/metrics')).split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue;
    const resource = /[{,]resource="([^"]*)"/.exec(line)?.[1] ?? '';
    const verb = /[{,]verb="([^"]*)"/.exec(line)?.[1] ?? '';
    if (!resources.includes(resource)) continue;
    const count = Number(line.slice(line.lastIndexOf(' ') + 1));
    if (writeVerbs.has(verb)) writes[resource] = (writes[resource] ?? 0) + count;
    else if (readVerbs.has(verb)) reads += count;
  }
  return { writes, reads };
}

/** Starts to count; each call of the answer gives what came since. The reading itself is not among it. */
export async function countApi(api: Api): Promise<() => Promise<ApiCounts>> {
  const before = await readCounts(api);
  return async () => {
    const after = await readCounts(api);
    const since = resources.map((name) => [name, (after.writes[name] ?? 0) - (before.writes[name] ?? 0)] as const);
    return { writes: Object.fromEntries(since), reads: after.reads - before.reads };
  };
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
