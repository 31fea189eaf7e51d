// Reads the API server's audit log: which calls were made since a test began. Counting there, not in the operator, is
// what makes "no write" a fact. The log is written before a call is answered, so nothing that has returned is missing.
import { open, stat } from 'node:fs/promises';
import { z } from 'zod';
import { untilSteady } from './wait.ts';

export interface ApiCall {
  readonly verb: string;
  /** `secrets`, or `externalsecrets/status` where a subresource was called. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
  readonly userAgent: string;
  /** Path and query, as sent. */
  readonly uri: string;
  readonly atMs: number;
}

/** Calls since the trail was begun, or since the last call of `restart`. */
export interface AuditTrail {
  calls(): Promise<readonly ApiCall[]>;
  restart(): Promise<void>;
}

const auditEvent = z.object({
  verb: z.string(),
  userAgent: z.string().default(''),
  requestURI: z.string().default(''),
  stageTimestamp: z.string(),
  objectRef: z
    .object({
      resource: z.string().default(''),
      subresource: z.string().optional(),
      namespace: z.string().default(''),
      name: z.string().default(''),
    })
    .optional(),
  responseStatus: z.object({ code: z.number().default(0) }).optional(),
});

/** Follows the log from its present end. `userAgent` is how the calls of interest begin to name themselves. */
export async function followAudit(path: string, userAgent = 'escapement/'): Promise<AuditTrail> {
  let from = (await stat(path)).size;
  return {
    async calls() {
      const lines = (await textFrom(path, from)).split('\n').slice(0, -1); // the last one may be half-written
      const mine = lines.filter((line) => line.includes(userAgent)).map(readCall);
      return mine.filter((call) => call.userAgent.startsWith(userAgent));
    },
    async restart() {
      from = (await stat(path)).size;
    },
  };
}

/** Waits until no call was logged for a while: events go last, at the lowest priority. */
export async function untilQuiet(audit: Pick<AuditTrail, 'calls'>): Promise<void> {
  const count = async () => (await audit.calls()).length;
  await untilSteady('the operator is quiet', count, { forMs: 700, withinMs: 20_000 });
}

async function textFrom(path: string, offset: number): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size - offset);
    await file.read(bytes, 0, bytes.length, offset);
    return bytes.toString('utf8');
  } finally {
    await file.close();
  }
}

function readCall(line: string): ApiCall {
  const {
    verb,
    userAgent,
    requestURI: uri,
    stageTimestamp,
    objectRef,
    responseStatus,
  } = auditEvent.parse(JSON.parse(line));
  const { resource = '', subresource, namespace = '', name = '' } = objectRef ?? {};
  return {
    verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
    code: responseStatus?.code ?? 0,
    userAgent,
    uri,
    atMs: Date.parse(stageTimestamp),
  };
}

/** Those in a namespace that were refused for a missing right. */
export function refusedIn(namespace: string, calls: readonly ApiCall[] = []): readonly ApiCall[] {
  return calls.filter((call) => call.code === 403 && call.namespace === namespace);
}

const writingVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/**
 * How often each kind of write was made in a namespace, as `create secrets`, `patch externalsecrets/status`, …; refused
 * ones are counted too.
 */
export function countWrites(calls: readonly ApiCall[], namespace: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { verb, resource } of writesOf(calls, namespace)) {
    const what = `${verb} ${resource}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

/** Names of Secrets in a namespace to which more writes were carried out than `times`; one that changes nothing counts too. */
export function secretsWrittenOver(times: number, calls: readonly ApiCall[], namespace: string): readonly string[] {
  const good = writesOf(calls, namespace).filter(({ resource, code }) => resource === 'secrets' && code < 300);
  const byName = Map.groupBy(good, ({ name }) => name);
  return [...byName].filter(([, made]) => made.length > times).map(([name]) => name);
}

export function writesOf(calls: readonly ApiCall[], namespace: string): readonly ApiCall[] {
  return calls.filter((call) => writingVerbs.has(call.verb) && call.namespace === namespace);
}
