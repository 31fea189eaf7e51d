// The routes of Pulumi Cloud that the double serves, and what stands in their paths.
// https://www.pulumi.com/docs/reference/cloud-rest-api/environments/

/** What the double is asked for. */
export type CallKind = 'exchange' | 'open' | 'read' | 'definition' | 'check' | 'tag' | 'user' | 'other';

interface EnvironmentRoute {
  readonly organization: string;
  /** `organization/project/environment`. */
  readonly name: string;
}

interface VersionRoute extends EnvironmentRoute {
  readonly version: string | undefined;
}

export type Route =
  | { readonly kind: 'exchange' }
  | { readonly kind: 'other' }
  | { readonly kind: 'user'; readonly isDefaultOrganization: boolean }
  | ({ readonly kind: 'open' } & VersionRoute)
  | ({ readonly kind: 'definition'; readonly decrypt: boolean } & VersionRoute)
  | ({ readonly kind: 'read'; readonly id: string } & EnvironmentRoute)
  | ({ readonly kind: 'tag'; readonly tag: string } & EnvironmentRoute)
  | { readonly kind: 'check'; readonly organization: string };

const root = '/api/esc/environments/';

/** `open`, `open/{id}` (the SDKs write two slashes), `decrypt`, or nothing. */
const openPath = /^open(?:\/+([^/]+))?$/;

export function routeOf(method: string, path: string): Route {
  if (method === 'POST' && path === '/api/oauth/token') return { kind: 'exchange' };
  if (method === 'GET' && path === '/api/user') return { kind: 'user', isDefaultOrganization: false };
  if (method === 'GET' && path === '/api/user/organizations/default')
    return { kind: 'user', isDefaultOrganization: true };
  if (!path.startsWith(root)) return { kind: 'other' };
  const [organization = '', project = '', environment = '', ...rest] = path.slice(root.length).split('/');
  if (method === 'POST' && [project, environment, ...rest].join('/') === 'yaml/check')
    return { kind: 'check', organization };
  if ([organization, project, environment].includes('')) return { kind: 'other' };
  const name = [organization, project, environment].join('/');
  const [first, second, third, ...more] = rest;
  if (first === 'versions' && second === 'tags') {
    return method === 'GET' && third && more.length === 0
      ? { kind: 'tag', organization, name, tag: third }
      : { kind: 'other' };
  }
  const isVersion = first === 'versions' && second !== undefined;
  const version = isVersion ? second : undefined;
  return actionOf(method, (isVersion ? rest.slice(2) : rest).join('/'), { organization, name, version });
}

function actionOf(method: string, action: string, place: VersionRoute): Route {
  const isReading = method === 'GET' || method === 'HEAD';
  if (isReading && (action === '' || action === 'decrypt'))
    return { kind: 'definition', decrypt: action !== '', ...place };
  const [matched, id] = openPath.exec(action) ?? [];
  if (method === 'POST' && matched === 'open') return { kind: 'open', ...place };
  if (method === 'GET' && id !== undefined && place.version === undefined) return { kind: 'read', id, ...place };
  return { kind: 'other' };
}
