// What a login request looks like on the wire: its route, the headers that a server goes by, and its body's members, each by the
// form of its value. Two logins of one method have the same shape, whoever sent them.

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** As JSON. */
  readonly body: unknown;
}

export interface LoginShape {
  /** `POST /api/v1/auth/aws-auth/login`. */
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Form by path of the member: `identityId`, `headers.x-date`. Names of a signed request's headers are told apart by case. */
  readonly members: Readonly<Record<string, string>>;
}

/** Headers by which a server decides how, or whether, it reads a login. */
const meaningful = ['accept', 'content-type', 'authorization'];

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const jwt = /^[\w-]+\.([\w-]+)\.[\w-]+$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function shapeOf({ method, path, headers, body }: WireRequest): LoginShape {
  const identityId = String(Object(body).identityId);
  const members = membersOf(Object(body), identityId);
  const seen = meaningful.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
  return { route: `${method} ${path}`, headers: Object.fromEntries(seen), members: Object.fromEntries(members) };
}

function membersOf(
  body: Readonly<Record<string, unknown>>,
  identityId: string,
): readonly (readonly [string, string])[] {
  return Object.entries(body).flatMap(([name, value]) => {
    const inner = innerOf(value);
    if (inner === undefined) return [[name, formOf(value, identityId)] as const];
    return membersOf(inner, identityId).map(([path, form]) => [`${name}.${path}`, form] as const);
  });
}

/** The object that stands there, be it in the open or as base64 of JSON. */
function innerOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value === 'object' && value !== null) return { ...value };
  if (typeof value !== 'string' || !base64.test(value)) return undefined;
  try {
    const inner: unknown = JSON.parse(Buffer.from(value, 'base64').toString());
    return typeof inner === 'object' && inner !== null ? { ...inner } : undefined;
  } catch {
    return undefined;
  }
}

function formOf(value: unknown, identityId: string): string {
  if (typeof value !== 'string') return typeof value;
  if (uuid.test(value)) return 'uuid';
  const claims = jwt.exec(value)?.[1];
  if (claims !== undefined) return [audienceOf(claims)].flat().includes(identityId) ? 'jwt for the identity' : 'jwt';
  if (value.startsWith('AWS4-HMAC-SHA256 ')) return 'AWS signature';
  const signed = /^Signature .*headers="([^"]+)"/.exec(value)?.[1];
  if (signed !== undefined) return `signature over ${signed.split(' ').sort().join(', ')}`;
  if (/^[A-Z]{3,7}$/.test(value)) return value; // an HTTP method
  const decoded = base64.test(value) ? Buffer.from(value, 'base64').toString() : '';
  return decoded.startsWith('Action=') ? `base64 of ${decoded}` : 'text';
}

function audienceOf(claims: string): unknown {
  try {
    return Object(JSON.parse(Buffer.from(claims, 'base64url').toString())).aud;
  } catch {
    return undefined;
  }
}
