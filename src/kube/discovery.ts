// What the API server serves: whether a kind is there, and what its CRD lets us write into status. Asked through
// discovery and OpenAPI, which every authenticated client may read, so that no right to read CRDs is needed.
import { isRecord, type JsonObject } from '../base/json.ts';
import { OperatorError } from '../base/operator-error.ts';
import { refusalOf } from './call.ts';
import { groupVersionPath } from './path.ts';
import type { ApiAnswer, Transport } from './transport.ts';
import type { Resource } from './types.ts';

/** What the schema of a kind's status holds. */
export interface StatusSchema {
  readonly observedGeneration: boolean;
  /** Whether a condition may carry `observedGeneration`. */
  readonly conditionObservedGeneration: boolean;
  /** The condition types that an enum allows; undefined when any is allowed. */
  readonly conditionTypes: readonly string[] | undefined;
}

/** ESO's kinds with their descriptions are some 4 MB. */
const schemaMaxBytes = 32 * 2 ** 20;

/** Whether the server serves the resource at this very version. */
export async function serves(transport: Transport, resource: Resource, signal: AbortSignal): Promise<boolean> {
  const answer = await fetchText(transport, groupVersionPath(resource), signal);
  if (answer === undefined) return false;
  const list: { resources?: readonly { readonly name?: string }[] } = parseObject(answer);
  return list.resources?.some(({ name }) => name === resource.plural) ?? false;
}

/** The resource that keeps objects of a kind, of this very version; undefined when none is served. */
export async function resourceOfKind(
  transport: Transport,
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion];
  const place = { group: encodeURIComponent(group), version: encodeURIComponent(version ?? '') };
  const path = groupVersionPath({ ...place, plural: '', kind, namespaced: true });
  const answer = await fetchText(transport, path, signal);
  if (answer === undefined) return undefined;
  const { resources = [] }: { resources?: readonly ServedResource[] } = parseObject(answer);
  // `deployments/status` and the like are of other kinds, or of the same.
  const found = resources.find((one) => one.kind === kind && one.name?.includes('/') === false);
  if (found?.name === undefined) return undefined;
  return { group, version: version ?? '', plural: found.name, kind, namespaced: found.namespaced === true };
}

/** Format: https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#APIResource */
interface ServedResource {
  readonly name?: string;
  readonly kind?: string;
  readonly namespaced?: boolean;
}

/**
 * The status schemas of kinds of one group and version, by kind. A kind that is not published (yet: the server takes a
 * moment after a CRD was applied) is absent. Format: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
 */
export async function detectCompatibility(
  transport: Transport,
  resources: readonly Resource[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StatusSchema>> {
  const found = new Map<string, StatusSchema>();
  const [first] = resources;
  if (first === undefined) return found;
  const answer = await fetchText(transport, `/openapi/v3${groupVersionPath(first)}`, signal);
  if (answer === undefined) return found;
  const schemas = at(parseObject(answer), 'components', 'schemas');
  for (const schema of Object.values(schemas ?? {})) {
    const kind = kindOf(schema);
    if (kind !== undefined && resources.some((resource) => resource.kind === kind))
      found.set(kind, readStatusSchema(schema));
  }
  return found;
}

function readStatusSchema(schema: unknown): StatusSchema {
  const status = at(schema, 'properties', 'status', 'properties');
  const condition = at(status, 'conditions', 'items', 'properties');
  const types = at(condition, 'type')?.['enum'];
  return {
    // A status without a list of properties keeps what it is given.
    observedGeneration: status === undefined || status['observedGeneration'] !== undefined,
    conditionObservedGeneration: condition === undefined || condition['observedGeneration'] !== undefined,
    conditionTypes: Array.isArray(types) ? types.filter((type) => typeof type === 'string') : undefined,
  };
}

function kindOf(schema: unknown): string | undefined {
  const kinds = at(schema)?.['x-kubernetes-group-version-kind'];
  const kind = Array.isArray(kinds) && kinds.length === 1 ? at(kinds[0])?.['kind'] : undefined;
  return typeof kind === 'string' ? kind : undefined;
}

/** The object at a path of names, or undefined. */
function at(value: unknown, ...names: readonly string[]): JsonObject | undefined {
  let here = value;
  for (const name of names) here = isRecord(here) ? here[name] : undefined;
  return isRecord(here) ? here : undefined;
}

async function fetchText(transport: Transport, path: string, signal: AbortSignal): Promise<ApiAnswer | undefined> {
  const answer = await transport.send({ method: 'GET', path, mayReplay: true, maxBytes: schemaMaxBytes }, signal);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusalOf({ verb: 'get', plural: path }, answer);
  return answer;
}

function parseObject({ body }: ApiAnswer): JsonObject {
  try {
    const parsed: unknown = JSON.parse(body);
    if (isRecord(parsed)) return parsed;
  } catch {
    // said below
  }
  throw new OperatorError('ApiUnavailable', 'the discovery answer of the API server is not a JSON object');
}
